/* libFuzzer target over the replies of JSON endpoints: the first byte chooses where the rows lie,
 * the rest is the body. What is accepted must be in range. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/outside_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const wk_outside_source sources[] = {
        {.name = "a", .rows = "", .time = "/time", .value = "/value"},
        {.name = "b", .rows = "/data/items", .time = "/0", .value = "/1"},
        {.name = "c", .rows = "/a~1b/0", .time = "/t~0", .value = "/v/x"},
        {.name = "d", .rows = "data", .time = "/t", .value = "/v"},
    };
    if (n == 0)
        return 0;
    /* A copy of exact size, so that a read past the end is caught. */
    char *body = malloc(n > 1 ? n - 1 : 1);
    if (!body)
        return 0;
    memcpy(body, bytes + 1, n - 1);
    wk_fresh_value *rows = NULL;
    size_t n_rows = 0;
    wk_err err = {0};
    wk_status status =
        wk_outside_parse_json(&sources[bytes[0] % 4], body, n - 1, 7, &rows, &n_rows, &err);
    if (status != WK_OK && (rows || n_rows || !err.msg[0]))
        abort();
    for (size_t i = 0; i < n_rows; i++)
        if (!isfinite(rows[i].value) || rows[i].time_ns < 0 || rows[i].known_ns != 7)
            abort();
    free(rows);
    free(body);
    return 0;
}
