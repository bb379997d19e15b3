/* wick predict: forecasts of a trained model over the newest candles. */
#include <stdio.h>
#include <stdlib.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/model.h"

static wk_status write_csv(const wk_dataset *d, const wk_forecast *forecasts, size_t t0, const char *path,
                           wk_err *err)
{
    char *text = NULL, time[32];
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    fputs("time,symbol,p_sell,p_hold,p_buy,score,magnitude,volatility\n", f);
    for (size_t t = t0; t < d->panel.T; t++)
        for (size_t s = 0; s < d->panel.S; s++) {
            const wk_forecast *x = &forecasts[t * d->panel.S + s];
            if (!x->valid)
                continue;
            wk_time_format(d->panel.start_ns + (int64_t)t * d->panel.timeframe_ns, time);
            fprintf(f, "%s,%s,%.9g,%.9g,%.9g,%.9g,%.9g,%.9g\n", time, d->panel.symbols[s], (double)x->p[0],
                    (double)x->p[1], (double)x->p[2], (double)x->score, (double)x->magnitude,
                    (double)x->volatility);
        }
    wk_status status = fclose(f) == 0 ? wk_file_write_atomic(path, text, size, err)
                                      : wk_fail(err, WK_E_NOMEM, "out of memory");
    free(text);
    return status;
}

static wk_status predict(const wk_cli *cli, wk_arena *arena, wk_model *model, wk_dataset *dataset,
                         wk_err *err)
{
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    const char *out = wk_cli_option_value(cli, "out"), *from = wk_cli_option_value(cli, "from");
    wk_run_config config;
    int64_t from_ns = 0;
    if (!out)
        return wk_fail(err, WK_E_ARG, "--out F.csv is missing");
    if (from)
        WK_TRY(wk_time_parse(from, &from_ns, err));
    WK_TRY(wk_model_load(wk_cli_arg(cli, 0), model, err));
    WK_TRY(wk_model_config(wk_cli_arg(cli, 0), overrides, n, arena, &config, err));
    WK_TRY(wk_dataset_load(&config, dataset, err));
    /* Without --from: as much as the score's scale looks back on. */
    int64_t bar = dataset->panel.timeframe_ns;
    int64_t t0 = from ? (from_ns - dataset->panel.start_ns) / bar
                      : (int64_t)dataset->panel.T -
                            (int64_t)((config.meta.scale_days + config.meta.scale_min_days) * 86400e9) / bar;
    if (t0 < 0)
        t0 = 0;
    if (t0 >= (int64_t)dataset->panel.T)
        return wk_fail(err, WK_E_ARG, "--from %s is after the newest bar", from);
    wk_forecast *forecasts = wk_arena_array(arena, wk_forecast, dataset->panel.T * dataset->panel.S);
    WK_TRY(wk_model_forecast(model, &config, dataset, (size_t)t0, dataset->panel.T, wk_cli_threads(cli),
                             forecasts, err));
    return write_csv(dataset, forecasts, (size_t)t0, out, err);
}

static int cmd_predict(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_model model = {0};
    wk_dataset dataset = {0};
    wk_arena_init(&arena);
    wk_status status = predict(cli, &arena, &model, &dataset, err);
    wk_model_finish(&model);
    wk_dataset_finish(&dataset);
    wk_arena_finish(&arena);
    if (status == WK_OK && !wk_cli_json(cli))
        printf("%s\n", wk_cli_option_value(cli, "out"));
    return status;
}

static const wk_cli_option options[] = {
    {"out", "F.csv", "time, symbol, three probabilities, score, magnitude, volatility"},
    {"from", "TIME", "first bar to forecast; default: as far back as the score's scale looks"},
    {.name = NULL}};

const wk_cli_command wk_cmd_predict = {
    .name = "predict",
    .usage = "MODEL --out F.csv [--from TIME]",
    .summary = "forecasts of a trained model over its candles",
    .details = "MODEL is the directory model/ that wick train or wick run left. The candles are those of\n"
               "its configuration; --set data.to=... and the like change it.",
    .example = "wick predict out/demo/model --out forecasts.csv",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_predict};
