/* What wick paper and wick live share: a bot from its configuration to its end. */
#ifndef WICK_CLI_BOT_COMMAND_H
#define WICK_CLI_BOT_COMMAND_H

#include "cli_internal.h"

/* Runs the command; `is_live`: real money, with the options that go with it. */
int wk__bot_command(const wk_cli *cli, bool is_live, wk_err *err);

#define WK__BOT_COMMAND_OPTIONS                                                                    \
    {"candles", NULL,                                                                              \
     "trade the recorded candles of the first model's configuration, as fast as it goes"},         \
        {"replay", "RECORDING", "trade a recording that wick record kept (keep_raw)"},             \
        {"speed", "N|max", "of a replay: 1 as it was, 60 a minute a second; default max"},         \
        {"events", "DIR",                                                                          \
         "instead of a venue, what the venue said in that bot's journal: the same bars\n"          \
         "then lead to the same intents; nothing is sent or journalled"},                          \
    {                                                                                              \
        "since", "TIME",                                                                           \
            "bars that closed by then are history; default: a bot goes on after its\n"             \
            "journal's last step"                                                                  \
    }

#endif
