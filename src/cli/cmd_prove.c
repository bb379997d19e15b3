/* wick prove: the verdict against markets whose truth is known. */
#include <stdio.h>
#include <stdlib.h>

#include "wick/cli.h"
#include "wick/log.h"
#include "wick/prove.h"

static void print_proof(const wk_cli *cli, const char *market, const wk_proof *p)
{
    if (wk_cli_json(cli))
        printf("{\"market\": \"%s\", \"seed\": %llu, \"useful\": %s, \"covered\": %s, \"trades\": "
               "%zu, "
               "\"net_bp\": %.3f, \"lo_bp\": %.3f, \"hi_bp\": %.3f, \"truth_bp\": %.3f}\n",
               market, (unsigned long long)p->seed, p->useful ? "true" : "false",
               p->covered ? "true" : "false", p->n_trades, p->expectancy * 1e4, p->lo * 1e4,
               p->hi * 1e4, p->truth * 1e4);
    else
        printf("%-12s seed %3llu  %-10s  %5zu trades  net %7.2f bp [%7.2f, %7.2f]  truth %7.2f%s\n",
               market, (unsigned long long)p->seed, p->useful ? "USEFUL" : "NOT USEFUL",
               p->n_trades, p->expectancy * 1e4, p->lo * 1e4, p->hi * 1e4, p->truth * 1e4,
               p->covered ? "" : "  outside");
    fflush(stdout);
}

static int cmd_prove(const wk_cli *cli, wk_err *err)
{
    const char *seeds_text = wk_cli_option_value(cli, "seeds");
    long n_seeds = seeds_text ? strtol(seeds_text, NULL, 10) : 20;
    if (n_seeds < 1 || n_seeds > 100000)
        return wk_fail(err, WK_E_ARG, "--seeds %s: give a number from 1 to 100000", seeds_text);
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    wk_run_config config;
    wk_arena arena;
    wk_arena_init(&arena);
    wk_status status = wk_config_load(&wk_run_config_table, wk_cli_arg(cli, 0), overrides, n,
                                      &arena, &config, err);
    long useful = 0, covered = 0, fooled = 0;
    wk_log_set_level(WK_LOG_WARN);
    for (long i = 1; status == WK_OK && i <= n_seeds; i++) {
        wk_proof p;
        wk_progress("proofs", (uint64_t)i - 1, (uint64_t)n_seeds);
        status = wk_prove_seed(&config, (uint64_t)i, config.data.synthetic.edge,
                               wk_cli_threads(cli), &p, err);
        if (status != WK_OK)
            break;
        print_proof(cli, "planted edge", &p);
        useful += p.useful;
        covered += p.covered;
        status = wk_prove_seed(&config, (uint64_t)i, 0, wk_cli_threads(cli), &p, err);
        if (status != WK_OK)
            break;
        print_proof(cli, "random walk", &p);
        fooled += p.useful;
    }
    wk_arena_finish(&arena);
    if (status != WK_OK)
        return status;
    if (!wk_cli_json(cli))
        printf("planted edge: USEFUL in %ld of %ld, the interval holds the truth in %ld; random "
               "walk: NOT "
               "USEFUL in %ld of %ld\n",
               useful, n_seeds, covered, n_seeds - fooled, n_seeds);
    if (useful * 10 >= n_seeds * 9 && covered * 10 >= n_seeds * 9 &&
        (n_seeds - fooled) * 20 >= n_seeds * 19)
        return WK_OK;
    return wk_fail(
        err, WK_E_DATA,
        "not proven: 90 %% of planted edges found and covered and 95 %% of random walks refused "
        "is the bar");
}

static const wk_cli_option options[] = {
    {"seeds", "N", "simulated markets of each kind; default 20"}, {.name = NULL}};

const wk_cli_command wk_cmd_prove = {
    .name = "prove",
    .usage = "CONFIG [--seeds N]",
    .summary =
        "runs an experiment on simulated markets with and without an edge and counts the verdicts",
    .details = "Each seed is one market with the planted edge of data.synthetic and one random "
               "walk, from\n"
               "candles to verdict. Succeeds when at least 90 % of the edges are USEFUL and "
               "covered by their\n"
               "interval, and at least 95 % of the random walks are NOT USEFUL.",
    .example = "wick prove configs/prove.json --seeds 2",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_prove};
