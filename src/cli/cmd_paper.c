/* wick paper: a bot with simulated fills, on live data, a recording, or recorded candles. */
#include "bot_command.h"

static int cmd_paper(const wk_cli *cli, wk_err *err)
{
    return wk__bot_command(cli, false, err);
}

static const wk_cli_option options[] = {
    WK__BOT_COMMAND_OPTIONS,
    {"no-journal", NULL, "keep no journal; orders then wait for no disk"},
    {.name = NULL}};

const wk_cli_command wk_cmd_paper = {
    .name = "paper",
    .usage = "CONFIG [--candles | --replay RECORDING [--speed N]] [--since TIME]",
    .summary = "trades on paper: live data or a replay, simulated fills, a fake balance",
    .details =
        "Bars close, features step, the models forecast, the trader decides, a simulated venue "
        "fills,\n"
        "and everything is journalled. In the bot's directory (`dir`, or $WICK_HOME/bots/NAME):\n"
        "journal.sqlite and paper_trades.csv. A start goes on where the journal ends. At the end "
        "the\n"
        "digests of all inputs and of all order intents are printed: wick backtest --model prints "
        "the\n"
        "same over the same bars. With venue: delta-india or delta-global and testnet: true the "
        "orders\n"
        "go to Delta's testnet instead, and the table of trades is trades.csv, as that of wick "
        "live.",
    .example = "wick paper configs/paper.json --candles",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_paper};
