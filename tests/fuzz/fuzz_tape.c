/* libFuzzer target over the CSV files of tapes and outside series: the first byte says how the
 * input is used. The trades of a tape and its book are cut apart at a line of "-". What comes out
 * is sound, or the file was refused with a reason. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "memory_gz.h"
#include "wick/outside.h"
#include "wick/tape.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void read_outside(const uint8_t *bytes, size_t n, uint8_t how)
{
    wk_outside_config config = {.time = "time", .value = "value", .known = "", .delay_s = 1e9};
    wk_outside out = {0};
    wk_err err = {0};
    if (how & 2)
        config.known = "known";
    memory_gz_set(0, bytes, n, how & 1);
    if (wk_outside_read(&config, "/dev/null", &out, &err) != WK_OK)
        check(err.msg[0] && out.n == 0);
    for (size_t i = 0; i < out.n; i++)
        check(out.rows[i].known_ns >= out.rows[i].time_ns && !isinf(out.rows[i].value) &&
              (i == 0 || out.rows[i - 1].known_ns <= out.rows[i].known_ns));
    wk_outside_finish(&out);
}

static void read_tape(const uint8_t *bytes, size_t n, uint8_t how)
{
    const uint8_t *cut = memmem(bytes, n, "\n-\n", 3);
    size_t n_trades = cut ? (size_t)(cut - bytes) + 1 : n;
    wk_tape tape = {0};
    wk_err err = {0};
    memory_gz_set(0, bytes, n_trades, how & 1);
    if (cut)
        memory_gz_set(1, cut + 3, n - n_trades - 2, 0);
    /* Long bars: a tape of many is work, no question. */
    if (wk_tape_read("/dev/null", cut ? "book" : "", "v", "S", 3650 * INT64_C(86400000000000),
                     &tape, &err) != WK_OK)
        check(err.msg[0] && tape.series.n == 0);
    for (size_t i = 0; i < tape.series.n; i++)
        check(!wk_bar_problem(&tape.series.bars[i]) &&
              (i == 0 || tape.series.bars[i].time_ns > tape.series.bars[i - 1].time_ns));
    wk_tape_finish(&tape);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (n == 0)
        return 0;
    if (bytes[0] & 4)
        read_outside(bytes + 1, n - 1, bytes[0]);
    else
        read_tape(bytes + 1, n - 1, bytes[0]);
    return 0;
}
