/* What REST replies hold, as rows, and the pure functions that read them: bytes in (as a tokens of
 * doc.h), rows out. They do no I/O and any bytes are safe: what is wrong is refused with a reason,
 * and then nothing was appended. Rows stay in the order of the reply. */
#ifndef WICK_VENUE_HISTORY_ROWS_H
#define WICK_VENUE_HISTORY_ROWS_H

#include "doc.h"
#include "wick/fresh.h"
#include "wick/instrument.h"

typedef struct {
    int64_t open_ns;
    wk_decimal open, high, low, close;
    wk_decimal volume; /* as the venue counts; scale -1: not told */
} wk_rest_candle;

typedef struct {
    int64_t time_ns, id; /* the venue's trade id */
    wk_decimal price, qty;
} wk_rest_trade;

/* A snapshot, summed up: best prices, and sizes of the best ten levels a side; NaN: side missing.
 */
typedef struct {
    int64_t time_ns;
    double bid, ask, bid_qty, ask_qty;
} wk_rest_book;

/* A growing list of any of them; a zeroed one is empty, `v` is the holder's to free. */
#define WK_REST_LIST(type)                                                                         \
    struct {                                                                                       \
        type *v;                                                                                   \
        size_t n, capacity;                                                                        \
    }
typedef WK_REST_LIST(wk_rest_candle) wk_rest_candles;
typedef WK_REST_LIST(wk_rest_trade) wk_rest_trades;
typedef WK_REST_LIST(wk_rest_book) wk_rest_books;
typedef WK_REST_LIST(wk_fresh_value) wk_rest_values;
typedef WK_REST_LIST(wk_instrument) wk_instruments;

/* Room for one more element of `size` bytes at the end of a list, zeroed; NULL: out of memory. */
void *wk__rest_grow(void **v, size_t *n, size_t *capacity, size_t size);
#define WK_REST_ADD(list)                                                                          \
    wk__rest_grow((void **)&(list)->v, &(list)->n, &(list)->capacity, sizeof *(list)->v)

/* ---- what a reply means as a whole ---- */

typedef enum {
    WK_REPLY_OK,
    WK_REPLY_WAIT,     /* too many calls: wait, then ask again */
    WK_REPLY_TRY,      /* trouble that passes: back off, then ask again */
    WK_REPLY_NARROWER, /* too much was asked for: ask for half */
    WK_REPLY_REFUSED   /* asking again changes nothing */
} wk_reply;

typedef enum {
    WK_REST_KRAKEN,
    WK_REST_KRAKEN_FUTURES,
    WK_REST_DELTA,
    WK_REST_AMBERDATA
} wk_rest_dialect;

/* Judges a reply by its HTTP status and its JSON (doc->n == 0: the body is none). words [256]: what
 * the venue said, with a hint. *until_ns: when the venue says that it will answer again, 0: not
 * told. */
wk_reply wk__rest_judge(wk_rest_dialect dialect, int http_status, const wk_doc *doc,
                        char words[256], int64_t *until_ns);

/* ---- Kraken spot ---- */

wk_status wk__parse_kraken_pairs(const wk_doc *doc, int64_t read_ns, wk_instruments *out,
                                 wk_err *err);
/* The running candle, always the last row, is left out. */
wk_status wk__parse_kraken_ohlc(const wk_doc *doc, wk_rest_candles *out, wk_err *err);
/* *last_ns: the cursor of the next page. */
wk_status wk__parse_kraken_trades(const wk_doc *doc, wk_rest_trades *out, int64_t *last_ns,
                                  wk_err *err);
wk_status wk__parse_kraken_depth(const wk_doc *doc, int64_t time_ns, wk_rest_books *out,
                                 wk_err *err);

/* ---- Kraken futures ---- */

wk_status wk__parse_futures_instruments(const wk_doc *doc, int64_t read_ns, wk_instruments *out,
                                        wk_err *err);
