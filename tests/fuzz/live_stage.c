#include "live_stage.h"

#include <string.h>

int64_t stage_venue_now(const stage *s)
{
    return s->now_ns + AHEAD_NS;
}

wk_status stage_feed(stage *s, const char *connection, char direction, const char *bytes, size_t n)
{
    wk_recorded m = {.receive_ns = s->now_ns, .direction = direction, .n = n};
    wk_err err = {0};
    snprintf(m.connection, sizeof m.connection, "%s", connection);
    /* A copy of exact size, so that a read past the end is caught. */
    char *copy = malloc(n ? n : 1);
    MUST(copy);
    memcpy(copy, bytes, n);
    m.bytes = copy;
    s->oracle.latest_ns = s->is_toy ? stage_venue_now(s) + MINUTE_NS : INT64_MAX;
    wk_status status = wk_live_feed(s->live, &m, &err);
    MUST(status == WK_OK || err.msg[0]);
    free(copy);
    s->now_ns += 1000000;
    return status;
}

void stage_note(stage *s, const char *text)
{
    s->oracle.is_direct = strncmp(text, "repair ", 7) == 0;
    MUST(stage_feed(s, "wick", '!', text, strlen(text)) == WK_OK);
    s->oracle.is_direct = false;
}

static bool is_view(const wk_book *book, const toy_view *view)
{
    for (int side = 0; side < 2; side++) {
        size_t n;
        const wk_book_level *level = wk_book_levels(book, side ? WK_SIDE_SELL : WK_SIDE_BUY, &n);
        if (n != (size_t)view->n[side])
            return false;
        for (size_t i = 0; i < n; i++)
            if (level[i].price != view->levels[side][i].price ||
                level[i].qty != view->levels[side][i].qty)
                return false;
    }
    return true;
}

static void feed_frame(stage *s, const char *text, bool is_book, const toy_view *view)
{
    MUST(stage_feed(s, "k-1", '<', text, strlen(text)) == WK_OK);
    const wk_book *book = wk_live_book(s->live, 0);
    if (is_book && s->is_toy)
        MUST(!book || is_view(book, view));
}

void stage_forget_marks(stage *s)
{
    s->is_dropped = s->is_twice = s->is_held = s->is_wrong = s->is_all_dropped = false;
}

static void arrived(stage *s, const told *frame)
{
    for (int m = 0; m < TOY_MARKETS; m++)
        if (frame->newest_ns[m] > s->told.newest_ns[m])
            s->told.newest_ns[m] = frame->newest_ns[m];
}

static void lost(stage *s, const told *frame)
{
    for (int m = 0; m < TOY_MARKETS; m++)
        if (!s->told.unseen_id[m])
            s->told.unseen_id[m] = frame->unseen_id[m];
}

/* A message of the toy venue, as its marks say. Returns whether it arrived as it should. */
bool stage_deliver(stage *s, wk_text *text, bool is_book)
{
    bool arrives = s->is_open && !s->is_dropped;
    if (arrives && s->is_held && !s->held) {
        s->held = text->s;
        s->held_view = s->view;
        s->held_is_book = is_book;
        s->held_told = (told){0};
        *text = (wk_text){0};
        return false;
    }
    bool is_alone = !s->held;
    if (arrives)
        feed_frame(s, text->s, is_book, &s->view);
    if (arrives && s->is_twice)
        feed_frame(s, text->s, is_book, &s->view);
    if (arrives && s->held) {
        char *held = s->held;
        s->held = NULL;
        feed_frame(s, held, s->held_is_book, &s->held_view);
        free(held);
        arrived(s, &s->held_told);
    }
    free(text->s);
    return arrives && is_alone;
}

static void send_candles(stage *s, const char *rows, bool is_snapshot)
{
    wk_text frame = {0};
    if (!s->uses_candles || !rows)
        return;
    toy_frame("ohlc", is_snapshot, stage_venue_now(s), rows, &frame);
    stage_deliver(s, &frame, false);
}

void stage_open(stage *s)
{
    wk_text rows = {0};
    if (s->is_open)
        return;
    stage_feed(s, "k-1", '!', "open", 4);
    s->is_open = true;
    if (!s->open_ns)
        s->open_ns = stage_venue_now(s);
    stage_forget_marks(s);
    for (int m = 0; m < TOY_MARKETS; m++)
        for (int k = 0; k < 2; k++) {
            wk_text frame = {0};
            toy_subscribed(k ? "ohlc" : "trade", m, stage_venue_now(s), &frame);
            stage_deliver(s, &frame, false);
        }
    for (int m = 0; m < TOY_MARKETS; m++)
        s->has_number[m] |= s->venue->n_candles[m] > 0; /* of its snapshot of trades */
    for (int m = 0; m < TOY_MARKETS; m++)
        for (int i = 0; i < s->venue->n_candles[m]; i++)
            toy_candle_row(m, &s->venue->candles[m][i], &rows);
    send_candles(s, rows.n ? rows.s : "", true);
    free(rows.s);
    rows = (wk_text){0};
    for (int m = 0; m < TOY_MARKETS; m++) {
        int64_t from = s->venue->next_id[m] - TOY_RECENT;
        s->is_whole &= !s->told.unseen_id[m] || s->told.unseen_id[m] >= from;
        s->told.unseen_id[m] = 0;
        for (int k = 0; k < TOY_RECENT; k++)
            if (s->venue->recent[m][k].time_ns > s->told.newest_ns[m])
                s->told.newest_ns[m] = s->venue->recent[m][k].time_ns;
    }
    toy_recent_rows(s->venue, &rows);
    wk_text frame = {0};
    toy_frame("trade", true, stage_venue_now(s), rows.n ? rows.s : "", &frame);
    stage_deliver(s, &frame, false);
    free(rows.s);
}

