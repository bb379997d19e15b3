/* The metric of each round, while trees are trained. */
#ifndef WICK_CLI_GBDT_PROGRESS_H
#define WICK_CLI_GBDT_PROGRESS_H

#include "wick/cli.h"
#include "wick/gbdt_cv.h"

typedef struct {
    const char *topic, *metric;
    size_t every; /* 0: silent */
    size_t rounds;
} gbdt_progress;

/* Every --verbose-eval rounds; without it every round where stderr is a terminal, else none. */
WK_MUST_CHECK wk_status gbdt_progress_start(const wk_cli *cli, const char *topic,
                                            const wk_gbdt_params *params, gbdt_progress *out,
                                            wk_err *err);
/* wk_gbdt_custom's round; context is a gbdt_progress. */
void gbdt_progress_round(void *context, size_t round, double train, double valid);
/* A wk_gbdt_cv_progress. */
void gbdt_progress_cv(void *context, const wk_gbdt_cv *so_far, size_t round);

#define GBDT_PROGRESS_OPTION                                                                       \
    {                                                                                              \
        "verbose-eval", "N",                                                                       \
            "log the metric every N rounds, 0: never (default: 1 on a terminal, else 0)"           \
    }

#endif
