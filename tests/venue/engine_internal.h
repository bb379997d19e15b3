/* What the engine's files share. */
#ifndef VENUE_ENGINE_INTERNAL_H
#define VENUE_ENGINE_INTERNAL_H

#include "engine.h"

__extension__ typedef __int128 wide;

void *engine_grow(void *rows, size_t n, size_t *size, size_t row_bytes);
int64_t engine_round(int64_t value, int64_t step, int up); /* up: 1 up, -1 down, 0 nearest */
int64_t engine_share(int64_t value_e8, int64_t ppt);       /* rounded up */
void engine_tell(engine *e, engine_event_kind kind, int market, const engine_order *o,
                 uint64_t fill);
void engine_pay(engine *e, int asset, int64_t amount);
void engine_watch(engine *e, int market);
void engine_legs(engine *e, int market);
/* Stores a new order as it is, checks nothing; pointers to orders die. */
uint64_t engine_add(engine *e, const engine_order *want);
void engine_end(engine *e, engine_order *o, engine_state state, const char *reason);
/* Executes what an order can of its rest at this price. */
void engine_execute(engine *e, uint64_t id, int64_t price, int is_maker);
/* Its condition has come true at this price. */
void engine_strike(engine *e, uint64_t id, int64_t price);
void engine_hold(engine *e, engine_order *o);
void engine_liquidate(engine *e, int market, int64_t price);

#endif
