/* wick: the command table. A new command is one line here and its cmd_<name>.c in meson.build. */
#include "cli_internal.h"

/* Sorted by name; gbdt_train stands for wk_cmd_gbdt_train, "gbdt train". */
#define COMMANDS(X)                                                                                \
    X(backtest)                                                                                    \
    X(bench_backtest_bars)                                                                         \
    X(bench_book_kraken)                                                                           \
    X(bench_box_footprint)                                                                         \
    X(bench_features_indicators)                                                                   \
    X(bench_features_row)                                                                          \
    X(bench_gbdt_batch)                                                                            \
    X(bench_gbdt_row)                                                                              \
    X(bench_gbdt_train)                                                                            \
    X(bench_kernels)                                                                               \
    X(bench_nn_onnx)                                                                               \
    X(bench_nn_stream)                                                                             \
    X(bench_nn_train)                                                                              \
    X(bench_nn_train_stream)                                                                       \
    X(bench_nn_window)                                                                             \
    X(bench_serve_predict)                                                                         \
    X(bench_signal_path)                                                                           \
    X(bench_store_fresh)                                                                           \
    X(bench_store_import)                                                                          \
    X(bench_store_read)                                                                            \
    X(config)                                                                                      \
    X(ctl)                                                                                         \
    X(data_report)                                                                                 \
    X(doctor)                                                                                      \
    X(explain)                                                                                     \
    X(export)                                                                                      \
    X(features)                                                                                    \
    X(fetch)                                                                                       \
    X(gbdt_cv)                                                                                     \
    X(gbdt_importance)                                                                             \
    X(gbdt_predict)                                                                                \
    X(gbdt_shap)                                                                                   \
    X(gbdt_train)                                                                                  \
    X(import)                                                                                      \
    X(journal_export)                                                                              \
    X(journal_show)                                                                                \
    X(live)                                                                                        \
    X(nn_describe)                                                                                 \
    X(nn_predict)                                                                                  \
    X(nn_reproduce)                                                                                \
    X(nn_train)                                                                                    \
    X(outside_fetch)                                                                               \
    X(paper)                                                                                       \
    X(predict)                                                                                     \
    X(prove)                                                                                       \
    X(publish)                                                                                     \
    X(record)                                                                                      \
    X(replay)                                                                                      \
    X(report)                                                                                      \
    X(retrain)                                                                                     \
    X(run)                                                                                         \
    X(serve)                                                                                       \
    X(store_check)                                                                                 \
    X(store_export)                                                                                \
    X(store_flush)                                                                                 \
    X(store_gaps)                                                                                  \
    X(store_list)                                                                                  \
    X(store_prune)                                                                                 \
    X(train)

#define DECLARE(name) extern const wk_cli_command wk_cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &wk_cmd_##name,
static const wk_cli_command *const commands[] = {COMMANDS(ENTRY) NULL};

int main(int argc, char **argv)
{
    static const wk_cli_program program = {
        "wick", "machine-learning trading engine: data, features, models, backtest, report",
        commands};
    return wk_cli_main(&program, argc, argv);
}
