/* libFuzzer target over the notes of the live path, which a recording holds and anybody may have
 * edited: pieces between form feeds are notes of "wick", one with '<' or '!' before it is a frame
 * or a note of the connection. A note that is refused says why; bars that go out are sound. */
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

/* What we write is read again. */
static void feed_own(wk_live *live, int64_t now_ns)
{
    wk_bar bar = {INT64_C(1696436700000000000), 1, 2, 0.5, 1.5, 9};
    uint8_t provenance = WK_PROV_TRADED;
    wk_series series = {.n = 1, .bars = &bar, .provenance = &provenance};
    char *text = wk_live_repair_note(0, INT64_C(60000000000), &series);
    wk_recorded m = {.receive_ns = now_ns, .connection = "wick", .direction = '!', .bytes = text};
    wk_err err;
    if (!text)
        return;
    m.n = strlen(text);
    if (wk_live_feed(live, &m, &err) != WK_OK)
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static wk_live *live;
    static unsigned n_fed;
    static int64_t now;
    wk_live_sinks sinks = {.bar = on_bar};
    wk_err err = {0};
    /* Making a path costs more than many notes: one takes 256 inputs. A finding may need those
     * before it: the same -seed= finds it again. */
    if (n_fed++ % 256 == 0) {
        now = INT64_C(1696436761000000000); /* 2023-10-04T16:26:01Z */
        wk_live_destroy(live);
        if (wk_live_create(config(), &sinks, &live, &err) != WK_OK)
            abort();
    }
    if (n % 8 == 0)
        feed_own(live, now);
    for (size_t i = 0; i < n;) {
        const uint8_t *end = memchr(bytes + i, '\f', n - i);
        size_t length = end ? (size_t)(end - (bytes + i)) : n - i;
        int is_other = length > 0 && (bytes[i] == '<' || bytes[i] == '!');
        wk_recorded m = {.receive_ns = now, .connection = "wick", .direction = '!'};
        if (is_other) {
            memcpy(m.connection, "k-1", 4);
            m.direction = (char)bytes[i];
        }
        m.n = length - (size_t)is_other;
        /* A copy of exact size, so that a read past the note is caught. */
        char *copy = malloc(m.n ? m.n : 1);
        if (!copy)
            break;
        memcpy(copy, bytes + i + is_other, m.n);
        m.bytes = copy;
        if (wk_live_feed(live, &m, &err) != WK_OK && !err.msg[0])
            abort();
        free(copy);
        now += INT64_C(1000000000);
        i += length + 1;
    }
    wk_live_check(live, now);
    return 0;
}
