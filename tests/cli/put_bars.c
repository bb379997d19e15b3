/* put_bars ROOT VENUE TIMEFRAME_S: lines "SYMBOL TIME_S OPEN HIGH LOW CLOSE VOLUME" from the
 * standard input go into the fresh end of a store. */
#include <stdio.h>
#include <stdlib.h>

#include "wick/fresh.h"

int main(int argc, char **argv)
{
    wk_err err;
    wk_fresh *fresh = NULL;
    char symbol[32];
    long long time_s;
    wk_fresh_bar b = {.provenance = WK_PROV_TRADED};
    if (argc != 4 || wk_fresh_open(argv[1], &fresh, &err) != WK_OK)
        return 1;
    wk_status status = WK_OK;
    while (status == WK_OK && scanf("%31s %lld %lf %lf %lf %lf %lf", symbol, &time_s, &b.bar.open,
                                    &b.bar.high, &b.bar.low, &b.bar.close, &b.bar.volume) == 7) {
        b.bar.time_ns = time_s * 1000000000;
        b.arrival_ns = b.bar.time_ns + 1;
        status = wk_fresh_put_bars(fresh, argv[2], symbol, atoll(argv[3]) * 1000000000, &b, 1, NULL,
                                   NULL, &err);
    }
    if (status != WK_OK)
        fprintf(stderr, "%s\n", err.msg);
    wk_fresh_close(fresh);
    return status != WK_OK;
}
