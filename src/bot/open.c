/* Loads the models of a bot and plans everything it will ever need. */
#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bot_internal.h"
#include "executor_paper.h"
#include "reload.h"
#include "reload_load.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"
#include "wick/manifest.h"

void wk__bot_name_markets(const wk_model *model, wk_run_config *config, wk_arena *arena)
{
    if (model->n_instruments == 0)
        return;
    const char **names = wk_arena_array(arena, const char *, model->n_instruments);
    for (size_t i = 0; i < model->n_instruments; i++)
        names[i] = model->instruments[i].symbol;
    config->data.symbols = (wk_strings){names, model->n_instruments};
}

static wk_status load_models(wk_bot *b, wk_err *err)
{
    const wk_bot_model_config *configs = b->config->models.v;
    size_t n = b->config->models.n;
    if (n == 0)
        return wk_fail(
            err, WK_E_CONFIG,
            "models is empty; name the directory of a trained model, such as out/demo/model");
    b->models = wk_arena_array(&b->arena, wk_model, n);
    b->run_configs = wk_arena_array(&b->arena, wk_run_config, n);
    for (size_t k = 0; k < n; k++) {
        const wk_strings *set = &b->config->set;
        WK_TRY(wk_model_load(configs[k].dir, &b->models[k], err));
        b->n_models = k + 1;
        WK_TRY(wk_model_config(configs[k].dir, k == 0 ? set->v : NULL, k == 0 ? set->n : 0,
                               &b->arena, &b->run_configs[k], err));
        wk__bot_name_markets(&b->models[k], &b->run_configs[k], &b->arena);
        if (b->config->no_shorts)
            b->run_configs[k].trade.allow_short = false;
        int64_t timeframe_ns = b->run_configs[k].data.timeframe_ns;
        if (k == 0 || timeframe_ns < b->timeframe_ns)
            b->timeframe_ns = timeframe_ns;
    }
    return WK_OK;
}

static bool has_market(const wk_bot *b, const char *symbol)
{
    for (size_t s = 0; s < b->S; s++)
        if (strcmp(b->markets[s].symbol, symbol) == 0)
            return true;
    return false;
}

/* The configured markets, or those of the models in the order in which they name them. */
static wk_status list_markets(wk_bot *b, wk_err *err)
{
    b->markets = wk_arena_array(&b->arena, wk_bot_market_config, WK__BOT_MARKETS_MAX);
    const wk_bot_market_config *given = b->config->markets.v;
    for (size_t i = 0; i < b->config->markets.n; i++) {
        if (b->S == WK__BOT_MARKETS_MAX || has_market(b, given[i].symbol))
            return wk_fail(err, WK_E_CONFIG, "markets.%zu: %s %s", i, given[i].symbol,
                           b->S == WK__BOT_MARKETS_MAX ? "is one too many (512)"
                                                       : "is there already");
        b->markets[b->S++] = given[i];
    }
    if (b->S)
        return WK_OK;
    for (size_t k = 0; k < b->n_models; k++) {
        const wk_strings *symbols = &b->run_configs[k].data.symbols;
        for (size_t i = 0; i < symbols->n; i++) {
            if (has_market(b, symbols->v[i]))
                continue;
            if (b->S == WK__BOT_MARKETS_MAX)
                return wk_fail(err, WK_E_CONFIG, "more than %d markets", WK__BOT_MARKETS_MAX);
            b->markets[b->S++] = (wk_bot_market_config){.symbol = symbols->v[i],
                                                        .feed = "",
                                                        .trade = "",
                                                        .tick = NAN,
                                                        .lot = NAN,
                                                        .lot_min = NAN};
        }
    }
    return WK_OK;
}

/* What the configuration says, else what a model was judged with. */
static wk_status find_instruments(wk_bot *b, wk_err *err)
{
    b->instruments = wk_arena_array(&b->arena, wk_trade_instrument, b->S);
    for (size_t s = 0; s < b->S; s++) {
        const wk_bot_market_config *m = &b->markets[s];
        wk_trade_instrument *x = &b->instruments[s];
        if (strlen(m->symbol) >= sizeof x->symbol)
            return wk_fail(err, WK_E_CONFIG, "markets.%zu.symbol: \"%s\" is longer than 31 bytes",
                           s, m->symbol);
        for (size_t k = 0; k < b->n_models; k++)
            for (size_t i = 0; i < b->models[k].n_instruments; i++)
                if (!x->symbol[0] && strcmp(b->models[k].instruments[i].symbol, m->symbol) == 0)
                    *x = b->models[k].instruments[i];
        strcpy(x->symbol, m->symbol);
        if (!isnan(m->tick))
            x->tick = m->tick;
        if (!isnan(m->lot)) {
            x->lot = m->lot;
            x->min_lots = 1;
        }
        if (b->config->instrument)
            WK_TRY(b->config->instrument(b->config->instrument_ctx, m, x, err));
        if (!isnan(m->lot_min) && x->lot > 0)
            x->min_lots = (int64_t)(m->lot_min / x->lot + 0.999999);
        if (!(x->tick > 0) || !(x->lot > 0))
            return wk_fail(
                err, WK_E_CONFIG,
                "market %s: neither the configuration nor a model says its tick and lot; set "
                "markets.%zu.tick and .lot",
                m->symbol, s);
    }
    return WK_OK;
}