wk_status wk__parse_futures_candles(const wk_doc *doc, wk_rest_candles *out, wk_err *err);
wk_status wk__parse_futures_funding(const wk_doc *doc, wk_rest_values *out, wk_err *err);
/* Open interest of one symbol among the tickers, known at time_ns. */
wk_status wk__parse_futures_open_interest(const wk_doc *doc, const char *symbol, int64_t time_ns,
                                          wk_rest_values *out, wk_err *err);
wk_status wk__parse_futures_book(const wk_doc *doc, int64_t time_ns, wk_rest_books *out,
                                 wk_err *err);

/* ---- Delta Exchange ---- */

/* after [256]: the cursor of the next page, "" at the end. venue is stamped into the rows. */
wk_status wk__parse_delta_products(const wk_doc *doc, const char *venue, int64_t read_ns,
                                   wk_instruments *out, char after[256], wk_err *err);
/* When the one product of a reply settles; 0: never, or not told. */
int64_t wk__parse_delta_settlement(const wk_doc *doc);
wk_status wk__parse_delta_candles(const wk_doc *doc, wk_rest_candles *out, wk_err *err);
wk_status wk__parse_delta_book(const wk_doc *doc, wk_rest_books *out, wk_err *err);

/* ---- Amberdata ---- */

/* All of these: next [2048] is the URL of the next page, "" at the end. Rows of other exchanges
 * than `exchange` are left out. */
wk_status wk__parse_amberdata_candles(const wk_doc *doc, const char *exchange, wk_rest_candles *out,
                                      char next[2048], wk_err *err);
wk_status wk__parse_amberdata_funding(const wk_doc *doc, wk_rest_values *out, char next[2048],
                                      wk_err *err);
wk_status wk__parse_amberdata_open_interest(const wk_doc *doc, wk_rest_values *out, char next[2048],
                                            wk_err *err);
wk_status wk__parse_amberdata_books(const wk_doc *doc, wk_rest_books *out, char next[2048],
                                    wk_err *err);
/* Instruments of one exchange, from the coverage list or from the reference. */
wk_status wk__parse_amberdata_instruments(const wk_doc *doc, const char *exchange, int64_t read_ns,
                                          wk_instruments *out, char next[2048], wk_err *err);

/* Names of an instrument: "btc_usd" is BTCUSD in the store. */
void wk__amberdata_name(wk_instrument *out, const char *instrument);

/* ---- helpers of the parsers ---- */

/* Fraction of a percentage, exactly. */
double wk__rest_percent(wk_decimal value);
/* The value without zeros behind its dot. */
wk_decimal wk__rest_trim(wk_decimal value);
/* "2025-07-11T08:00:00.000Z" to ns; why not, or NULL. */
const char *wk__rest_time(const wk_doc *doc, uint32_t at, int64_t *time_ns);
/* A price is positive, a size or volume not negative; the reason why it is none, or NULL. */
const char *wk__rest_price(const wk_doc *doc, uint32_t at, wk_decimal *out);
const char *wk__rest_size(const wk_doc *doc, uint32_t at, wk_decimal *out);
/* Unix time in units of unit_ns, within what a nanosecond clock can hold. */
const char *wk__rest_unix(const wk_doc *doc, uint32_t at, int64_t unit_ns, int64_t *time_ns);
/* "is impossible: high below low" and the like, or NULL. */
const char *wk__rest_candle_problem(const wk_rest_candle *candle);
/* Open to close and the volume of a candle by these names, its own time aside. price reads a price;
 * a volume that is missing or null is not told. */
wk_status wk__rest_candle_values(const wk_doc *doc, uint32_t row,
                                 const char *(*price)(const wk_doc *, uint32_t, wk_decimal *),
                                 wk_rest_candle *out, wk_err *err);
/* A candle of each element of the list `rows`; when one is refused, none was appended. */
wk_status wk__rest_candle_rows(const wk_doc *doc, uint32_t rows,
                               wk_status (*read)(const wk_doc *, uint32_t, wk_rest_candle *,
                                                 wk_err *),
                               wk_rest_candles *out, wk_err *err);
/* An instrument with what every venue leaves untold. */
void wk__rest_instrument_init(wk_instrument *out, const char *venue, int64_t read_ns);

#endif
