/* The keys of an experiment's configuration file. */
#include "wick/run.h"

#include <stddef.h>

#define END                                                                                        \
    {                                                                                              \
        .key = NULL                                                                                \
    }

static const wk_cfg_row synthetic_rows[] = {
    {"seed", WK_CFG_INT, offsetof(wk_synthetic_config, seed), NULL, "1", 0, 1e15, NULL, NULL,
     "seed of the simulated market"},
    {"symbols", WK_CFG_INT, offsetof(wk_synthetic_config, symbols), NULL, "4", 1, 100, NULL, NULL,
     "number of simulated markets"},
    {"bars", WK_CFG_INT, offsetof(wk_synthetic_config, bars), "bars", "20000", 1000, 1e7, NULL,
     NULL, "length of the simulated history"},
    {"edge", WK_CFG_REAL, offsetof(wk_synthetic_config, edge), NULL, "0.12", 0, 1, NULL, NULL,
     "planted edge: correlation of the true conditional mean with the next return; 0 = a random "
     "walk"},
    {"sigma", WK_CFG_REAL, offsetof(wk_synthetic_config, sigma), NULL, "0.008", 1e-5, 0.2, NULL,
     NULL, "typical volatility of one bar, as a fraction"},
    END};
static const wk_cfg_table synthetic_table = {"synthetic", "the simulated market",
                                             sizeof(wk_synthetic_config), synthetic_rows};

static const wk_cfg_row tape_rows[] = {
    {"trades", WK_CFG_STRING, offsetof(wk_tape_config, trades), NULL, "\"\"", 0, 0, NULL, NULL,
     "CSV(.gz) of time, price, size and side, relative to root; {symbol} and {base} stand for the "
     "market's"},
    {"book", WK_CFG_STRING, offsetof(wk_tape_config, book), NULL, "\"\"", 0, 0, NULL, NULL,
     "CSV(.gz) of the book after each update: time, ask_price_1, ask_size_1, bid_price_1, ...; "
     "empty: none"},
    END};
static const wk_cfg_table tape_table = {"tape", "recorded trades and order books",
                                        sizeof(wk_tape_config), tape_rows};

static const wk_cfg_row data_rows[] = {
    {"source", WK_CFG_ENUM, offsetof(wk_data_config, source), NULL, "\"auto\"", 0, 0,
     "auto|files|store|synthetic|tape", NULL,
     "where candles come from; auto: files when root or $WICK_DATA names a directory, else the "
     "simulator; tape: made of recorded trades"},
    {"root", WK_CFG_STRING, offsetof(wk_data_config, root), NULL, "\"\"", 0, 0, NULL, NULL,
     "directory of <venue>/<SYMBOL>-<timeframe>.csv.gz (files) or of the store; empty: $WICK_DATA "
     "or $WICK_HOME/store"},
    {"venue", WK_CFG_STRING, offsetof(wk_data_config, venue), NULL, "\"binance\"", 0, 0, NULL, NULL,
     "venue folder"},
    {"symbols", WK_CFG_STRINGS, offsetof(wk_data_config, symbols), NULL, "[\"BTCUSDT\"]", 0, 0,
     NULL, NULL, "markets, in the order of the panel"},
    {"timeframe", WK_CFG_TIMEFRAME, offsetof(wk_data_config, timeframe_ns), NULL, "\"1h\"", 0, 0,
     NULL, NULL, "length of a bar"},
    {"resample_from", WK_CFG_STRING, offsetof(wk_data_config, resample_from), NULL, "\"\"", 0, 0,
     NULL, NULL, "timeframe of the files when it is a shorter one"},
    {"from", WK_CFG_TIME, offsetof(wk_data_config, from_ns), NULL, "null", 0, 0, NULL, NULL,
     "first bar read"},
    {"to", WK_CFG_TIME, offsetof(wk_data_config, to_ns), NULL, "null", 0, 0, NULL, NULL,
     "no bar at or after this time is read; null: no limit"},
    {"funding", WK_CFG_STRING, offsetof(wk_data_config, funding), NULL, "\"\"", 0, 0, NULL, NULL,
     "directory of <SYMBOL>-funding.csv.gz, relative to root; empty: none"},
    {"funding_mean", WK_CFG_BOOL, offsetof(wk_data_config, funding_mean), NULL, "true", 0, 0, NULL,
     NULL, "charge markets without a series the mean of the others"},
    {"ticks", WK_CFG_REALS, offsetof(wk_data_config, ticks), "quote", "[]", 1e-12, 1e6, NULL, NULL,
     "smallest price step of each market; empty: inferred from the decimals of the prices"},
    {"lots", WK_CFG_REALS, offsetof(wk_data_config, lots), "base", "[]", 1e-12, 1e9, NULL, NULL,
     "smallest size step of each market; empty: inferred from the decimals of the volumes"},
    {"tape", WK_CFG_SECTION, offsetof(wk_data_config, tape), NULL, NULL, 0, 0, NULL, &tape_table,
     "recorded trades and order books, for source tape: bars are made of them, and a row of flow "
     "features each"},
    {"outside", WK_CFG_SECTIONS, offsetof(wk_data_config, outside), NULL, "[]", 0, 0, NULL,
     &wk_outside_config_table,
     "series from outside the candles: open interest, sentiment, anything in rows of time and "
     "value"},
    {"synthetic", WK_CFG_SECTION, offsetof(wk_data_config, synthetic), NULL, NULL, 0, 0, NULL,
     &synthetic_table, "the simulated market"},
    END};
