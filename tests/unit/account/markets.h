/* Markets as the bot counts them. */
#ifndef WICK_TESTS_ACCOUNT_MARKETS_H
#define WICK_TESTS_ACCOUNT_MARKETS_H

#include "../../account_instruments.h"
#include "account_internal.h"

static inline wk__market market(const wk_instrument *in, wk_decimal tick, wk_decimal lot,
                                int leverage)
{
    wk_account_market m = {in, tick, lot, leverage};
    wk__market out;
    wk_err err;
    assert_int_equal(wk__market_init(&m, &out, &err), WK_OK);
    return out;
}

#endif
