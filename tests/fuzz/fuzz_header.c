/* libFuzzer target over the header lines of HTTP replies: each line of the input is one. Waits are
 * none or at most a day, whatever a server says. */
#include <stdlib.h>
#include <string.h>

#include "../../src/net/http_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const int64_t day_ns = INT64_C(86400000000000);
    wk__http_head head = {.retry_ns = -1, .reset_ns = -1};
    for (size_t i = 0; i < n;) {
        const uint8_t *end = memchr(bytes + i, '\n', n - i);
        size_t length = end ? (size_t)(end - (bytes + i)) + 1 : n - i;
        /* A copy of exact size, so that a read past the line is caught. */
        char *line = malloc(length);
        if (!line)
            return 0;
        memcpy(line, bytes + i, length);
        wk__http_header(&head, line, length, INT64_C(1700000000000000000));
        if (head.retry_ns < -1 || head.retry_ns > day_ns || head.reset_ns < -1 ||
            head.reset_ns > day_ns || head.server_time_ns < 0 ||
            !memchr(head.content_type, 0, sizeof head.content_type))
            abort();
        free(line);
        i += length;
    }
    return 0;
}
