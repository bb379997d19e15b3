/* Loading what is served. */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "serve_predict.h"
#include "wick/clock.h"
#include "wick/file.h"

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

static wk_status digest_bundle(wk__serve_model *m, wk_err *err)
{
    struct dirent **files;
    int n = scandir(m->dir, &files, NULL, alphasort);
    uint64_t digest = WK_DIGEST_START;
    wk_status status =
        n < 0 ? wk_fail(err, WK_E_IO, "%s: cannot list the model's files", m->dir) : WK_OK;
    for (int i = 0; i < n; i++) {
        char path[4096];
        char *bytes;
        size_t size;
        snprintf(path, sizeof path, "%s/%s", m->dir, files[i]->d_name);
        if (status == WK_OK && files[i]->d_name[0] != '.' &&
            (status = wk_file_read(path, &bytes, &size, err)) == WK_OK) {
            digest = wk_digest_bytes(digest, bytes, size);
            free(bytes);
        }
        free(files[i]);
    }
    if (n >= 0)
        free(files);
    snprintf(m->version, sizeof m->version, "%016llx", (unsigned long long)digest);
    return status;
}

static wk_status load(const wk_serve_model_config *about, wk__serve_model *m, wk_err *err)
{
    m->dir = about->dir;
    name_model(about->name, about->dir, m->name);
    WK_TRY(wk_model_load(about->dir, &m->model, err));
    WK_TRY(wk_model_config(about->dir, NULL, 0, &m->arena, &m->config, err));
    WK_TRY(digest_bundle(m, err));
    const wk_model *model = &m->model;
    m->S = model->n_instruments ? model->n_instruments : m->config.data.symbols.n;
    if (m->S == 0 || m->S > WK__SERVE_SYMBOLS_MAX)
        return wk_fail(err, WK_E_MODEL, "%s: the model names %zu markets; 1 to %d can be served",
                       about->dir, m->S, WK__SERVE_SYMBOLS_MAX);
    m->symbols = wk_arena_alloc(&m->arena, m->S * sizeof *m->symbols);
    const char **names = wk_arena_array(&m->arena, const char *, m->S);
    for (size_t s = 0; s < m->S; s++) {
        names[s] =
            model->n_instruments ? model->instruments[s].symbol : m->config.data.symbols.v[s];
        snprintf(m->symbols[s], sizeof m->symbols[s], "%s", names[s]);
    }
    m->config.data.symbols = (wk_strings){names, m->S};
    wk_features_config features = m->config.features;
    features.outside = wk_data_outside_names(&m->config.data, &m->arena);
    m->K = features.outside.n;
    WK_TRY(wk_features_plan(&m->arena, &features, (const char(*)[32])m->symbols, m->S,
                            m->config.data.timeframe_ns, &m->features, err));
    m->F = wk_features_n(m->features);
    WK_TRY(wk_forecaster_plan(&m->arena, model, &m->config, (const char(*)[32])m->symbols, m->S,
                              &m->fresh, err));
    m->forecasts = wk_arena_array(&m->arena, wk_forecast, m->S);
    m->warmup_bars = wk_forecaster_warmup_bars(m->fresh);
    wk_arena_freeze(&m->arena);
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
        wk_arena_init(&p.models[k].arena);
        p.n_models = k + 1;
        status = load(&about[k], &p.models[k], err);
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
