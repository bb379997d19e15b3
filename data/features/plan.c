/* The plan of the feature engine: which columns, which leaders, how much memory; all of it from the
 * arena, so that a push only computes. */
#include <stdarg.h>
#include <stdio.h>

#include "data/features/engine.h"
#include "wick/hash.h"

const wk__family *const wk__families[] = {
    &wk__family_momentum, &wk__family_lead,   &wk__family_cross,      &wk__family_volatility,
    &wk__family_calendar, &wk__family_ribbon, &wk__family_oscillator, &wk__family_range,
    &wk__family_volume,   &wk__family_candle, &wk__family_divergence, &wk__family_htf,
    &wk__family_funding,  &wk__family_cycle,  &wk__family_outside,    NULL};

/* Raised whenever the value of any column changes, so that models notice. */
static const int FEATURES_VERSION = 1;

/* While a plan is built, columns are formatted into its arena. */
static _Thread_local wk_arena *column_arena;

void wk__column(wk_features *f, const char *fmt, ...)
{
    char name[64];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    WK_ASSERT(n > 0 && (size_t)n < sizeof name && f->n_all < WK__COLUMNS_MAX);
    f->names[f->n_all++] = wk_arena_strdup(column_arena, name);
}

static bool contains(const wk_strings *list, const char *text)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], text) == 0)
            return true;
    return false;
}

static wk_status check_families(const wk_strings *wanted, wk_err *err)
{
    for (size_t i = 0; i < wanted->n; i++) {
        bool known = false;
        char all[256];
        size_t at = 0;
        for (size_t k = 0; wk__families[k]; k++) {
            known |= strcmp(wanted->v[i], wk__families[k]->name) == 0;
            at += (size_t)snprintf(all + at, sizeof all - at, " %s", wk__families[k]->name);
        }
        if (!known)
            return wk_fail(err, WK_E_CONFIG, "features.families: no family \"%s\"; known are%s",
                           wanted->v[i], all);
    }
    return WK_OK;
}

static bool matches(const char *pattern, const char *symbol)
{
    size_t n = strlen(pattern);
    if (n && pattern[n - 1] == '*')
        return strncmp(pattern, symbol, n - 1) == 0;
    return strcmp(pattern, symbol) == 0;
}

/* "BTC*" -> "btc": how a leader is called in column names. */
static const char *short_name(wk_arena *arena, const char *pattern)
{
    char *name = wk_arena_strdup(arena, pattern);
    size_t n = strlen(name);
    if (n && name[n - 1] == '*')
        name[n - 1] = 0;
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return name;
}

static wk_status find_leaders(wk_features *f, wk_arena *arena, const wk_strings *wanted,
                              const char (*symbols)[32], wk_err *err)
{
    static const char *dflt[] = {"BTC*", "ETH*"};
    wk_strings list = wanted->n ? *wanted : (wk_strings){dflt, 2};
    if (list.n > WK__LEADERS_MAX)
        return wk_fail(err, WK_E_CONFIG, "features.leaders: %zu of them; at most %d", list.n,
                       WK__LEADERS_MAX);
    f->n_leaders = list.n;
    for (size_t k = 0; k < list.n; k++) {
        if (strlen(list.v[k]) == 0 || strlen(list.v[k]) > 31)
            return wk_fail(err, WK_E_CONFIG, "features.leaders: \"%s\" is not a symbol", list.v[k]);
        size_t s = 0;
        while (s < f->S && !matches(list.v[k], symbols[s]))
            s++;
        bool is_default = strcmp(list.v[k], "BTC*") == 0 || strcmp(list.v[k], "ETH*") == 0;
        if (s == f->S && !is_default)
            return wk_fail(
                err, WK_E_CONFIG,
                "features.leaders: no symbol of the panel matches \"%s\" (first is \"%s\")",
                list.v[k], symbols[0]);
        f->leader[k] = s;
        f->leader_name[k] = short_name(arena, list.v[k]);
        for (size_t i = 0; i < k; i++)
            if (strcmp(f->leader_name[i], f->leader_name[k]) == 0)
                return wk_fail(err, WK_E_CONFIG, "features.leaders: \"%s\" is given twice",
                               list.v[k]);
    }
    return WK_OK;
}

