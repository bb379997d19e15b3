/* Paper trading: the simulated venue behind the executor's interface, with a fake balance. */
#ifndef WICK_BOT_EXECUTOR_PAPER_H
#define WICK_BOT_EXECUTOR_PAPER_H

#include "wick/executor.h"
#include "wick/sim.h"

/* The executor lives in `arena`. Its `step` plays the bars before the trader sees them, as the
 * backtest does. */
WK_MUST_CHECK wk_status wk_executor_paper(wk_arena *arena, const wk_sim_config *sim,
                                          const wk_trade_instrument *instruments, size_t S,
                                          int64_t timeframe_ns, wk_executor *out, wk_err *err);
/* The venue behind it: balances, positions, marks. */
wk_sim_venue *wk_executor_paper_venue(const wk_executor *executor);

#endif