static const wk_cfg_table data_table = {"data", "candles and funding", sizeof(wk_data_config),
                                        data_rows};

static const wk_cfg_row split_rows[] = {
    {"forecast_from", WK_CFG_TIME, offsetof(wk_split_config, forecast_from_ns), NULL, "null", 0, 0,
     NULL, NULL, "first fold's test begin; null: see forecast_from_fraction"},
    {"forecast_from_fraction", WK_CFG_REAL, offsetof(wk_split_config, forecast_from_fraction), NULL,
     "0.5", 0.05, 0.95, NULL, NULL,
     "share of the bars before the first fold when forecast_from is not given"},
    {"judge_from", WK_CFG_TIME, offsetof(wk_split_config, judge_from_ns), NULL, "null", 0, 0, NULL,
     NULL, "trading and figures begin here; null: with the first forecast"},
    {"to", WK_CFG_TIME, offsetof(wk_split_config, to_ns), NULL, "null", 0, 0, NULL, NULL,
     "end of the last fold; null: the end of the data"},
    {"refit_months", WK_CFG_INT, offsetof(wk_split_config, refit_months), "months", "6", 1, 120,
     NULL, NULL, "length of a fold's test block"},
    {"train_window_days", WK_CFG_REAL, offsetof(wk_split_config, train_window_days), "days", "0", 0,
     1e5, NULL, NULL, "0: train on all the past, else on so many days"},
    {"embargo_bars", WK_CFG_INT, offsetof(wk_split_config, embargo_bars), "bars", "24", 0, 1e6,
     NULL, NULL, "bars between a label's end and the next block"},
    {"row_stride", WK_CFG_INT, offsetof(wk_split_config, row_stride), "bars", "1", 1, 1000, NULL,
     NULL, "train on every n-th bar, staggered by market"},
    {"branch_generations", WK_CFG_INT, offsetof(wk_split_config, branch_generations), NULL, "2", 0,
     100, NULL, NULL,
     "refits before the first fold that give it out-of-fold branch outputs, and from the second on "
     "a record "
     "for meta.networks_must_earn"},
    {"early_stop_fraction", WK_CFG_REAL, offsetof(wk_split_config, early_stop_fraction), NULL,
     "0.08", 0, 0.4, NULL, NULL, "share of a fold's past used to choose the number of epochs"},
    {"calibration_fraction", WK_CFG_REAL, offsetof(wk_split_config, calibration_fraction), NULL,
     "0.06", 0, 0.4, NULL, NULL,
     "share of a fold's past used for temperature calibration; 0: none"},
    {"policy_fraction", WK_CFG_REAL, offsetof(wk_split_config, policy_fraction), NULL, "0.06", 0,
     0.4, NULL, NULL, "share of a fold's past used to choose the policy's threshold; 0: none"},
    {"precision_floor", WK_CFG_REAL, offsetof(wk_split_config, precision_floor), NULL, "0.4", 0, 1,
     NULL, NULL, "least share of winning trades for a threshold to be chosen"},
    END};
