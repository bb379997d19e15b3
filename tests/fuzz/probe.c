/* Links only where the compiler has libFuzzer, which brings main. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    (void)bytes;
    return n == 0;
}
