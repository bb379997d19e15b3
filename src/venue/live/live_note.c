/* Notes of "wick": what else the path was told, so that a recording holds all of it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "live_internal.h"
#include "wick/text.h"

#define CLOCK_NS_MAX INT64_C(3000000000000000000)

static wk_status bad(const char *what, wk_err *err)
{
    return wk_fail(err, WK_E_PARSE, "the note \"%s\" is none; was the recording changed?", what);
}

static wk_status on_repair(wk_live *live, char *text, int64_t now_ns, wk_err *err)
{
    unsigned market;
    int64_t timeframe_ns;
    size_t n, timeframe = 0;
    if (sscanf(text, "repair %u %" SCNd64 " %zu", &market, &timeframe_ns, &n) != 3 ||
        market >= live->n_markets)
        return bad("repair", err);
    while (timeframe < live->n_timeframes && live->timeframes_ns[timeframe] != timeframe_ns)
        timeframe++;
    if (timeframe == live->n_timeframes)
        return bad("repair", err);
    char *line = strchr(text, '\n');
    for (size_t i = 0; i < n; i++) {
        double v[5];
        int64_t time_ns;
        int provenance, end = 0;
        if (!line ||
            sscanf(line + 1, "%" SCNd64 " %lf %lf %lf %lf %lf %d%n", &time_ns, &v[0], &v[1], &v[2],
                   &v[3], &v[4], &provenance, &end) != 7 ||
            time_ns < 0 || wk_bucket_start(time_ns, timeframe_ns) != time_ns || provenance < 0 ||
            provenance > WK_PROV_IMPUTED)
            return bad("repair", err);
        wk_bar bar = {time_ns, v[0], v[1], v[2], v[3], v[4]};
        if (wk_bar_problem(&bar))
            return bad("repair", err);
        wk__closed closed = {.time_ns = time_ns,
                             .open = wk__decimal_of(v[0]),
                             .high = wk__decimal_of(v[1]),
                             .low = wk__decimal_of(v[2]),
                             .close = wk__decimal_of(v[3]),
                             .volume = wk__decimal_of(v[4]),
                             .provenance = (uint8_t)provenance};
        wk__closer_repair(live->markets[market].closer, timeframe, &closed, now_ns);
        line = strchr(line + 1, '\n');
    }
    wk__live_touch(live, &live->markets[market]);
    return WK_OK;
}

static wk_status on_clock(wk_live *live, const char *text, int64_t now_ns, wk_err *err)
{
    char name[32];
    int64_t offset_ns, uncertainty_ns;
    if (sscanf(text, "clock %31s %" SCNd64 " %" SCNd64, name, &offset_ns, &uncertainty_ns) != 3 ||
        uncertainty_ns < 0 || uncertainty_ns > CLOCK_NS_MAX || offset_ns > CLOCK_NS_MAX ||
        offset_ns < -CLOCK_NS_MAX)
        return bad("clock", err);
    for (size_t v = 0; v < live->n_venues; v++)
        if (strcmp(live->venues[v].config->name, name) == 0)
            wk__clock_offset_set(&live->venues[v].clock, now_ns, offset_ns, uncertainty_ns);
    return WK_OK;
}

/* Every stream may have lost a piece; the trade numbers can prove that it did not. */
static void on_lost(wk_live *live, uint64_t n, int64_t now_ns)
{
    live->lost += n;
    for (size_t i = 0; i < live->n_markets; i++) {
        wk__market *m = &live->markets[i];
        int64_t venue_ns = wk__live_venue_time(live, m, now_ns);
        static const struct {
            wk_live_channel channel;
            wk__stream stream;
        } both[] = {{WK_LIVE_CHANNEL_TRADES, WK__STREAM_TRADES},
                    {WK_LIVE_CHANNEL_CANDLES, WK__STREAM_CANDLES}};
        for (size_t k = 0; k < 2; k++)
            if (m->is_subscribed[both[k].channel]) {
                wk__closer_down(m->closer, both[k].stream);
                wk__closer_up(m->closer, both[k].stream, venue_ns);
            }
        wk__live_doubt(live, m);
        wk__live_gap(live, m, now_ns);
        if (m->book && m->config->book && live->connections[m->about.connection].is_open)
            wk__live_ask(live, m, WK_LIVE_CHANNEL_BOOK, now_ns);
    }
}

wk_status wk__live_note(wk_live *live, const wk_recorded *note, wk_err *err)
{
    char *text = malloc(note->n + 1);
    if (!text)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    memcpy(text, note->bytes, note->n);
    text[note->n] = 0;
    wk_status status = WK_OK;
    uint64_t n;
    unsigned market;
    int64_t timeframe_ns, time_ns;
    if (strncmp(text, "repair ", 7) == 0) {
        status = on_repair(live, text, note->receive_ns, err);
    } else if (strncmp(text, "clock ", 6) == 0) {
        status = on_clock(live, text, note->receive_ns, err);
    } else if (sscanf(text, "lost %" SCNu64, &n) == 1) {
        on_lost(live, n, note->receive_ns);
    } else if (sscanf(text, "resume %u %" SCNd64 " %" SCNd64, &market, &timeframe_ns, &time_ns) ==
               3) {
        if (market >= live->n_markets)
            status = bad("resume", err);
        else if (timeframe_ns == live->timeframes_ns[0])
            wk__closer_resume(live->markets[market].closer, time_ns);
    } else if (strncmp(text, "start", 5) != 0 && strcmp(text, "stop") != 0) {
        status = wk_fail(err, WK_E_PARSE, "an unknown note: \"%.40s\"", text);
    }
    free(text);
    return status;
}

char *wk_live_repair_note(uint32_t market, int64_t timeframe_ns, const wk_series *series)
{
    wk_text text = {0};
    wk_text_printf(&text, "repair %u %" PRId64 " %zu", market, timeframe_ns, series->n);
    for (size_t i = 0; i < series->n; i++) {
        const wk_bar *b = &series->bars[i];
        char v[5][32];
        wk_text_printf(&text, "\n%" PRId64 " %s %s %s %s %s %d", b->time_ns,
                       wk_double_format(b->open, v[0]), wk_double_format(b->high, v[1]),
                       wk_double_format(b->low, v[2]), wk_double_format(b->close, v[3]),
                       wk_double_format(b->volume, v[4]), series->provenance[i]);
    }
    return text.s;
}