static const wk_cfg_table split_table = {"split",
                                         "walk-forward folds in time order, purged and embargoed",
                                         sizeof(wk_split_config), split_rows};

static const wk_cfg_row labels_rows[] = {
    {"direction", WK_CFG_SECTION, offsetof(wk_labels_config, direction), NULL, NULL, 0, 0, NULL,
     &wk_label_config_table, "where the price counts as down, flat or up: SELL, HOLD, BUY"},
    {"magnitude_bars", WK_CFG_INT, offsetof(wk_labels_config, magnitude_bars), "bars", "3", 1,
     10000, NULL, NULL, "horizon of the forward return"},
    {"volatility_bars", WK_CFG_INT, offsetof(wk_labels_config, volatility_bars), "bars", "24", 2,
     10000, NULL, NULL, "horizon of the realised volatility"},
    {"judge_bars", WK_CFG_INT, offsetof(wk_labels_config, judge_bars), "bars", "3", 1, 10000, NULL,
     NULL, "horizon at which the AUC of the score is judged"},
    END};
static const wk_cfg_table labels_table = {"labels", "what is learnt beside the score's targets",
                                          sizeof(wk_labels_config), labels_rows};

static const wk_cfg_row branch_rows[] = {
    {"name", WK_CFG_STRING, offsetof(wk_branch_config, name), NULL, NULL, 0, 0, NULL, NULL,
     "of the branch, in reports and file names"},
    {"layers", WK_CFG_SECTIONS, offsetof(wk_branch_config, layers), NULL, "[]", 0, 0, NULL,
     &wk_nn_layer_config_table, "the network, first layer first"},
    {"families", WK_CFG_STRINGS, offsetof(wk_branch_config, families), NULL,
     "[\"momentum\", \"lead\", \"volatility\"]", 0, 0, NULL, NULL, "feature families it sees"},
    {"train", WK_CFG_SECTION, offsetof(wk_branch_config, train), NULL, NULL, 0, 0, NULL,
     &wk_nn_train_config_table, "how it is trained"},
    END};
static const wk_cfg_table branch_table = {"branch", "a causal stream network",
                                          sizeof(wk_branch_config), branch_rows};