static wk_status plan_engine(wk_bot *b, wk_err *err)
{
    const wk_bot_model_config *configs = b->config->models.v;
    const wk_run_config *first = &b->run_configs[0];
    wk_engine_model *models = wk_arena_array(&b->arena, wk_engine_model, b->n_models);
    b->strategies = wk_arena_alloc(&b->arena, b->n_models * sizeof *b->strategies);
    for (size_t k = 0; k < b->n_models; k++) {
        wk_manifest bundle;
        char timeframe[16];
        const char *name = b->run_configs[k].name; /* "pooled-1h: all coins": what is before it */
        int length = (int)strcspn(name, ":");
        snprintf(b->strategies[k], sizeof b->strategies[k], "%.*s %s", length < 40 ? length : 40,
                 name, wk_timeframe_format(b->run_configs[k].data.timeframe_ns, timeframe));
        WK_TRY(wk_manifest_of(configs[k].dir, &bundle, err));
        bundle.version[16] = 0;
        models[k] = (wk_engine_model){.model = &b->models[k],
                                      .config = &b->run_configs[k],
                                      .weight = configs[k].weight,
                                      .priority = configs[k].priority,
                                      .version = strtoull(bundle.version, NULL, 16),
                                      .ensemble = configs[k].ensemble,
                                      .born_ns = wk__model_born(configs[k].dir)};
    }
    char(*symbols)[32] = wk_arena_alloc(&b->arena, b->S * sizeof *symbols);
    for (size_t s = 0; s < b->S; s++)
        memcpy(symbols[s], b->instruments[s].symbol, sizeof symbols[s]);
    wk_sim_config sim = first->sim;
    if (!isnan(b->config->initial_cash))
        sim.initial_cash = b->config->initial_cash;
    wk_engine_config config = {.models = models,
                               .n_models = b->n_models,
                               .combine = b->config->combine,
                               .timeframe_ns = b->timeframe_ns,
                               .symbols = (const char(*)[32])symbols,
                               .instruments = b->instruments,
                               .S = b->S,
                               .trade = &first->trade,
                               .initial_cash_e8 = (int64_t)(sim.initial_cash * 1e8 + 0.5)};
    WK_TRY(wk_engine_plan(&b->arena, &config, &b->engine, err));
    WK_TRY(wk_ledger_plan(&b->arena, b->instruments, b->S, &b->ledger, err));
    if (!b->executor.submit && b->config->venue == WK_BOT_PAPER)
        WK_TRY(wk_executor_paper(&b->arena, &sim, b->instruments, b->S, b->timeframe_ns,
                                 &b->executor, err));
    b->scores = wk_arena_array(&b->arena, wk__scores, b->S);
    b->verdicts = wk_arena_array(&b->arena, uint8_t, b->S);
    b->sigma_before = wk_arena_array(&b->arena, double, b->S);
    for (size_t s = 0; s < b->S; s++)
        b->sigma_before[s] = NAN;
    b->room = 8 * b->S;
    b->waiting = wk_arena_array(&b->arena, wk__waiting, b->room);
    b->again = wk_arena_array(&b->arena, wk_action, b->room);
    b->early = wk_arena_array(&b->arena, wk_trader_event, WK__BOT_EARLY);
    return WK_OK;
}

static wk_status open_dir(wk_bot *b, wk_err *err)
{
    if (!b->config->dir[0])
        return WK_OK;
    WK_TRY(wk_dir_create(b->config->dir, err));
    b->overrides_path = b->config->overrides && b->config->overrides[0]
                            ? wk_arena_printf(&b->arena, "%s", b->config->overrides)
                            : wk_arena_printf(&b->arena, "%s/overrides", b->config->dir);
    b->trades_path =
        wk_arena_printf(&b->arena, "%s/%s", b->config->dir,
                        b->config->venue == WK_BOT_PAPER ? "paper_trades.csv" : "trades.csv");
    return wk__bot_table_open(b, err);
}

static wk_status journal_markets(wk_bot *b, wk_err *err)
{
    for (size_t s = 0; b->journal && s < b->S; s++)
        WK_TRY(wk_journal_market(b->journal, (uint32_t)s, "", b->markets[s].symbol,
                                 &b->instruments[s], err));
    return WK_OK;
}