static wk_status find_outside(wk_features *f, wk_arena *arena, const wk_features_config *config,
                              wk_err *err)
{
    if (config->outside.n > WK_OUTSIDE_MAX)
        return wk_fail(err, WK_E_CONFIG, "features.outside: %zu columns; at most %d",
                       config->outside.n, WK_OUTSIDE_MAX);
    f->n_outside = config->outside.n;
    for (size_t k = 0; k < f->n_outside; k++)
        f->outside_name[k] = wk_arena_strdup(arena, config->outside.v[k]);
    bool *const forms[] = {&f->outside_level, &f->outside_z, &f->outside_change,
                           &f->outside_missing};
    static const char *const names[] = {"level", "z", "change", "missing"};
    for (size_t i = 0; i < config->outside_forms.n; i++) {
        size_t k = 0;
        while (k < 4 && strcmp(names[k], config->outside_forms.v[i]) != 0)
            k++;
        if (k == 4)
            return wk_fail(err, WK_E_CONFIG,
                           "features.outside_forms: \"%s\"; known are level z change missing",
                           config->outside_forms.v[i]);
        *forms[k] = true;
    }
    return WK_OK;
}

static size_t align64(size_t n)
{
    return (n + 63) / 64 * 64;
}

/* Chooses families and lays out columns, states and rings. */
static void lay_out(wk_features *f, wk_arena *arena, const wk_strings *wanted)
{
    size_t state = align64(sizeof(wk__base)), ring = 0;
    column_arena = arena;
    for (size_t k = 0; wk__families[k]; k++) {
        const wk__family *family = wk__families[k];
        if (wanted->n && !contains(wanted, family->name))
            continue;
        if (family == &wk__family_outside && f->n_outside == 0)
            continue;
        WK_ASSERT(f->n_families < WK__FAMILIES_MAX);
        size_t i = f->n_families++;
        f->families[i] = family;
        f->first_column[i] = f->n_all;
        family->columns(f);
        for (size_t c = f->first_column[i]; c < f->n_all; c++)
            f->family_of[c] = family->name;
        f->first_column[i + 1] = f->n_all;
        f->state_at[i] = state;
        state += align64(family->state_bytes);
        f->ring_at[i] = ring;
        ring += align64(family->ring_bytes);
        size_t scratch = family->panel_bytes + family->panel_bytes_a_symbol * f->S;
        f->scratch[i] = scratch ? wk_arena_alloc(arena, scratch) : NULL;
    }
    column_arena = NULL;
    f->state_stride = state;
    f->ring_stride = ring;
}

static wk_status drop_columns(wk_features *f, wk_arena *arena, const wk_strings *drop, wk_err *err)
{
    for (size_t i = 0; i < drop->n; i++) {
        size_t c = 0;
        while (c < f->n_all && strcmp(f->names[c], drop->v[i]) != 0)
            c++;
        if (c == f->n_all)
            return wk_fail(err, WK_E_CONFIG,
                           "features.drop: no column \"%s\" in the chosen families", drop->v[i]);
    }
    f->F = 0;
    f->keep = wk_arena_array(arena, size_t, f->n_all);
    for (size_t c = 0; c < f->n_all; c++)
        if (!contains(drop, f->names[c]))
            f->keep[f->F++] = c;
    if (f->F == 0)
        return wk_fail(err, WK_E_CONFIG, "features.drop: no column is left");
    if (f->F == f->n_all)
        f->keep = NULL;
    return WK_OK;
}

/* How far back the engine itself reads: the closes of its bands. */
static const int64_t own_lags[WK__HISTORY] = {[WK__C] = 19};

/* Values of all symbols in a lane's history. */
static size_t lay_out_history(wk_features *f)
{
    size_t n = 0;
    for (int w = 0; w < WK__HISTORY; w++) {
        int64_t lag = own_lags[w];
        for (size_t i = 0; i < f->n_families; i++)
            lag = f->families[i]->lags[w] > lag ? f->families[i]->lags[w] : lag;
        size_t cap = 1;
        while (cap < (size_t)lag + 1)
            cap *= 2;
        f->history[w].at = n;
        f->history[w].mask = cap - 1;
        n += cap * f->S;
    }
    return n;
}

