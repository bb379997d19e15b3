/* Retraining: a challenger is trained on the rolling window in a process of its own, compared with
 * the champion on the newest block, which neither has seen, and published only when it is better.
 */
#ifndef WICK_OPS_RETRAIN_H
#define WICK_OPS_RETRAIN_H

#include <stdatomic.h>

#include "wick/config.h"
#include "wick/run.h"

typedef enum { WK_RETRAIN_AUC, WK_RETRAIN_RANK_IC } wk_retrain_metric;

typedef struct {
    const char *run;     /* configuration of the experiment */
    wk_strings set;      /* overrides of it */
    const char *dir;     /* the challenger, the logs and a journal of decisions */
    const char *publish; /* where the champion lies and a better challenger goes */
    double window_days, block_days, margin;
    int metric; /* wk_retrain_metric */
    int64_t rows_min, nice, threads, keep;
    wk_strings fetch;  /* arguments of `wick fetch` before each training; empty: none */
    const char *prune; /* `--keep` of `wick store prune` after it; "": none */
} wk_retrain_config;
extern const wk_cfg_table wk_retrain_config_table;

typedef struct {
    int64_t block_from_ns, block_to_ns;
    double challenger, champion; /* NaN: none, or too few rows */
    size_t n_challenger, n_champion;
    bool published;
    char why[400], version[65];
} wk_retrain_result;

/* One round. `program` is the wick that trains (argv[0] of the child). WK_E_CANCELLED when *stop
 * was set. What was decided is in dir/retrain.jsonl and dir/journal.sqlite as well. */
WK_MUST_CHECK wk_status wk_retrain_once(const wk_retrain_config *config, const char *program,
                                        const wk_store_reader *store, const wk_loop *loop,
                                        const atomic_bool *stop, wk_retrain_result *out,
                                        wk_err *err);

/* Back to the champion before (again: forward), noted likewise. */
WK_MUST_CHECK wk_status wk_retrain_rollback(const wk_retrain_config *config, wk_retrain_result *out,
                                            wk_err *err);

/* When the round after the one that was due at `due` begins, now that it is `now`: on the grid of
 * `every`, at once when its time has passed, and never twice for rounds that were missed. */
int64_t wk_retrain_next_ns(int64_t due_ns, int64_t every_ns, int64_t now_ns);

/* A model's figure on the bars from block_from on: what its score says of the return over `bars`.
 */
WK_MUST_CHECK wk_status wk_retrain_judge(const char *model_dir, const char *const *overrides,
                                         size_t n_overrides, const wk_store_reader *store,
                                         const wk_loop *loop, int64_t block_from_ns, int64_t bars,
                                         int metric, double *value, size_t *n, wk_err *err);

/* Is the challenger to be published? Fills out->published and why from the figures. */
void wk_retrain_decide(const wk_retrain_config *config, bool has_champion, wk_retrain_result *out);

#endif
