#include "gbdt_progress.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "wick/log.h"

wk_status gbdt_progress_start(const wk_cli *cli, const char *topic, const wk_gbdt_params *params,
                              gbdt_progress *out, wk_err *err)
{
    const char *wanted = wk_cli_option_value(cli, "verbose-eval");
    char *end = NULL;
    unsigned long every = wanted ? strtoul(wanted, &end, 10) : (unsigned long)isatty(STDERR_FILENO);
    if (wanted && (end == wanted || *end || *wanted == '-'))
        return wk_fail(err, WK_E_ARG, "--verbose-eval %s: write a number of rounds, 0 for none",
                       wanted);
    *out = (gbdt_progress){.topic = topic,
                           .metric = wk_gbdt_metric_name(params),
                           .every = every,
                           .rounds = (size_t)params->rounds};
    return WK_OK;
}

static bool is_due(const gbdt_progress *p, size_t round)
{
    return p->every > 0 && ((round + 1) % p->every == 0 || round == 0 || round + 1 == p->rounds);
}

void gbdt_progress_round(void *context, size_t round, double train, double valid)
{
    const gbdt_progress *p = context;
    if (!is_due(p, round))
        return;
    if (isnan(valid))
        wk_log_write(WK_LOG_INFO, p->topic, "round=%zu train_%s=%.6g", round + 1, p->metric, train);
    else
        wk_log_write(WK_LOG_INFO, p->topic, "round=%zu train_%s=%.6g valid_%s=%.6g", round + 1,
                     p->metric, train, p->metric, valid);
}

void gbdt_progress_cv(void *context, const wk_gbdt_cv *so_far, size_t round)
{
    const gbdt_progress *p = context;
    if (is_due(p, round))
        wk_log_write(WK_LOG_INFO, p->topic,
                     "round=%zu train_%s=%.6g train_std=%.3g test_%s=%.6g test_std=%.3g", round + 1,
                     p->metric, so_far->train_mean[round], so_far->train_std[round], p->metric,
                     so_far->test_mean[round], so_far->test_std[round]);
}
