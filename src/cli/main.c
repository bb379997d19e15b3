/* wick: the command table. A new command is one line here and its cmd_<name>.c in meson.build. */
#include "cli_internal.h"

/* Sorted by name; gbdt_train stands for wk_cmd_gbdt_train, "gbdt train". */
#define COMMANDS(X)              \
    X(backtest)                  \
    X(bench_backtest_bars)       \
    X(bench_features_indicators) \
    X(bench_features_row)        \
    X(config)                    \
    X(doctor)                    \
    X(export)                    \
    X(features)                  \
    X(gbdt_predict)              \
    X(gbdt_train)                \
    X(import)                    \
    X(predict)                   \
    X(prove)                     \
    X(report)                    \
    X(run)                       \
    X(store_check)               \
    X(store_export)              \
    X(store_list)                \
    X(train)

#define DECLARE(name) extern const wk_cli_command wk_cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &wk_cmd_##name,
static const wk_cli_command *const commands[] = {COMMANDS(ENTRY) NULL};

int main(int argc, char **argv)
{
    static const wk_cli_program program = {
        "wick", "machine-learning trading engine: data, features, models, backtest, report", commands};
    return wk_cli_main(&program, argc, argv);
}