static const wk_cfg_row meta_rows[] = {
    {"kind", WK_CFG_ENUM, offsetof(wk_meta_config, kind), NULL, "\"gbdt\"", 0, 0, "gbdt|mlp", NULL,
     "the learner over features and branch outputs"},
    {"score", WK_CFG_ENUM, offsetof(wk_meta_config, score), NULL, "\"direction\"", 0, 0,
     "targets|direction", NULL, "mean of scaled target forecasts, or p(buy) - p(sell)"},
    {"model", WK_CFG_STRING, offsetof(wk_meta_config, model), NULL, "\"\"", 0, 0, NULL, NULL,
     "XGBoost JSON file of trees over the columns of `wick features`, used in every fold instead "
     "of training; "
     "needs branches: []; forecasts are out of sample only after its training data, so set "
     "split.forecast_from to their end"},
    {"targets", WK_CFG_SECTIONS, offsetof(wk_meta_config, targets), NULL, "[]", 0, 0, NULL,
     &wk_label_config_table, "labels of the score's regressions"},
    {"scale_days", WK_CFG_REAL, offsetof(wk_meta_config, scale_days), "days", "180", 0.001, 10000,
     NULL, NULL, "window of the trailing root mean square that scales each target's forecast"},
    {"scale_min_days", WK_CFG_REAL, offsetof(wk_meta_config, scale_min_days), "days", "30", 0,
     10000, NULL, NULL, "no score before so much history"},
    {"params", WK_CFG_SECTION, offsetof(wk_meta_config, params), NULL, NULL, 0, 0, NULL,
     &wk_gbdt_params_table, "of the trees; the objective follows from the target"},
    {"seeds", WK_CFG_INT, offsetof(wk_meta_config, seeds), NULL, "2", 1, 20, NULL, NULL,
     "forests averaged, one a seed; every second one sees the features without the branches"},
    {"networks_must_earn", WK_CFG_BOOL, offsetof(wk_meta_config, networks_must_earn), NULL, "true",
     0, 0, NULL, NULL,
     "a fold uses the branches only when, on the blocks before it, forecasts with them lost less "
     "than the "
     "trees' alone by more than one standard error; else it is the trees alone (kind gbdt)"},
    {"heads_stride", WK_CFG_INT, offsetof(wk_meta_config, heads_stride), NULL, "4", 1, 1000, NULL,
     NULL,
     "the heads (magnitude, volatility, and direction beside a score of targets) train on every "
     "n-th of the "
     "training rows"},
    {"mlp_layers", WK_CFG_SECTIONS, offsetof(wk_meta_config, mlp_layers), NULL, "[]", 0, 0, NULL,
     &wk_nn_layer_config_table, "the network when kind is mlp"},
    {"mlp_train", WK_CFG_SECTION, offsetof(wk_meta_config, mlp_train), NULL, NULL, 0, 0, NULL,
     &wk_nn_train_config_table, "its training"},
    END};
static const wk_cfg_table meta_table = {"meta", "the meta-learner", sizeof(wk_meta_config),
                                        meta_rows};

static const wk_cfg_row run_rows[] = {
    {"name", WK_CFG_STRING, offsetof(wk_run_config, name), NULL, NULL, 0, 0, NULL, NULL,
     "of the experiment, the report's title"},
    {"seed", WK_CFG_INT, offsetof(wk_run_config, seed), NULL, "1", 0, 1e15, NULL, NULL,
     "of everything random in the run"},
    {"data", WK_CFG_SECTION, offsetof(wk_run_config, data), NULL, NULL, 0, 0, NULL, &data_table,
     "candles and funding"},
    {"features", WK_CFG_SECTION, offsetof(wk_run_config, features), NULL, NULL, 0, 0, NULL,
     &wk_features_config_table, "columns"},
    {"labels", WK_CFG_SECTION, offsetof(wk_run_config, labels), NULL, NULL, 0, 0, NULL,
     &labels_table, "what is learnt"},
    {"split", WK_CFG_SECTION, offsetof(wk_run_config, split), NULL, NULL, 0, 0, NULL, &split_table,
     "walk-forward folds"},
    {"branches", WK_CFG_SECTIONS, offsetof(wk_run_config, branches), NULL, "[]", 0, 0, NULL,
     &branch_table, "networks whose out-of-fold outputs the meta-learner sees"},
    {"meta", WK_CFG_SECTION, offsetof(wk_run_config, meta), NULL, NULL, 0, 0, NULL, &meta_table,
     "the meta-learner"},
    {"ablations", WK_CFG_BOOL, offsetof(wk_run_config, ablations), NULL, "true", 0, 0, NULL, NULL,
     "judge each branch alone and the hybrid without each branch too"},
    {"trade", WK_CFG_SECTION, offsetof(wk_run_config, trade), NULL, NULL, 0, 0, NULL,
     &wk_trade_config_table, "the trader's rules"},
    {"sim", WK_CFG_SECTION, offsetof(wk_run_config, sim), NULL, NULL, 0, 0, NULL,
     &wk_sim_config_table, "the simulated venue and its costs"},
    END};
const wk_cfg_table wk_run_config_table = {"run",
                                          "an experiment: data, features, labels, models, trading",
                                          sizeof(wk_run_config), run_rows};
