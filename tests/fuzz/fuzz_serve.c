/* libFuzzer target over the body of POST /v1/predict: what is accepted has its shape and its room.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/ops/serve_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk__serve_parser p = {.steps_max = 1000, .batch_max = 16};
    wk__serve_problem problem = {0};
    char *text = malloc(n ? n : 1); /* exactly so long: a byte too many is seen */
    if (!text)
        return 0;
    if (n > 0)
        memcpy(text, bytes, n);
    size_t requests = wk__serve_scan(&p, text, n, &problem);
    for (size_t i = 0; i < requests; i++) {
        const wk__serve_request *r = wk__serve_parse(&p, i, &problem);
        if (!r ? problem.status < 400 || !problem.code
               : r->n == 0 || (r->kind == WK__SERVE_ROWS ? r->F == 0 : r->S == 0))
            abort();
        double sum = 0;
        for (size_t k = 0; r && k < r->n * r->S; k++)
            sum += r->bars[k].open + r->funding[k] + r->provenance[k];
        for (size_t k = 0; r && k < r->n * r->S * r->K; k++)
            sum += r->outside[k];
        for (size_t k = 0; r && k < r->n * r->F; k++)
            sum += (double)r->rows[k];
        volatile double kept = sum;
        (void)kept;
    }
    wk__serve_parser_finish(&p);
    free(text);
    return 0;
}
