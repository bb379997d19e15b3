/* verdict.json in a model's directory: what the walk-forward judgement said of it. */
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "account_start.h"
#include "wick/file.h"

wk_status wk_bot_verdict_of(const char *dir, wk_err *err)
{
    char path[PATH_MAX];
    json_error_t where;
    if (snprintf(path, sizeof path, "%s/verdict.json", dir) >= (int)sizeof path)
        return wk_fail(err, WK_E_CONFIG, "path too long: %s", dir);
    if (!wk_file_exists(path))
        return wk_fail(err, WK_E_CONFIG,
                       "the model %s has no verdict: judge it with wick run (or wick backtest), or "
                       "say --i-accept-not-useful",
                       dir);
    json_t *root = json_load_file(path, 0, &where);
    const json_t *useful = json_object_get(root, "useful");
    wk_status status = WK_OK;
    if (!json_is_boolean(useful))
        status = wk_fail(err, WK_E_CONFIG,
                         "%s is damaged (line %d): judge the model again with wick run", path,
                         where.line);
    else if (!json_is_true(useful))
        status = wk_fail(err, WK_E_CONFIG,
                         "the model %s is NOT USEFUL by its own judgement (%s); say "
                         "--i-accept-not-useful to trade it all the same",
                         dir, path);
    json_decref(root);
    return status;
}

wk_status wk_bot_verdict(const wk_bot_config *config, wk_err *err)
{
    const wk_bot_model_config *models = config->models.v;
    for (size_t k = 0; k < config->models.n; k++)
        WK_TRY(wk_bot_verdict_of(models[k].dir, err));
    return WK_OK;
}