static void allocate(wk_features *f, wk_arena *arena)
{
    size_t n_history = lay_out_history(f);
    size_t writes = 0;
    for (size_t i = 0; i < f->n_families; i++)
        writes += f->families[i]->ring_bytes ? 64 : 0;
    for (int k = 0; k < 2; k++) {
        f->lanes[k].states = wk_arena_alloc(arena, f->S * f->state_stride);
        f->lanes[k].rings = wk_arena_alloc(arena, f->S * f->ring_stride + 1);
        f->lanes[k].history = wk_arena_array(arena, double, n_history);
    }
    f->cells = wk_arena_array(arena, wk__cell, f->S);
    f->panel_states = wk_arena_array(arena, void *, f->S);
    f->row_all = wk_arena_array(arena, double, f->n_all);
    f->states_backup = wk_arena_alloc(arena, f->S * f->state_stride);
    f->history_backup = wk_arena_array(arena, double, f->S *WK__HISTORY);
    f->undo.cap = f->S * writes;
    f->undo.entries = wk_arena_alloc(arena, (f->undo.cap + 1) * sizeof f->undo.entries[0]);
}

static void hash_plan(wk_features *f)
{
    char text[256];
    wk_hash *hash = wk_hash_create();
    int n = snprintf(text, sizeof text,
                     "wick features %d; timeframe %lld ns; anchor %lld; warmup %lld; valid %lld\n",
                     FEATURES_VERSION, (long long)f->timeframe_ns, (long long)f->anchor,
                     (long long)f->warmup, (long long)f->warmup_valid);
    wk_hash_feed(hash, text, (size_t)n);
    for (size_t i = 0; i < f->F; i++) {
        wk_hash_feed(hash, wk_features_name(f, i), strlen(wk_features_name(f, i)));
        wk_hash_feed(hash, "\n", 1);
    }
    wk_hash_finish(hash, f->hash);
}

wk_status wk_features_plan(wk_arena *arena, const wk_features_config *config,
                           const char (*symbols)[32], size_t S, int64_t timeframe_ns,
                           wk_features **out, wk_err *err)
{
    if (S == 0 || timeframe_ns <= 0)
        return wk_fail(err, WK_E_ARG,
                       "features: %zu symbols, timeframe %lld ns; both must be positive", S,
                       (long long)timeframe_ns);
    if (config->anchor_bars < 1 || config->warmup_bars < 0 || config->warmup_valid_bars < 0)
        return wk_fail(
            err, WK_E_CONFIG,
            "features: anchor_bars %lld, warmup_bars %lld, warmup_valid_bars %lld; the first "
            "must be positive, the others not negative",
            (long long)config->anchor_bars, (long long)config->warmup_bars,
            (long long)config->warmup_valid_bars);
    if (config->warmup_bars > config->anchor_bars)
        return wk_fail(err, WK_E_CONFIG, "features: warmup_bars %lld is over anchor_bars %lld",
                       (long long)config->warmup_bars, (long long)config->anchor_bars);
    if (config->warmup_valid_bars > config->warmup_bars)
        return wk_fail(
            err, WK_E_CONFIG,
            "features: warmup_valid_bars %lld is over warmup_bars %lld, so that no row would be "
            "valid after an anchor",
            (long long)config->warmup_valid_bars, (long long)config->warmup_bars);
    WK_TRY(check_families(&config->families, err));

    wk_features *f = wk_arena_alloc(arena, sizeof *f);
    f->S = S;
    f->timeframe_ns = timeframe_ns;
    f->anchor = config->anchor_bars;
    f->warmup = config->warmup_bars;
    f->warmup_valid = config->warmup_valid_bars;
    f->serving = -1;
    WK_TRY(find_leaders(f, arena, &config->leaders, symbols, err));
    WK_TRY(find_outside(f, arena, config, err));
    lay_out(f, arena, &config->families);
    WK_TRY(drop_columns(f, arena, &config->drop, err));
    allocate(f, arena);
    hash_plan(f);
    *out = f;
    return WK_OK;
}

size_t wk_features_n(const wk_features *f)
{
    return f->F;
}

const char *wk_features_name(const wk_features *f, size_t i)
{
    WK_ASSERT(i < f->F);
    return f->names[f->keep ? f->keep[i] : i];
}

const char *wk_features_family(const wk_features *f, size_t i)
{
    WK_ASSERT(i < f->F);
    return f->family_of[f->keep ? f->keep[i] : i];
}

const char *wk_features_hash(const wk_features *f)
{
    return f->hash;
}
