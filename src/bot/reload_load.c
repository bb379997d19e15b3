#include "reload_load.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/clock.h"

static bool has(const wk_strings *list, const char *name)
{
    for (size_t i = 0; i < list->n; i++)
        if (strcmp(list->v[i], name) == 0)
            return true;
    return false;
}

/* What feeds the bot brings what the model before wanted, and nothing else. */
static wk_status check(const wk_run_config *now, const wk_run_config *before, bool in_ensemble,
                       wk_arena *arena, wk_err *err)
{
    const wk_label_config *l = &now->labels.direction, *m = &before->labels.direction;
    if (in_ensemble &&
        (l->kind != m->kind || l->horizon_bars != m->horizon_bars ||
         l->vol_scaled != m->vol_scaled || l->bound < m->bound || l->bound > m->bound ||
         l->take_profit < m->take_profit || l->take_profit > m->take_profit ||
         l->stop_loss < m->stop_loss || l->stop_loss > m->stop_loss))
        return wk_fail(err, WK_E_MODEL,
                       "its labels.direction is not that of the generations before, with which it "
                       "is to speak; restart the bot with it");
    char a[16], b[16];
    if (now->data.timeframe_ns != before->data.timeframe_ns)
        return wk_fail(err, WK_E_MODEL, "its bars are of %s, those of the model before of %s",
                       wk_timeframe_format(now->data.timeframe_ns, a),
                       wk_timeframe_format(before->data.timeframe_ns, b));
    for (size_t i = 0; i < before->data.symbols.n; i++)
        if (!has(&now->data.symbols, before->data.symbols.v[i]))
            return wk_fail(err, WK_E_MODEL, "it does not speak of %s, which the model before did",
                           before->data.symbols.v[i]);
    wk_strings x = wk_data_outside_names(&now->data, arena),
               y = wk_data_outside_names(&before->data, arena);
    bool same = x.n == y.n &&
                (now->data.source == WK_SOURCE_TAPE) == (before->data.source == WK_SOURCE_TAPE);
    for (size_t i = 0; same && i < x.n; i++)
        same = strcmp(x.v[i], y.v[i]) == 0;
    return same ? WK_OK
                : wk_fail(err, WK_E_MODEL,
                          "it wants other outside series or flow features than the model before; "
                          "restart the bot with it");
}

wk_status wk__generation_load(const wk_bot *b, size_t k, const char *dir,
                              const wk_run_config *before, wk__generation **out, wk_err *err)
{
    const wk_bot_model_config *about = (const wk_bot_model_config *)b->config->models.v + k;
    wk__generation *g = calloc(1, sizeof *g);
    if (!g)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_arena_init(&g->arena);
    g->model = &g->loaded;
    wk_run_config *config = wk_arena_alloc(&g->arena, sizeof *config);
    const wk_strings *set = &b->config->set;
    wk_status status = wk__model_version(dir, &g->version, g->version_text, &g->number, err);
    if (status == WK_OK)
        status = wk_model_load(dir, &g->loaded, err);
    malloc_trim(0); /* its files were read into many small pieces */
    if (status == WK_OK)
        status = wk_model_config(dir, k == 0 ? set->v : NULL, k == 0 ? set->n : 0, &g->arena,
                                 config, err);
    if (status == WK_OK) {
        wk__bot_name_markets(&g->loaded, config, &g->arena);
        g->config = config;
        status = check(config, before, about->ensemble.generations > 1, &g->arena, err);
    }
    wk_engine_model described = {.model = &g->loaded,
                                 .config = config,
                                 .weight = about->weight,
                                 .priority = about->priority,
                                 .version = g->version,
                                 .ensemble = about->ensemble,
                                 .born_ns = wk__model_born(dir)};
    if (status == WK_OK)
        status = wk_engine_member_plan(&g->arena, b->engine, &described, &g->member, err);
    if (status != WK_OK) {
        wk__generation_free(g);
        return status;
    }
    wk_arena_freeze(&g->arena);
    *out = g;
    return WK_OK;
}

void wk__generation_free(wk__generation *g)
{
    if (!g)
        return;
    wk_model_finish(g->model);
    wk_arena_finish(&g->arena);
    free(g);
}