void stage_close(stage *s)
{
    if (!s->is_open)
        return;
    stage_feed(s, "k-1", '!', "closed by the fuzzer", 20);
    s->is_open = false;
    if (s->held)
        lost(s, &s->held_told);
    free(s->held); /* lost with the connection */
    s->held = NULL;
    MUST(!wk_live_book(s->live, 0));
}

static int value(char c)
{
    return (unsigned char)c - '0';
}

void stage_trades(stage *s, const char *at, const char *end)
{
    wk_text rows = {0}, frame = {0}, candles = {0};
    size_t n_told = 0;
    told frame_told = {0};
    bool is_dropped = s->is_open && (s->is_dropped || s->is_all_dropped);
    bool is_lost = !s->is_open || is_dropped || s->is_held;
    for (; end - at >= 4 && n_told < 16; at += 4) {
        int m = value(at[0]) & 1, late = value(at[1]) < 0 ? 4 * value(at[1]) : 0;
        int64_t time_ns = stage_venue_now(s) + late * WK_NS_PER_S;
        toy_take(s->venue, m, time_ns, 200000 + (value(at[2]) & 63), 1 + (value(at[3]) & 127),
                 &rows);
        const toy_candle *c = toy_candle_at(s->venue, m, time_ns / MINUTE_NS * MINUTE_NS);
        if (c)
            toy_candle_row(m, c, &candles);
        n_told++;
        bool is_old = time_ns < s->told.newest_ns[m] && !s->uses_candles;
        s->is_whole &= !is_old || !is_dropped;
        if (is_old && !frame_told.unseen_id[m])
            frame_told.unseen_id[m] = s->venue->next_id[m] - 1;
        if (time_ns > frame_told.newest_ns[m])
            frame_told.newest_ns[m] = time_ns;
        s->is_whole &= !s->is_open || !is_lost || s->has_number[m];
        s->has_number[m] |= !is_lost;
    }
    if (rows.n) {
        bool has_candles = !s->is_all_dropped && s->is_open;
        s->is_dropped |= s->is_all_dropped;
        s->is_whole &= !s->is_all_dropped;
        toy_frame("trade", false, stage_venue_now(s), rows.s, &frame);
        bool was_held = s->held != NULL;
        stage_deliver(s, &frame, false);
        if (!s->is_open)
            lost(s, &frame_told);
        else if (s->held && !was_held)
            s->held_told = frame_told;
        else if (!is_dropped)
            arrived(s, &frame_told);
        stage_forget_marks(s);
        if (has_candles)
            send_candles(s, candles.s, false);
    }
    free(rows.s);
    free(candles.s);
}

void stage_candle(stage *s, const char *at, const char *end)
{
    wk_text row = {0};
    if (end - at < 2)
        return;
    int m = value(at[0]) & 1;
    int64_t minute = stage_venue_now(s) / MINUTE_NS - (value(at[1]) & 15);
    const toy_candle *c = toy_candle_at(s->venue, m, minute * MINUTE_NS);
    if (c)
        toy_candle_row(m, c, &row);
    send_candles(s, row.s, false);
    free(row.s);
}

void stage_book(stage *s, const char *at, const char *end, bool is_snapshot)
{
    wk_text bids = {0}, asks = {0}, frame = {0}, *rows[2] = {&bids, &asks};
    for (; !is_snapshot && end - at >= 3; at += 3)
        toy_set_level(s->venue, value(at[0]) & 1, value(at[1]) & 63, value(at[2]) & 127, rows);
    toy_look(s->venue, &s->view);
    if (is_snapshot)
        toy_view_rows(&s->view, rows);
    bool is_wrong = s->is_wrong, was_live = wk_live_book(s->live, 0) != NULL;
    toy_book_frame(is_snapshot, stage_venue_now(s), bids.n ? bids.s : "", asks.n ? asks.s : "",
                   s->view.checksum ^ is_wrong, &frame);
    if (stage_deliver(s, &frame, true) && s->is_toy) {
        if (is_wrong && (is_snapshot || was_live))
            MUST(!wk_live_book(s->live, 0));
        if (!is_wrong && is_snapshot && s->is_told)
            MUST(wk_live_book(s->live, 0));
    }
    free(bids.s);
    free(asks.s);
}

void stage_ping(stage *s)
{
    wk_text pong = {0};
    stage_feed(s, "k-1", '>', "{\"method\":\"ping\",\"req_id\":1}", 28);
    toy_pong(stage_venue_now(s), &pong);
    stage_deliver(s, &pong, false);
}
