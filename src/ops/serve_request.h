/* The body of POST /v1/predict: strict JSON into flat arrays. No I/O, no model; any bytes are safe.
 * Repeated and unknown keys are refused. */
#ifndef WICK_OPS_SERVE_REQUEST_H
#define WICK_OPS_SERVE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "../../data/json_scan.h"
#include "wick/bars.h"

/* Why a request is refused: an HTTP status, a word for programs and a sentence for people. */
typedef struct {
    int status;
    const char *code;
    char message[400];
} wk__serve_problem;

bool wk__serve_refuse(wk__serve_problem *problem, int status, const char *code, const char *fmt,
                      ...) WK_PRINTF(4, 5); /* always false */

typedef enum { WK__SERVE_SESSION, WK__SERVE_CANDLES, WK__SERVE_ROWS } wk__serve_kind;

enum { WK__SERVE_NAME_BYTES = 64, WK__SERVE_SYMBOLS_MAX = 512, WK__SERVE_VALUES_MAX = 1 << 14 };

typedef struct {
    wk__serve_kind kind;
    char model[WK__SERVE_NAME_BYTES], session[WK__SERVE_NAME_BYTES]; /* "" = not given */
    bool all;            /* forecasts of every step, not only of the last */
    size_t n, S, K, F;   /* steps of S bars and K outside values a bar, or rows of F features */
    int64_t *time_ns;    /* [n] */
    wk_bar *bars;        /* [n * S] */
    uint8_t *provenance; /* [n * S] */
    double *funding;     /* [n * S], NULL when no step has any */
    double *outside;     /* [n * S * K], K = 0: none */
    float *rows;         /* [n * F] */
    double *sigma;       /* [n] */
} wk__serve_request;

/* Room that grows to the largest request and is used again. A zeroed one is empty. */
typedef struct {
    wk__json_token *tokens;
    size_t tokens_max, n_tokens;
    uint32_t *requests; /* tokens of the batch's elements */
    size_t requests_max, n_requests;
    bool is_batch;
    int64_t steps_max, batch_max;
    wk__json json;
    wk__serve_request request;
    size_t steps_room, bars_room, outside_room, rows_room;
} wk__serve_parser;

void wk__serve_parser_finish(wk__serve_parser *parser);

/* Scans a body, which must stay where it is: the number of requests in it, 0 when it is refused. */
size_t wk__serve_scan(wk__serve_parser *parser, const char *text, size_t n,
                      wk__serve_problem *problem);
/* The i-th of them, borrowed until the next call; NULL when it is refused. */
const wk__serve_request *wk__serve_parse(wk__serve_parser *parser, size_t i,
                                         wk__serve_problem *problem);

#endif
