/* See wick/sim.h for what fills when. */
#include "executor_paper.h"

#include "wick/log.h"

typedef struct {
    wk_sim_venue *venue;
    int64_t timeframe_ns, bar; /* number of the newest bar, 0 before the first */
    wk_events events;
    size_t next;
} paper;

static bool submit(void *self, const wk_action *action, int64_t now_ns)
{
    paper *p = self;
    wk_err err;
    (void)now_ns;
    if (action->kind == WK_ACTION_CANCEL) {
        wk_sim_cancel(p->venue, action->order.symbol, action->order.id, p->bar);
        return true;
    }
    if (wk_sim_place(p->venue, &action->order, p->bar, &err) != WK_OK) {
        wk_log_write(WK_LOG_ERROR, "paper.order", "order=%llu error=\"%s\"",
                     (unsigned long long)action->order.id, err.msg);
        return false;
    }
    return true;
}

static bool poll(void *self, wk_trader_event *out)
{
    paper *p = self;
    if (p->next == p->events.n)
        return false;
    *out = p->events.v[p->next++];
    return true;
}

static void step(void *self, const wk_features_step *now, const double *sigma)
{
    paper *p = self;
    wk_err err;
    p->events.n = p->next = 0;
    p->bar = now->time_ns / p->timeframe_ns;
    /* Live, the rate that is known is charged at the funding marks: every eight hours UTC. */
    static const int64_t mark_ns = INT64_C(8) * 3600 * 1000000000;
    const double *funding = now->funding_due;
    if (!funding && now->time_ns % mark_ns == 0)
        funding = now->funding_known;
    if (wk_sim_bar(p->venue, p->bar, now->time_ns + p->timeframe_ns, now->bars, now->provenance,
                   funding, sigma, &p->events, &err) != WK_OK)
        wk_log_write(WK_LOG_ERROR, "paper.bar", "error=\"%s\"", err.msg);
}

static void close_paper(void *self)
{
    (void)self; /* all of it lies in the arena */
}

wk_status wk_executor_paper(wk_arena *arena, const wk_sim_config *sim,
                            const wk_trade_instrument *instruments, size_t S, int64_t timeframe_ns,
                            wk_executor *out, wk_err *err)
{
    paper *p = wk_arena_alloc(arena, sizeof *p);
    WK_TRY(wk_sim_venue_plan(arena, sim, instruments, S, timeframe_ns, &p->venue, err));
    p->timeframe_ns = timeframe_ns;
    p->events.capacity = wk_sim_events_max(p->venue);
    p->events.v = wk_arena_array(arena, wk_trader_event, p->events.capacity);
    *out = (wk_executor){
        .self = p, .submit = submit, .poll = poll, .step = step, .close = close_paper};
    return WK_OK;
}

wk_sim_venue *wk_executor_paper_venue(const wk_executor *executor)
{
    return ((paper *)executor->self)->venue;
}