wk_status wk_bot_open(const wk_bot_config *config, const wk_executor *executor, wk_journal *journal,
                      wk_bot **out, wk_err *err)
{
    wk_bot *b = calloc(1, sizeof *b);
    if (!b)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_arena_init(&b->arena);
    wk_arena_init(&b->watch_arena);
    b->config = config;
    b->journal = journal;
    b->counts.inputs_digest = WK_DIGEST_START;
    b->since_ns = INT64_MIN;
    if (executor)
        b->executor = *executor;
    wk_status status = load_models(b, err);
    malloc_trim(0); /* the models' files were read into many small pieces */
    if (status == WK_OK)
        status = list_markets(b, err);
    if (status == WK_OK)
        status = find_instruments(b, err);
    if (status == WK_OK)
        status = plan_engine(b, err);
    if (status == WK_OK)
        status = open_dir(b, err);
    if (status == WK_OK)
        status = journal_markets(b, err);
    if (status != WK_OK) {
        wk_bot_close(b);
        return status;
    }
    wk_arena_freeze(&b->arena);
    *out = b;
    return WK_OK;
}

void wk_bot_close(wk_bot *b)
{
    if (!b)
        return;
    wk__bot_recovery_finish(b);
    wk__reload_close(b->reload);
    wk_arena_finish(&b->watch_arena);
    if (b->trades)
        fclose(b->trades);
    for (size_t k = 0; k < b->n_models; k++)
        wk_model_finish(&b->models[k]);
    wk_arena_finish(&b->arena);
    free(b);
}

void wk_bot_set_executor(wk_bot *b, const wk_executor *executor)
{
    WK_ASSERT(!b->began);
    b->executor = *executor;
}

/* What a slot buys at most against the least that the venue takes: of the close that is known. */
static bool fits(const wk_bot *b, size_t s, double close, char why[300])
{
    const wk_trade_config *c = &b->run_configs[0].trade;
    const wk_trader *trader = wk_engine_trader(b->engine);
    const wk_trade_instrument *x = &b->instruments[s];
    double capital = (double)wk_trader_equity_e8(trader) / 1e8;
    double slot = capital * c->leverage / c->slots;
    double least = (double)(x->min_lots > 1 ? x->min_lots : 1) * x->lot;
    /* By volatility a position may be larger than a slot. */
    if (c->max_position_fraction > 0 && (c->size != 0 || slot > capital * c->max_position_fraction))
        slot = capital * c->max_position_fraction;
    else if (c->size != 0)
        return true;
    if (isnan(close) || slot >= least * close)
        return true;
    snprintf(why, 300,
             "market %s: a position of at most %.4g (equity %.10g, trade.slots %g, trade.leverage "
             "%g) is a size below the venue's minimum of %.4g (%.10g at %.10g); set fewer slots, "
             "or leave the market out",
             b->markets[s].symbol, slot, capital, c->slots, c->leverage, least * close, least,
             close);
    return false;
}

wk_status wk__bot_check_sizes(wk_bot *b, const wk_features_step *step, wk_err *err)
{
    const wk_trader *trader = wk_engine_trader(b->engine);
    bool holds = false;
    int64_t entry;
    char why[300];
    for (size_t s = 0; s < b->S; s++)
        holds |= wk_trader_position(trader, s, &entry) != 0;
    for (size_t s = 0; s < b->S; s++) {
        if (fits(b, s, step->bars[s].close, why))
            continue;
        /* What is held wants somebody who looks after it; entries there are none anyway. */
        if (b->config->venue != WK_BOT_PAPER && !holds)
            return wk_fail(err, WK_E_CONFIG, "%s", why);
        wk_log_write(WK_LOG_WARN, "trade.size", "why=\"%s\"", why);
        wk__bot_alert(b, WK_ALERT_ERROR, b->now_ns, "%s", why);
    }
    return WK_OK;
}

size_t wk_bot_n_markets(const wk_bot *b)
{
    return b->S;
}

const wk_bot_market_config *wk_bot_market(const wk_bot *b, size_t s)
{
    WK_ASSERT(s < b->S);
    return &b->markets[s];
}

const wk_trade_instrument *wk_bot_instruments(const wk_bot *b)
{
    return b->instruments;
}

int64_t wk_bot_timeframe_ns(const wk_bot *b)
{
    return b->timeframe_ns;
}

size_t wk_bot_warmup_steps(const wk_bot *b)
{
    return wk_engine_warmup_steps(b->engine);
}

wk_engine *wk_bot_engine(wk_bot *b)
{
    return b->engine;
}

const wk_forecast *wk_bot_forecasts(const wk_bot *b)
{
    return b->outcome.forecasts;
}

const wk_run_config *wk_bot_model_run_config(const wk_bot *b, size_t k)
{
    WK_ASSERT(k < b->n_models);
    return &b->run_configs[k];
}
