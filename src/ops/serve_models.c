/* Loading what is served. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generation.h"
#include "serve_predict.h"
#include "wick/clock.h"

/* The run directory's name: out/demo/model is "demo". */
static void name_model(const char *given, const char *dir, char out[WK__SERVE_NAME_BYTES])
{
    char path[4096];
    snprintf(path, sizeof path, "%s", dir);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
        path[--n] = 0;
    char *slash = strrchr(path, '/');
    if (slash && strcmp(slash + 1, "model") == 0) {
        *slash = 0;
        slash = strrchr(path, '/');
    }
    const char *name = given[0] ? given : slash ? slash + 1 : path;
    snprintf(out, WK__SERVE_NAME_BYTES, "%.63s", name[0] ? name : "model");
}

void wk__serve_core_release(wk__serve_core *core)
{
    if (!core || --core->n_users > 0)
        return;
    wk_model_finish(&core->model);
    wk_arena_finish(&core->arena);
    free(core);
}

static wk_status plan(wk__serve_model *m, wk_err *err)
{
    wk__serve_core *core = m->core;
    const wk_model *model = &core->model;
    wk_arena *arena = &core->arena;
    m->S = model->n_instruments ? model->n_instruments : core->config.data.symbols.n;
    if (m->S == 0 || m->S > WK__SERVE_SYMBOLS_MAX)
        return wk_fail(err, WK_E_MODEL, "%s: the model names %zu markets; 1 to %d can be served",
                       m->dir, m->S, WK__SERVE_SYMBOLS_MAX);
    m->symbols = wk_arena_alloc(arena, m->S * sizeof *m->symbols);
    const char **names = wk_arena_array(arena, const char *, m->S);
    for (size_t s = 0; s < m->S; s++) {
        names[s] =
            model->n_instruments ? model->instruments[s].symbol : core->config.data.symbols.v[s];
        snprintf(m->symbols[s], sizeof m->symbols[s], "%s", names[s]);
    }
    core->config.data.symbols = (wk_strings){names, m->S};
    wk_features_config features = core->config.features;
    features.outside = wk_data_outside_names(&core->config.data, arena);
    m->K = features.outside.n;
    WK_TRY(wk_features_plan(arena, &features, (const char(*)[32])m->symbols, m->S,
                            core->config.data.timeframe_ns, &m->features, err));
    m->F = wk_features_n(m->features);
    WK_TRY(wk_forecaster_plan(arena, model, &core->config, (const char(*)[32])m->symbols, m->S,
                              &m->fresh, err));
    m->forecasts = wk_arena_array(arena, wk_forecast, m->S);
    m->warmup_bars = wk_forecaster_warmup_bars(m->fresh);
    return WK_OK;
}

wk_status wk__serve_model_load(const wk_serve_model_config *about, wk__serve_model *out,
                               wk_err *err)
{
    wk__serve_model m = {.dir = about->dir, .core = calloc(1, sizeof *m.core)};
    uint64_t version;
    int64_t number;
    char text[65];
    if (!m.core)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    m.core->n_users = 1;
    wk_arena_init(&m.core->arena);
    name_model(about->name, about->dir, m.name);
    wk_status status = wk_model_load(m.dir, &m.core->model, err);
    if (status == WK_OK)
        status = wk_model_config(m.dir, NULL, 0, &m.core->arena, &m.core->config, err);
    if (status == WK_OK)
        status = wk__model_version(m.dir, &version, text, &number, err);
    if (status == WK_OK)
        status = plan(&m, err);
    if (status != WK_OK) {
        wk__serve_core_release(m.core);
        return status;
    }
    snprintf(m.version, sizeof m.version, "%.16s", text);
    memcpy(m.core->version, m.version, sizeof m.version);
    m.model = m.core->model;
    m.config = m.core->config;
    wk_arena_freeze(&m.core->arena);
    *out = m;
    return WK_OK;
}

wk_status wk__serve_predictor_open(const wk_serve_config *config, wk__serve_predictor *out,
                                   wk_err *err)
{
    const wk_serve_model_config *about = config->models.v;
    wk__serve_predictor p = {.config = config};
    size_t S = 0;
    if (config->models.n == 0)
        return wk_fail(err, WK_E_CONFIG,
                       "models is empty; name the directory of a trained model, such as "
                       "out/demo/model");
    p.models = calloc(config->models.n, sizeof *p.models);
    for (p.n_buckets = 64; p.n_buckets < 2 * (size_t)config->sessions_max;)
        p.n_buckets *= 2;
    p.buckets = calloc(p.n_buckets, sizeof(wk__serve_session *));
    wk_status status = p.models && p.buckets ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t k = 0; k < config->models.n && status == WK_OK; k++) {
        p.n_models = k + 1;
        status = wk__serve_model_load(&about[k], &p.models[k], err);
        for (size_t i = 0; i < k && status == WK_OK; i++)
            if (strcmp(p.models[i].name, p.models[k].name) == 0)
                status = wk_fail(err, WK_E_CONFIG,
                                 "models.%zu: a model named %s is there already; set "
                                 "models.%zu.name",
                                 k, p.models[k].name, k);
        S = p.models[k].S > S ? p.models[k].S : S;
    }
    p.no_bars = calloc(S + 1, sizeof *p.no_bars);
    p.no_provenance = malloc(S + 1);
    if (status == WK_OK && (!p.no_bars || !p.no_provenance))
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t s = 0; s < S && status == WK_OK; s++) {
        p.no_bars[s] = (wk_bar){0, NAN, NAN, NAN, NAN, NAN};
        p.no_provenance[s] = WK_PROV_UNKNOWN;
    }
    if (status == WK_OK)
        status = wk__serve_reload_open(&p, err);
    if (status != WK_OK) {
        wk__serve_predictor_close(&p);
        return status;
    }
    *out = p;
    return WK_OK;
}

void wk__serve_describe_models(const wk__serve_predictor *p, wk_text *out)
{
    wk_text_add(out, "{\"models\":[");
    for (size_t k = 0; k < p->n_models; k++) {
        const wk__serve_model *m = &p->models[k];
        char timeframe[16];
        wk_text_add(out, k ? ",{\"name\":" : "{\"name\":");
        wk_text_add_json_string(out, m->name);
        wk_text_printf(out,
                       ",\"version\":\"%s\",\"timeframe\":\"%s\",\"timeframe_ms\":%lld,"
                       "\"warmup_steps\":%zu,\"networks\":%zu,\"rows\":%s,\"feature_hash\":\"%s\","
                       "\"outside\":%zu,\"symbols\":[",
                       m->version, wk_timeframe_format(m->config.data.timeframe_ns, timeframe),
                       (long long)(m->config.data.timeframe_ns / 1000000), m->warmup_bars,
                       m->model.n_branches + (m->model.meta.is_mlp ? 1 : 0),
                       m->model.n_branches || m->model.meta.is_mlp ? "false" : "true",
                       m->model.feature_hash, m->K);
        for (size_t s = 0; s < m->S; s++) {
            wk_text_add(out, s ? "," : "");
            wk_text_add_json_string(out, m->symbols[s]);
        }
        wk_text_add(out, "],\"features\":[");
        for (size_t i = 0; i < m->F; i++) {
            wk_text_add(out, i ? "," : "");
            wk_text_add_json_string(out, wk_features_name(m->features, i));
        }
        wk_text_add(out, "]}");
    }
    wk_text_add(out, "]}");
}
