/* The tables of reactions, for the test that walks them. */
#ifndef WICK_VENUE_ACCOUNT_REACTIONS_H
#define WICK_VENUE_ACCOUNT_REACTIONS_H

#include "account_internal.h"

typedef struct {
    const char *code; /* NULL ends the table */
    wk_request_result result;
    int64_t wait_ns;
    const char *hint;
} wk__reaction_row;

const wk__reaction_row *wk__reaction_rows(wk__venue venue);

#endif
