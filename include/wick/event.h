/* Market events: what a venue says, in one form for every venue. Parsers make them, the store keeps
 * them, the trader and the flow features eat them. A record has a fixed size, so a bounded ring can
 * carry it. */
#ifndef WICK_EVENT_H
#define WICK_EVENT_H

#include <stdint.h>

#include "wick/decimal.h"
#include "wick/side.h"

typedef enum {
    WK_EVENT_TRADE,
    WK_EVENT_CANDLE,     /* a candle as the venue sees it now, closed or still running */
    WK_EVENT_BOOK_BEGIN, /* levels follow, in order, up to BOOK_END */
    WK_EVENT_BOOK_LEVEL,
    WK_EVENT_BOOK_END, /* carries the checksum or sequence number */
    WK_EVENT_TICKER,
    WK_EVENT_FUNDING,       /* rate as a fraction per interval */
    WK_EVENT_OPEN_INTEREST, /* base currency, or contracts where flagged */
    WK_EVENT_INSTRUMENT,    /* precisions or trading status changed */
    WK_EVENT_STATUS,        /* of the venue */
    WK_EVENT_HEARTBEAT,
    WK_EVENT_SUBSCRIBED,
    WK_EVENT_REFUSED, /* the venue refused a request; text says why */
    WK_EVENT_PONG,
    WK_EVENT_GAP /* our own: messages were lost here, state was dropped */
} wk_event_kind;

#define WK_SYMBOL_NONE UINT32_MAX

typedef struct {
    int32_t kind;        /* wk_event_kind */
    uint32_t symbol;     /* index in the session's symbol list, or WK_SYMBOL_NONE */
    int64_t exchange_ns; /* the venue's time, UTC; 0 when it gave none */
    int64_t receive_ns;  /* ours, when the frame arrived */
    union {
        struct {
            wk_decimal price, qty;
            int64_t id;          /* the venue's trade id, or 0 */
            int32_t side;        /* wk_side of the taker */
            uint8_t is_snapshot; /* part of a reply to the subscription: may be known already */
        } trade;
        struct {
            int64_t open_ns, timeframe_ns;
            wk_decimal open, high, low, close, volume; /* volume: scale -1 when not told */
            int64_t n_trades;                          /* -1: not told */
            uint8_t is_snapshot;
            uint8_t is_closed; /* the venue says that this one is final */
        } candle;
        struct {
            uint8_t is_snapshot;
            int64_t sequence;          /* of this message; 0: the venue gives none */
            int64_t previous_sequence; /* of the message it must follow; 0: any */
        } book_begin;
        struct {
            wk_decimal price, qty; /* qty 0 deletes */
            int32_t side;
        } level;
        struct {
            uint32_t checksum;
            uint8_t has_checksum;
        } book_end;
        struct {
            wk_decimal bid, bid_qty, ask, ask_qty, last, mark; /* scale -1: not told */
        } ticker;
        struct {
            wk_decimal value;
            int64_t interval_ns;      /* funding; 0 unknown */
            int64_t next_exchange_ns; /* when the rate is charged; 0 unknown */
            uint8_t is_contracts;     /* open interest */
        } value;
        struct {
            int16_t price_decimals, qty_decimals; /* -1: not told */
            wk_decimal price_increment, qty_increment, qty_min;
            uint8_t is_tradable;
        } instrument;
        char text[96]; /* STATUS, REFUSED: as the venue wrote it, cut; SUBSCRIBED: the channel */
    };
} wk_event;

#endif
