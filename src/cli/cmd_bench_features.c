/* `wick bench features.row` and `wick bench features.indicators`: the cost of a symbol row in a
 * stream, and of each indicator over a long array. One JSON line a row. Peer figures come from
 * bench/peers_features.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/features/indicator_batch.h"
#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/features.h"
#include "wick/rng.h"

enum { N_SYMBOLS = 10, ROW_STEPS = 8192, ROW_STEPS_SKIPPED = 2400, REPEATS = 7 };

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_row(const char *name, const char *what, const char *unit, double *samples,
                      size_t n)
{
    qsort(samples, n, sizeof *samples, by_value);
    double p50 = samples[n / 2], p99 = samples[n - 1 - n / 100];
    printf("{\"name\": \"%s\", \"case\": \"%s\", \"value\": %.4g, \"unit\": \"%s\", \"p50\": %.4g, "
           "\"p99\": %.4g, \"threads\": 1}\n",
           name, what, p50, unit, p50, p99);
}

/* Bars of a random walk with all that the indicators read. */
typedef struct {
    double *o, *h, *l, *c, *v;
} arrays;

static arrays random_walk(wk_arena *arena, size_t n, uint64_t stream)
{
    arrays a = {wk_arena_array(arena, double, n), wk_arena_array(arena, double, n),
                wk_arena_array(arena, double, n), wk_arena_array(arena, double, n),
                wk_arena_array(arena, double, n)};
    double price = 100;
    for (size_t t = 0; t < n; t++) {
        double u[4];
        for (int k = 0; k < 4; k++)
            u[k] = wk_rng_uniform(1, stream, 4 * t + (size_t)k);
        /* Pulled back to 100, so that a million bars neither vanish nor explode. */
        double next = price * (1 + 0.02 * (u[0] - 0.5)) + 0.001 * (100 - price);
        a.o[t] = price;
        a.c[t] = next;
        a.h[t] = (price > next ? price : next) * (1 + 0.004 * u[1]);
        a.l[t] = (price < next ? price : next) * (1 - 0.004 * u[2]);
        a.v[t] = 1 + 1000 * u[3];
        price = next;
    }
    return a;
}

typedef enum {
    EMA,
    SMA,
    RSI,
    ROC,
    MACD,
    BBANDS,
    ATR,
    WILLR,
    CCI,
    STOCH,
    MFI,
    OBV,
    ADX,
    CANDLES,
    N_CASES
} bench_case;
static const char *const case_names[N_CASES] = {"EMA14",    "SMA20", "RSI14",   "ROC10", "MACD",
                                                "BBANDS20", "ATR14", "WILLR14", "CCI14", "STOCH14",
                                                "MFI14",    "OBV",   "ADX14",   "CDL17"};

static void run_case(bench_case which, const arrays *a, size_t n, double *x, double *y, double *z)
{
    switch (which) {
    case EMA:
        wk_ind_ema_batch(14, a->c, n, x);
        break;
    case SMA:
        wk_ind_sma_batch(20, a->c, n, x);
        break;
    case RSI:
        wk_ind_rsi_batch(14, a->c, n, x);
        break;
    case ROC:
        wk_ind_roc_batch(10, a->c, n, x);
        break;
    case MACD:
        wk_ind_macd_batch(12, 26, 9, a->c, n, x, y, z);
        break;
    case BBANDS:
        wk_ind_bbands_batch(20, 2, a->c, n, x, y, z);
        break;
    case ATR:
        wk_ind_atr_batch(14, a->h, a->l, a->c, n, x);
        break;
    case WILLR:
        wk_ind_willr_batch(14, a->h, a->l, a->c, n, x);
        break;
    case CCI:
        wk_ind_cci_batch(14, a->h, a->l, a->c, n, x);
        break;
    case STOCH:
        wk_ind_stoch_batch(14, 3, 3, a->h, a->l, a->c, n, x, y);
        break;
    case MFI:
        wk_ind_mfi_batch(14, a->h, a->l, a->c, a->v, n, x);
        break;
    case OBV:
        wk_ind_obv_batch(a->c, a->v, n, x);
        break;
    case ADX:
        wk_ind_adx_batch(14, a->h, a->l, a->c, n, x, y, z);
        break;
    case CANDLES:
        wk_candles_batch(a->o, a->h, a->l, a->c, n, x);
        break;
    case N_CASES:
        break;
    }
}

