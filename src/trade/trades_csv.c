/* Trades as lines of a table. */
#include <stdio.h>

#include "wick/clock.h"
#include "wick/ledger.h"

const char *wk_trades_csv_header(void)
{
    return "symbol,side,entry_bar,entry_price,exit_bar,exit_price,quantity,notional,gross,fees,"
           "slippage,funding,net,net_bp,"
           "exit_reason,score\n";
}

size_t wk_trades_csv_line(const wk_trade *tr, const char *symbol, char out[512])
{
    char entry[32], exit[32];
    int n = snprintf(
        out, 512, "%s,%s,%s,%.10g,%s,%.10g,%.10g,%.8f,%.8f,%.8f,%.8f,%.8f,%.8f,%.4f,%s,%.6g\n",
        symbol, tr->side > 0 ? "long" : "short", wk_time_format(tr->entry_ns, entry),
        tr->entry_price, wk_time_format(tr->exit_ns, exit), tr->exit_price, tr->qty, tr->notional,
        tr->gross, tr->fees, tr->slippage, tr->funding, tr->net, tr->net / tr->notional * 1e4,
        wk_reason_name((wk_reason)tr->exit_reason), tr->score);
    return (size_t)n;
}
