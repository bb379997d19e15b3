/* wick predict: forecasts of a trained model over the newest candles. */
#include <stdlib.h>

#include "cli_internal.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/model.h"

static wk_status write_csv(const wk_dataset *d, const wk_forecast *forecasts, size_t t0,
                           const char *path, size_t *n_rows, wk_err *err)
{
    char time[32];
    wk_draft draft;
    size_t n = 0;
    WK_TRY(wk_draft_open(path, &draft, err));
    fputs("time,symbol,p_sell,p_hold,p_buy,score,magnitude,volatility\n", draft.stream);
    for (size_t t = t0; t < d->panel.T; t++)
        for (size_t s = 0; s < d->panel.S; s++) {
            const wk_forecast *x = &forecasts[t * d->panel.S + s];
            if (!x->valid)
                continue;
            wk_time_format(d->panel.start_ns + (int64_t)t * d->panel.timeframe_ns, time);
            fprintf(draft.stream, "%s,%s,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", time,
                    d->panel.symbols[s], (double)x->p[0], (double)x->p[1], (double)x->p[2],
                    (double)x->score, (double)x->magnitude, (double)x->volatility);
            n++;
        }
    WK_TRY(wk_draft_publish(&draft, err));
    *n_rows = n;
    return WK_OK;
}

/* The first step to forecast. */
static wk_status first_step(const char *from, const wk_run_config *config, const wk_panel *panel,
                            size_t *out, wk_err *err)
{
    int64_t bar = panel->timeframe_ns, T = (int64_t)panel->T, t0, from_ns;
    if (from) {
        if (wk_time_parse(from, &from_ns, err) != WK_OK)
            return wk_fail(err, WK_E_ARG, "--from %s: write 2024-06-30 or 2024-06-30T23:45:00Z",
                           from);
        t0 = from_ns <= panel->start_ns ? 0 : (from_ns - panel->start_ns - 1) / bar + 1;
    } else {
        t0 = T - (int64_t)((config->meta.scale_days + config->meta.scale_min_days) * 86400e9) / bar;
    }
    if (t0 >= T)
        return wk_fail(err, WK_E_ARG, "--from %s is after the newest bar", from);
    *out = t0 < 0 ? 0 : (size_t)t0;
    return WK_OK;
}

static wk_status predict(const wk_cli *cli, wk_arena *arena, wk_model *model, wk_dataset *dataset,
                         wk_forecast **forecasts, size_t *n_rows, wk_err *err)
{
    size_t n, t0 = 0;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    const char *out = wk_cli_option_value(cli, "out"), *from = wk_cli_option_value(cli, "from");
    wk_loop loop = wk_cli_loop(cli);
    wk_run_config config;
    wk_panel *panel = &dataset->panel;
    if (!out)
        return wk_fail(err, WK_E_ARG, "--out F.csv is missing");
    WK_TRY(wk_model_load(wk_cli_arg(cli, 0), model, err));
    WK_TRY(wk_model_config(wk_cli_arg(cli, 0), overrides, n, arena, &config, err));
    WK_TRY(wk_dataset_load_panel(&config, wk_cli_store(), dataset, err));
    WK_TRY(first_step(from, &config, panel, &t0, err));
    /* Features are by far the largest part of a dataset, so they are computed only where needed. */
    size_t unused = wk_model_first_step(model, &config.features, panel, t0);
    wk_panel_drop(panel, unused);
    t0 -= unused;
    WK_TRY(wk_dataset_compute(&config, dataset, err));
    *forecasts = calloc(panel->T * panel->S, sizeof **forecasts);
    if (!*forecasts)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    WK_TRY(wk_model_forecast(model, &config, dataset, t0, panel->T, &loop, *forecasts, err));
    return write_csv(dataset, *forecasts, t0, out, n_rows, err);
}

static int cmd_predict(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_model model = {0};
    wk_dataset dataset = {0};
    wk_forecast *forecasts = NULL;
    size_t n_rows = 0;
    wk_arena_init(&arena);
    wk_status status = predict(cli, &arena, &model, &dataset, &forecasts, &n_rows, err);
    free(forecasts);
    wk_model_finish(&model);
    wk_dataset_finish(&dataset);
    wk_arena_finish(&arena);
    if (status != WK_OK)
        return status;
    const char *out = wk_cli_option_value(cli, "out");
    if (wk_cli_json(cli)) {
        wk_text text = {0};
        wk_text_add(&text, "{\"out\": ");
        wk_text_add_json_string(&text, out);
        wk_text_printf(&text, ", \"rows\": %zu}", n_rows);
        puts(text.s);
        free(text.s);
    } else {
        puts(out);
    }
    return WK_OK;
}

static const wk_cli_option options[] = {
    {"out", "F.csv", "time, symbol, three probabilities, score, magnitude, volatility"},
    {"from", "TIME", "first bar to forecast; default: as far back as the score's scale looks"},
    {.name = NULL}};

const wk_cli_command wk_cmd_predict = {
    .name = "predict",
    .usage = "MODEL --out F.csv [--from TIME]",
    .summary = "forecasts of a trained model over its candles",
    .details =
        "MODEL is the directory model/ that wick train or wick run left. The candles are those of\n"
        "its configuration; --set data.to=... and the like change it. Where meta.score is "
        "\"targets\", the\n"
        "score's scale begins at the first bar, and meta.scale_min_days pass before a row is "
        "written.\n"
        "wickd runs on one thread whatever --threads says, and gives the same bytes.",
    .example = "wick predict out/demo/model --out forecasts.csv",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_predict};