static void bench_indicators(size_t n)
{
    wk_arena arena;
    wk_arena_init(&arena);
    arrays a = random_walk(&arena, n, 0);
    double *x = wk_arena_array(&arena, double, n *WK_CANDLE_PATTERNS);
    double *y = wk_arena_array(&arena, double, n), *z = wk_arena_array(&arena, double, n);
    for (int k = 0; k < N_CASES; k++) {
        double samples[REPEATS];
        for (int i = -1; i < REPEATS; i++) { /* the first run only touches the pages */
            int64_t start = wk_clock_monotonic_ns();
            run_case((bench_case)k, &a, n, x, y, z);
            if (i >= 0)
                samples[i] = (double)(wk_clock_monotonic_ns() - start) / (double)n;
        }
        print_row("features.indicators", case_names[k], "ns/bar", samples, REPEATS);
    }
    wk_arena_finish(&arena);
}

/* The default row, or the flagship's five families. */
static wk_status bench_row(bool flagship, wk_err *err)
{
    static const char *five[] = {"momentum", "lead", "cross", "volatility", "calendar"};
    static const char symbols[N_SYMBOLS][32] = {"BTC", "ETH", "LTC", "XRP",  "ADA",
                                                "BCH", "TRX", "XLM", "AVAX", "DOT"};
    const int64_t hour_ns = 3600 * WK_NS_PER_S;
    wk_features_config config = {
        .anchor_bars = 4096, .warmup_bars = 2400, .warmup_valid_bars = 744};
    if (flagship)
        config.families = (wk_strings){five, 5};
    wk_arena arena;
    wk_arena_init(&arena);
    wk_features *f = NULL;
    wk_status status = wk_features_plan(&arena, &config, symbols, N_SYMBOLS, hour_ns, &f, err);
    if (status == WK_OK) {
        arrays a[N_SYMBOLS];
        for (size_t s = 0; s < N_SYMBOLS; s++)
            a[s] = random_walk(&arena, ROW_STEPS, s);
        double *rows = wk_arena_array(&arena, double, N_SYMBOLS *wk_features_n(f));
        double *samples = wk_arena_array(&arena, double, ROW_STEPS), funding[N_SYMBOLS];
        uint8_t valid[N_SYMBOLS], provenance[N_SYMBOLS] = {0};
        size_t n = 0;
        wk_arena_freeze(&arena);
        for (size_t t = 0; t < ROW_STEPS; t++) {
            wk_bar bars[N_SYMBOLS];
            int64_t time_ns = (int64_t)t * hour_ns;
            for (size_t s = 0; s < N_SYMBOLS; s++) {
                bars[s] = (wk_bar){time_ns, a[s].o[t], a[s].h[t], a[s].l[t], a[s].c[t], a[s].v[t]};
                funding[s] = 1e-4;
            }
            wk_features_step step = {.time_ns = time_ns,
                                     .bars = bars,
                                     .provenance = provenance,
                                     .funding_known = funding};
            int64_t start = wk_clock_monotonic_ns();
            wk_features_push(f, &step, rows, valid);
            if (t >= ROW_STEPS_SKIPPED)
                samples[n++] = (double)(wk_clock_monotonic_ns() - start) * 1e-3 / N_SYMBOLS;
        }
        char what[64];
        snprintf(what, sizeof what, "%s: %zu columns, %d symbols",
                 flagship ? "flagship" : "default", wk_features_n(f), N_SYMBOLS);
        print_row("features.row", what, "us", samples, n);
    }
    wk_arena_finish(&arena);
    return status;
}

static int cmd_bench_indicators(const wk_cli *cli, wk_err *err)
{
    const char *bars = wk_cli_option_value(cli, "bars");
    char *end = NULL;
    unsigned long n = bars ? strtoul(bars, &end, 10) : 1000000;
    if (bars && (*end || n < 100 || n > 100000000))
        return wk_fail(err, WK_E_ARG, "--bars %s: give a number from 100 to 100000000", bars);
    bench_indicators(n);
    return WK_OK;
}

static int cmd_bench_row(const wk_cli *cli, wk_err *err)
{
    (void)cli;
    WK_TRY(bench_row(false, err));
    return bench_row(true, err);
}

static const wk_cli_option options[] = {{"bars", "N", "length of the arrays (default 1000000)"},
                                        {NULL, NULL, NULL}};
static const wk_cli_option no_options[] = {{NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_features_indicators, wk_cmd_bench_features_row;
const wk_cli_command wk_cmd_bench_features_indicators = {
    .name = "bench features.indicators",
    .usage = "[--bars N]",
    .summary = "times each indicator over a long array",
    .details = "Prints one JSON line an indicator, in ns a bar.",
    .example = "wick bench features.indicators --bars 100000",
    .options = options,
    .run = cmd_bench_indicators,
};

const wk_cli_command wk_cmd_bench_features_row = {
    .name = "bench features.row",
    .usage = "",
    .summary = "times a symbol row in a stream, for the default columns and for the flagship's",
    .details =
        "Prints one JSON line each, in us a symbol row; the second state that warms up before an\n"
        "anchor is included.",
    .example = "wick bench features.row",
    .options = no_options,
    .run = cmd_bench_row,
};
