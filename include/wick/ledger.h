/* The ledger: fills and funding of each market, added up into round trips. Backtest, paper and live
 * count trades with this one. */
#ifndef WICK_LEDGER_H
#define WICK_LEDGER_H

#include "wick/arena.h"
#include "wick/trade.h"

typedef struct {
    uint32_t symbol;
    int8_t side;
    uint8_t exit_reason; /* wk_reason */
    size_t entry_step, exit_step;
    int64_t entry_ns, exit_ns;
    double entry_price, exit_price; /* averages, slippage included */
    double qty, notional;           /* base; quote at entry */
    double gross, fees, slippage, funding,
        net;      /* quote; net = gross - fees - slippage + funding, gross at unslipped prices */
    double score; /* of the signal */
} wk_trade;

typedef struct wk_ledger wk_ledger;

WK_MUST_CHECK wk_status wk_ledger_plan(wk_arena *arena, const wk_trade_instrument *instruments,
                                       size_t S, wk_ledger **out, wk_err *err);

/* Books a fill of step `step`; score is of the signal behind it, kept from the fill that opens.
 * *closed and *trade are set when the position is flat again. *cash_e8 is what it moved, without
 * fee and slippage. WK_E_RANGE on overflow. */
WK_MUST_CHECK wk_status wk_ledger_fill(wk_ledger *ledger, const wk_trader_event *fill, size_t step,
                                       double score, int64_t *cash_e8, bool *closed,
                                       wk_trade *trade, wk_err *err);
/* Funding received (positive) or paid, in its order with the fills: of the open trade. */
void wk_ledger_funding(wk_ledger *ledger, uint32_t symbol, int64_t amount_e8);
/* Funding of the mark time_ns as a venue tells of it: minutes later, when its trade may be closed
 * and another one open, or before the fill that opened it is known. It goes to the trade that was
 * held at the mark, to none when nothing was. True when a closed one changed: changed[0] is what it
 * was said to be before, changed[1] what it is now. */
bool wk_ledger_late_funding(wk_ledger *ledger, uint32_t symbol, int64_t time_ns, int64_t amount_e8,
                            wk_trade changed[2]);
/* Recovery: a round trip that is open, told to a fresh ledger. It is taken as opened by one fill of
 * what is held, so exits of a part before are not in its trade; replay the fills of a journal
 * through wk_ledger_fill to have them. WK_E_RANGE on overflow. */
typedef struct {
    uint32_t symbol;
    int64_t lots, entry_ticks; /* signed; 0: nothing to do */
    int64_t fees_e8, slippage_e8, funding_e8;
    size_t entry_step;
    int64_t entry_ns;
    double score;
} wk_ledger_position;
WK_MUST_CHECK wk_status wk_ledger_restore(wk_ledger *ledger, const wk_ledger_position *position,
                                          wk_err *err);
/* Signed lots held. */
int64_t wk_ledger_held(const wk_ledger *ledger, uint32_t symbol);

/* The columns of trades.csv, the same in backtest, paper and live; a line ends with \n. out holds
 * 512 bytes. */
const char *wk_trades_csv_header(void);
size_t wk_trades_csv_line(const wk_trade *trade, const char *symbol, char out[512]);

#endif
