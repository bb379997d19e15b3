/* wick live: a bot that trades at a venue. */
#include "bot_command.h"

static int cmd_live(const wk_cli *cli, wk_err *err)
{
    return wk__bot_command(cli, true, err);
}

static const wk_cli_option options[] = {
    {"real-money", "ACCOUNT",
     "needed unless testnet: true: the account's name (account.name, or the venue's)"},
    {"i-accept-not-useful", NULL,
     "trade though a model was not judged USEFUL; the journal keeps that"},
    {"validate", NULL, "Kraken: orders are checked by the venue and never placed"},
    WK__BOT_COMMAND_OPTIONS,
    {.name = NULL}};

const wk_cli_command wk_cmd_live = {
    .name = "live",
    .usage = "CONFIG [--real-money ACCOUNT] [--i-accept-not-useful] [--validate]\n"
             "       [--candles | --replay RECORDING [--speed N]] [--since TIME]",
    .summary = "trades at Delta Exchange or Kraken, with real money or on a testnet",
    .details =
        "The bot of wick paper with a real venue: every entry is in the journal before it is "
        "sent,\n"
        "stops rest at the venue, and a start always recovers: it reads the journal, asks the "
        "venue,\n"
        "and goes on. Keys come from the environment or from account.env_file (mode 600). In the\n"
        "bot's directory: journal.sqlite, trades.csv, and `overrides`, a file of wishes (see "
        "wick\n"
        "ctl). It refuses to start without a USEFUL verdict in the models' directories, with a\n"
        "clock that the venue would not accept, with unknown markets or lots below the venue's "
        "least.\n"
        "\n"
        "What other hands hold at the venue is left alone: no entry is made beside it. What they\n"
        "close of the bot's own is booked as closed.\n"
        "\n"
        "With --candles or --replay it rehearses: the orders go to the configured venue in "
        "virtual\n"
        "time, stamped with each bar's close; every host must be one of this machine.",
    .example = "wick live configs/live.json",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_live};
