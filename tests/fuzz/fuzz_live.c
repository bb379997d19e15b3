/* libFuzzer target over the live path: each line is a message, '!' begins a note of "wick", '#' one
 * of the connection, '>' a message of ours, anything else a frame; a line "+N" lets N seconds pass.
 * Whatever comes, bars that go out are sound. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wick/arena.h"
#include "wick/live.h"
#include "wick/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void on_bar(void *ctx, const wk_live_bar *bar)
{
    (void)ctx;
    if (wk_bar_problem(&bar->bar) ||
        wk_bucket_start(bar->bar.time_ns, bar->timeframe_ns) != bar->bar.time_ns)
        abort();
}

static wk_live_config *config(void)
{
    static wk_live_config c;
    static int is_made;
    static wk_arena arena;
    wk_err err;
    if (!is_made) {
        wk_log_set_level(WK_LOG_ERROR);
        wk_arena_init(&arena);
        if (wk_config_parse(
                &wk_live_config_table, "fuzz",
                "{\"venues\": [{\"name\": \"k\", \"symbols\": [\"BTC/USD\", \"ALGO/USD\"]}], "
                "\"timeframes\": [\"1m\", \"5m\", \"15m\"]}",
                NULL, 0, &arena, &c, &err) != WK_OK)
            abort();
        is_made = 1;
    }
    return &c;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    wk_live *live;
    wk_live_sinks sinks = {.bar = on_bar};
    wk_err err;
    int64_t now = INT64_C(1696436761000000000); /* 2023-10-04T16:26:01Z */
    if (wk_live_create(config(), &sinks, &live, &err) != WK_OK)
        abort();
    const char *at = (const char *)bytes, *end = at + n;
    while (at < end) {
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (!line)
            line = end;
        wk_recorded m = {.receive_ns = now,
                         .connection = "k-1",
                         .direction = '<',
                         .bytes = at,
                         .n = (size_t)(line - at)};
        if (*at == '+') {
            int seconds = 0;
            for (const char *c = at + 1; c < line && *c >= '0' && *c <= '9' && seconds < 100000;
                 c++)
                seconds = 10 * seconds + (*c - '0');
            now += seconds * INT64_C(1000000000);
            wk_live_advance(live, now);
            wk_live_check(live, now);
            at = line + 1;
            continue;
        }
        if (*at == '!' || *at == '#' || *at == '>') {
            m.direction = *at == '#' ? '!' : *at;
            if (*at == '!')
                memcpy(m.connection, "wick", 5);
            m.bytes++;
            m.n--;
        }
        wk_status ignored = wk_live_feed(live, &m, &err);
        (void)ignored;
        now += 1000000;
        at = line < end ? line + 1 : end;
    }
    wk_live_destroy(live);
    return 0;
}
