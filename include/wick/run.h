/* An experiment: its configuration, and the stages that turn candles into a report.
 *
 * A run directory holds what the stages leave for each other and for the reader: config.json
 * (resolved), model/ (the newest fold's bundle), forecasts.h5, metrics.json, trades.csv,
 * report.json, report.html. `wick run` is the stages one after the other over these files, so
 * running them one by one gives the same bytes. */
#ifndef WICK_RUN_H
#define WICK_RUN_H

#include "wick/backtest.h"
#include "wick/bars.h"
#include "wick/config.h"
#include "wick/features.h"
#include "wick/gbdt.h"
#include "wick/labels.h"
#include "wick/loop.h"
#include "wick/nn.h"
#include "wick/outside.h"
#include "wick/trade.h"

typedef enum {
    WK_SOURCE_AUTO,
    WK_SOURCE_FILES,
    WK_SOURCE_STORE,
    WK_SOURCE_SYNTHETIC,
    WK_SOURCE_TAPE /* recorded trades and books, with flow features */
} wk_data_source;

typedef struct {
    const char *trades, *book; /* files relative to the root; {symbol} and {base} as in
                                  wick/outside.h; book "" = none */
} wk_tape_config;

typedef struct {
    int64_t seed, symbols, bars;
    double edge, sigma;
} wk_synthetic_config;

typedef struct {
    int source;       /* wk_data_source; auto: files when a directory is named, else synthetic */
    const char *root; /* "" = $WICK_DATA */
    const char *venue;
    wk_strings symbols;
    int64_t timeframe_ns;
    const char *resample_from; /* "" or the timeframe of the files */
    int64_t from_ns, to_ns;    /* 0: everything */
    const char *funding;  /* directory of <SYMBOL>-funding.csv.gz, relative to root; "" = none */
    bool funding_mean;    /* markets without a series are charged the mean of the others */
    wk_reals ticks, lots; /* one a market; empty: inferred from the decimals */
    wk_tape_config tape;
    wk_sections outside; /* wk_outside_config */
    wk_synthetic_config synthetic;
} wk_data_config;

/* Names of the outside columns that a panel of this section has: "flow.<name>" of a tape, then
 * "outside.<name>". */
wk_strings wk_data_outside_names(const wk_data_config *data, wk_arena *arena);

typedef struct {
    int64_t forecast_from_ns;      /* first fold's test begin: forecasts exist from here */
    int64_t judge_from_ns;         /* trading and figures begin here; 0: with the first forecast */
    int64_t to_ns;                 /* 0: the end of the data */
    double forecast_from_fraction; /* instead of forecast_from when that is not given */
    int64_t refit_months;
    double train_window_days; /* 0: expanding */
    int64_t embargo_bars, row_stride;
    int64_t branch_generations; /* extra refits before the first fold that give it out-of-fold
                                   branch outputs */
    double early_stop_fraction, calibration_fraction,
        policy_fraction;    /* of the rows before a fold */
    double precision_floor; /* for the policy's threshold */
} wk_split_config;

typedef struct {
    wk_label_config direction; /* three classes */
    int64_t magnitude_bars, volatility_bars;
    int64_t judge_bars; /* horizon of the AUC */
} wk_labels_config;

typedef struct {
    const char *name;
    wk_sections layers;  /* wk_nn_layer_config */
    wk_strings families; /* of features it sees; empty: momentum, lead, volatility */
    wk_nn_train_config train;
} wk_branch_config;

typedef enum { WK_SCORE_TARGETS, WK_SCORE_DIRECTION } wk_score_kind;

typedef struct {
    int kind;                          /* 0 gbdt, 1 mlp */
    int score;                         /* wk_score_kind */
    const char *model;                 /* XGBoost JSON used instead of training; "" = train */
    wk_sections targets;               /* wk_label_config, for score = targets */
    double scale_days, scale_min_days; /* trailing window of the score's root mean square */
    wk_gbdt_params params;
    int64_t seeds;
    bool networks_must_earn; /* a fold uses branches only on the record of earlier blocks */
    int64_t heads_stride;    /* row stride of the magnitude and volatility heads */
    wk_sections mlp_layers;  /* wk_nn_layer_config, for kind = mlp */
    wk_nn_train_config mlp_train;
} wk_meta_config;

