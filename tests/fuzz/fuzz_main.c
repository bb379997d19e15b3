/* Runs a fuzz target once over each file given: the seed corpus as a smoke test, with any compiler.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "wick/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *bytes;
        size_t n;
        wk_err err;
        if (wk_file_read(argv[i], &bytes, &n, &err) != WK_OK) {
            fprintf(stderr, "%s\n", err.msg);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)bytes, n);
        free(bytes);
    }
    printf("1..1\nok 1 - %d inputs\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
