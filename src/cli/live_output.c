#include "live_output.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "wick/clock.h"
#include "wick/text.h"

void wk__print_bar(const wk_live_market *market, const wk_live_bar *bar)
{
    static const char *const provenance[] = {"traded", "empty", "repaired", "imputed", "unknown"};
    const double values[] = {bar->bar.open, bar->bar.high, bar->bar.low, bar->bar.close,
                             bar->bar.volume};
    char timeframe[16], time[32], v[5][32];
    for (size_t i = 0; i < 5; i++)
        wk_double_format(values[i], v[i]);
    printf("%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%d,%" PRId64 "\n", market->venue, market->symbol,
           wk_timeframe_format(bar->timeframe_ns, timeframe),
           wk_time_format(bar->bar.time_ns, time), v[0], v[1], v[2], v[3], v[4],
           provenance[bar->provenance], bar->is_revision, bar->arrival_ns);
}

void wk__print_summary(const wk_live_summary *s, bool is_json)
{
    const wk_live_counts *c = &s->counts;
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {{"symbols", c->symbols},
                {"messages", c->messages},
                {"bytes", c->bytes},
                {"events", c->events},
                {"trades", c->trades},
                {"duplicate_trades", c->duplicates},
                {"late_trades", c->late},
                {"trade_gaps", c->gaps},
                {"bars", s->bars},
                {"bars_revised", c->revised},
                {"bars_empty", c->empty},
                {"bars_repaired", c->repaired},
                {"bars_missing", c->missing},
                {"bars_stored", s->stored},
                {"candles_against_trades", c->disagree},
                {"connects", c->connects},
                {"disconnects", c->disconnects},
                {"book_failures", c->checksum_failures},
                {"refused", c->refused},
                {"broken_frames", c->broken},
                {"lost_frames", c->lost}};
    size_t n = sizeof rows / sizeof *rows;
    if (!is_json) {
        for (size_t i = 0; i < n; i++)
            printf("%-22s %" PRIu64 "\n", rows[i].name, rows[i].value);
        printf("%-22s %+.3f ms%s\n", "clock_offset", (double)c->clock_offset_ns * 1e-6,
               c->clock_uncertainty_ns < 0 ? " (not measured by a ping)" : "");
        printf("%-22s %s\n", "bars_hash", s->bars_hash);
        return;
    }
    json_t *all = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(all, rows[i].name, json_integer((json_int_t)rows[i].value));
    json_object_set_new(all, "clock_offset_ns", json_integer(c->clock_offset_ns));
    json_object_set_new(all, "bars_hash", json_string(s->bars_hash));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}