typedef struct {
    const char *name;
    int64_t seed;
    wk_data_config data;
    wk_features_config features;
    wk_labels_config labels;
    wk_split_config split;
    wk_sections branches; /* wk_branch_config */
    wk_meta_config meta;
    bool ablations; /* also judge each branch alone and the hybrid without each branch */
    wk_trade_config trade;
    wk_sim_config sim;
} wk_run_config;
extern const wk_cfg_table wk_run_config_table;

/* Everything a stage computes from: the panel, features and labels of an experiment. */
typedef struct {
    wk_panel panel;
    wk_feature_table table;
    const char **feature_names, **feature_families; /* [F], in the arena */
    char feature_hash[65], data_hash[65];
    bool synthetic;
    wk_trade_instrument *instruments; /* [S], in the arena; NULL before wk_dataset_instruments */
    wk_arena arena;
} wk_dataset;

/* Where data of source "store" comes from. Both give their results to the caller. */
typedef struct {
    /* One market's candles as `data` says. */
    wk_status (*candles)(const wk_data_config *data, const char *symbol, int64_t timeframe_ns,
                         wk_series *out, wk_err *err);
    /* A market's outside series; n = 0 when the store has none. */
    wk_status (*values)(const wk_data_config *data, const wk_outside_config *series,
                        const char *symbol, wk_outside *out, wk_err *err);
} wk_store_reader;

/* The HDF5 store; in wick_evaluate, so that whoever does not name it does not link HDF5. */
extern const wk_store_reader wk_dataset_store;

/* Loads the panel and computes its features. `store` serves data.source "store"; with NULL that
 * source is refused. On success wk_dataset_finish frees; on failure *out is untouched. */
WK_MUST_CHECK wk_status wk_dataset_load(const wk_run_config *config, const wk_store_reader *store,
                                        wk_dataset *out, wk_err *err);

/* The same in two steps, between which the panel may lose its first steps: the panel with
 * data_hash, and the features of what the panel then holds. A failure of the second leaves the
 * dataset without features; it is still finished by the caller. */
WK_MUST_CHECK wk_status wk_dataset_load_panel(const wk_run_config *config,
                                              const wk_store_reader *store, wk_dataset *out,
                                              wk_err *err);
WK_MUST_CHECK wk_status wk_dataset_compute(const wk_run_config *config, wk_dataset *dataset,
                                           wk_err *err);
void wk_dataset_finish(wk_dataset *dataset);

/* Ticks and lots of the dataset's markets: data.ticks and data.lots, else inferred from the
 * decimals of all its bars (they are rules of the venue, not news); logs them. */
WK_MUST_CHECK wk_status wk_dataset_instruments(const wk_run_config *config, wk_dataset *dataset,
                                               wk_err *err);

/* The stages. `dir` is the run directory, made if absent. */
WK_MUST_CHECK wk_status wk_stage_train(const wk_run_config *config, const char *dir, int threads,
                                       wk_err *err);
WK_MUST_CHECK wk_status wk_stage_backtest(const wk_run_config *config, const char *model_dir,
                                          const char *dir, wk_err *err);
WK_MUST_CHECK wk_status wk_stage_report(const char *dir, wk_err *err);

/* ---- one finished model over all candles, as a bot would have traded them ---- */

typedef struct {
    uint64_t inputs_digest,
        intents_digest; /* see wick/engine.h: equal to a bot's over the same bars */
    size_t steps, trades;
    double net, equity; /* quote; equity at the last close */
} wk_model_backtest;

/* Forecasts and trades every step of the configuration's candles, fits nothing. trades_path (may be
 * NULL) gets the table of trades. The bars that the model was trained on are among them: this is no
 * judgement of its worth. */
WK_MUST_CHECK wk_status wk_model_backtest_run(const wk_run_config *config, const char *model_dir,
                                              const wk_loop *loop, const char *trades_path,
                                              wk_model_backtest *out, wk_err *err);

#endif
