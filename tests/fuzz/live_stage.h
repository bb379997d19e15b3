/* The live path beside the toy venue: what the venue tells, the marks of a step change. */
#ifndef WICK_LIVE_STAGE_H
#define WICK_LIVE_STAGE_H

#include "live_oracle.h"
#include "toy_venue.h"
#include "wick/clock.h"

#define MINUTE_NS (60 * WK_NS_PER_S)
#define AHEAD_NS (WK_NS_PER_S / 4) /* the toy venue's clock */

/* Of trades, by market. */
typedef struct {
    int64_t newest_ns[TOY_MARKETS]; /* that arrived */
    /* Older than that when it was lost: the next connection has to tell it; 0: none. */
    int64_t unseen_id[TOY_MARKETS];
} told;

typedef struct {
    wk_live *live;
    live_oracle oracle;
    toy_venue *venue;
    int64_t now_ns;
    uint32_t connection;
    bool looks;            /* at the clock between messages */
    bool uses_candles;     /* of the toy venue */
    bool is_open, is_told; /* its connection; its markets */
    int64_t open_ns;       /* first time that it was open; 0: never */
    /* Only the toy venue spoke; and nothing was lost that the streams cannot tell: a state of a
     * candle, trades before the first number, and (where no candle tells) a trade that was older
     * than the newest one that arrived, since its number does not say how old. */
    bool is_toy, is_whole;
    bool has_number[TOY_MARKETS];
    told told, held_told;
    bool is_dropped, is_twice, is_held, is_wrong, is_all_dropped; /* the next message */
    char *held;
    toy_view held_view, view;
    bool held_is_book;
} stage;

int64_t stage_venue_now(const stage *s);
/* One message of a connection, or a note; a millisecond passes. */
wk_status stage_feed(stage *s, const char *connection, char direction, const char *bytes, size_t n);
void stage_note(stage *s, const char *text);
void stage_forget_marks(stage *s);
/* A message of the toy venue, as its marks say. Returns whether it arrived as it should. */
bool stage_deliver(stage *s, wk_text *text, bool is_book);

/* The toy venue's connection. */
void stage_open(stage *s);
void stage_close(stage *s);
void stage_ping(stage *s);
/* Steps T, C, and B or S: their letters are [at, end). */
void stage_trades(stage *s, const char *at, const char *end);
void stage_candle(stage *s, const char *at, const char *end);
void stage_book(stage *s, const char *at, const char *end, bool is_snapshot);

#endif
