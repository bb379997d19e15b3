/* A venue as Kraken speaks, made of a fuzzer's choices: it keeps what truly happened, its trades,
 * candles and book, and writes the frames that tell of it. Prices are counts of 0.1, sizes of
 * 0.001. Its candles and checksums are made by other code than the engine's. */
#ifndef WICK_TOY_VENUE_H
#define WICK_TOY_VENUE_H

#include <stdbool.h>
#include <stdint.h>

#include "wick/text.h"

enum { TOY_MARKETS = 2, TOY_CANDLES = 128, TOY_LEVELS = 64, TOY_DEPTH = 10, TOY_RECENT = 16 };

typedef struct {
    int64_t open_ns; /* of its minute */
    int n_trades;
    int64_t first_ns, first_id, last_ns, last_id;
    int64_t open, high, low, close, volume;
} toy_candle;

typedef struct {
    int market;
    int64_t id, time_ns, price, qty;
} toy_trade;

typedef struct {
    int64_t price, qty;
} toy_level;

/* The best levels a side, best first, and their checksum. */
typedef struct {
    toy_level levels[2][TOY_DEPTH]; /* bids, asks */
    int n[2];
    uint32_t checksum;
} toy_view;

typedef struct {
    int64_t next_id[TOY_MARKETS];
    toy_candle candles[TOY_MARKETS][TOY_CANDLES]; /* of minutes with trades, rising */
    int n_candles[TOY_MARKETS];
    bool is_full; /* a candle did not fit: the venue no longer knows all */
    toy_trade recent[TOY_MARKETS][TOY_RECENT];
    int64_t qty[2][TOY_LEVELS]; /* of the first market's book, by distance from the middle */
} toy_venue;

void toy_begin(toy_venue *venue);
/* Trades; `out` is the trade as a row of a frame. */
void toy_take(toy_venue *venue, int market, int64_t time_ns, int64_t price, int64_t qty,
              wk_text *row);
/* The candle of that minute, NULL: nothing traded. */
const toy_candle *toy_candle_at(const toy_venue *venue, int market, int64_t open_ns);
/* The newest candle before that minute, NULL: none. */
const toy_candle *toy_candle_before(const toy_venue *venue, int market, int64_t open_ns);

void toy_candle_row(int market, const toy_candle *candle, wk_text *row);
/* The newest trades of all markets. */
void toy_recent_rows(const toy_venue *venue, wk_text *rows);
/* A frame of rows; `channel` is trade or ohlc. */
void toy_frame(const char *channel, bool is_snapshot, int64_t now_ns, const char *rows,
               wk_text *frame);
void toy_subscribed(const char *channel, int market, int64_t now_ns, wk_text *frame);
void toy_instruments(wk_text *frame);
void toy_pong(int64_t now_ns, wk_text *frame);

void toy_look(const toy_venue *venue, toy_view *view);
/* Sets a level (0: deletes it); the frame tells what changed in the view, "" when nothing did. */
void toy_set_level(toy_venue *venue, int side, int at, int64_t qty, wk_text *rows[2]);
/* rows: the levels of bids and asks. */
void toy_book_frame(bool is_snapshot, int64_t now_ns, const char *bids, const char *asks,
                    uint32_t checksum, wk_text *frame);
void toy_view_rows(const toy_view *view, wk_text *rows[2]);

#endif
