/* Keys of a bot's configuration file. */
#include "wick/bot.h"

#include <stddef.h>

#define END                                                                                        \
    {                                                                                              \
        .key = NULL                                                                                \
    }

#define ENSEMBLE(field) offsetof(wk_bot_model_config, ensemble.field)
static const wk_cfg_row model_rows[] = {
    {"dir", WK_CFG_STRING, offsetof(wk_bot_model_config, dir), NULL, NULL, 0, 0, NULL, NULL,
     "directory of a trained model, such as out/demo/model, or where wick publish and wick retrain "
     "put one"},
    {"weight", WK_CFG_REAL, offsetof(wk_bot_model_config, weight), NULL, "1", 0, 1e6, NULL, NULL,
     "its weight among the models that speak of the same market"},
    {"priority", WK_CFG_INT, offsetof(wk_bot_model_config, priority), NULL, "0", -1e6, 1e6, NULL,
     NULL, "for combine priority: smaller speaks first"},
    {"generations", WK_CFG_INT, ENSEMBLE(generations), NULL, "1", 1, WK_ENGINE_GENERATIONS_MAX,
     NULL, NULL, "how many generations of it speak together as it is renewed; 1: the newest alone"},
    {"half_life_days", WK_CFG_REAL, ENSEMBLE(half_life_days), "days", "30", 0.01, 1e5, NULL, NULL,
     "a generation's weight halves every so often after its training ended"},
    {"loss_half_life_days", WK_CFG_REAL, ENSEMBLE(loss_half_life_days), "days", "14", 0.01, 1e5,
     NULL, NULL, "so fast what it lost live is forgotten"},
    {"learning_rate", WK_CFG_REAL, ENSEMBLE(learning_rate), NULL, "1", 0, 100, NULL, NULL,
     "how far live losses move the weights: by exp(rate * log-loss less than the mixture's)"},
    {"share", WK_CFG_REAL, ENSEMBLE(share), NULL, "0.05", 0, 1, NULL, NULL,
     "of the weights that goes by age alone, so that one that lost may come back"},
    END};
static const wk_cfg_table model_table = {"models", "a model that speaks",
                                         sizeof(wk_bot_model_config), model_rows};

static const wk_cfg_row market_rows[] = {
    {"symbol", WK_CFG_STRING, offsetof(wk_bot_market_config, symbol), NULL, NULL, 0, 0, NULL, NULL,
     "as the models call it"},
    {"feed", WK_CFG_STRING, offsetof(wk_bot_market_config, feed), NULL, "\"\"", 0, 0, NULL, NULL,
     "where its bars come from: VENUE:SYMBOL of the feed; empty: its own name at the only venue"},
    {"trade", WK_CFG_STRING, offsetof(wk_bot_market_config, trade), NULL, "\"\"", 0, 0, NULL, NULL,
     "as the venue that trades it calls it; empty: symbol"},
    {"tick", WK_CFG_REAL, offsetof(wk_bot_market_config, tick), "quote", "null", 1e-12, 1e6, NULL,
     NULL, "smallest price step; null: what the venue says, else the decimals of its history"},
    {"lot", WK_CFG_REAL, offsetof(wk_bot_market_config, lot), "base", "null", 1e-12, 1e9, NULL,
     NULL, "smallest size step; null: likewise"},
    {"lot_min", WK_CFG_REAL, offsetof(wk_bot_market_config, lot_min), "base", "null", 0, 1e9, NULL,
     NULL, "smallest order; null: one lot"},
    END};
static const wk_cfg_table market_table = {"markets", "a market of the bot",
                                          sizeof(wk_bot_market_config), market_rows};

#define ACCOUNT(field) offsetof(wk_bot_account_config, field)
static const wk_cfg_row account_rows[] = {
    {"name", WK_CFG_STRING, ACCOUNT(name), NULL, "\"\"", 0, 0, NULL, NULL,
     "of the account, as --real-money must say it; empty: the venue's name"},
    {"rest", WK_CFG_STRING, ACCOUNT(rest), NULL, "\"\"", 0, 0, NULL, NULL,
     "REST host, https://...; empty: the venue's, or its testnet's"},
    {"stream", WK_CFG_STRING, ACCOUNT(stream), NULL, "\"\"", 0, 0, NULL, NULL,
     "host of the private stream, wss://...; empty: the venue's"},
    {"ca_file", WK_CFG_STRING, ACCOUNT(ca_file), NULL, "\"\"", 0, 0, NULL, NULL,
     "PEM bundle of trusted authorities; empty: the system's"},
    {"key_prefix", WK_CFG_STRING, ACCOUNT(key_prefix), NULL, "\"\"", 0, 0, NULL, NULL,
     "the keys are the variables PREFIX_KEY and PREFIX_SECRET; empty: WICK_DELTA_INDIA, "
     "WICK_DELTA_GLOBAL (with _TESTNET), WICK_KRAKEN"},
    {"env_file", WK_CFG_STRING, ACCOUNT(env_file), NULL, "\"\"", 0, 0, NULL, NULL,
     "a file of mode 600 with those variables, where the environment lacks them"},
    {"timeout_s", WK_CFG_REAL, ACCOUNT(timeout_s), "s", "10", 0.1, 300, NULL, NULL,
     "a request without an answer for so long is in doubt, and is asked about"},
    {"poll_s", WK_CFG_REAL, ACCOUNT(poll_s), "s", "2", 0.01, 3600, NULL, NULL,
     "working orders and fills are asked about so often, besides what the stream says"},
    {"leverage", WK_CFG_REAL, ACCOUNT(leverage), NULL, "0", 0, 200, NULL, NULL,
     "set before a market's first entry, unless the order brings one (trade.liquidation_factor); "
     "whole numbers, rounded down; 0: as it stands at the venue"},
    {"margin", WK_CFG_INT, ACCOUNT(margin), NULL, "0", 0, 10, NULL, NULL,
     "Kraken spot: margin leverage of every order, from 2; 0: none, then a short signal means "
     "flat; what it costs is told to backtests and paper as sim.margin_long_bps and "
     "sim.margin_short_bps"},
    {"deadman_s", WK_CFG_REAL, ACCOUNT(deadman_s), "s", "0", 0, 86000, NULL, NULL,
     "the venue cancels waiting entries when it has not heard of us for so long; armed only while "
     "every market is flat, for it would cancel stops too; 0: never"},
    {"address_family", WK_CFG_INT, ACCOUNT(address_family), NULL, "0", 0, 6, NULL, NULL,
     "4 or 6 when the venue has only one of our addresses on its list; 0: either"},
    END};
static const wk_cfg_table account_table = {"account", "the account at the venue",
                                           sizeof(wk_bot_account_config), account_rows};

static const wk_cfg_row rows[] = {
    {"name", WK_CFG_STRING, offsetof(wk_bot_config, name), NULL, NULL, 0, 0, NULL, NULL,
     "of the bot"},
    {"models", WK_CFG_SECTIONS, offsetof(wk_bot_config, models), NULL, NULL, 0, 0, NULL,
     &model_table, "one model or several; their timeframes are multiples of the shortest"},
    {"markets", WK_CFG_SECTIONS, offsetof(wk_bot_config, markets), NULL, "[]", 0, 0, NULL,
     &market_table, "how the models' markets are called elsewhere; empty: the models' own"},
    {"combine", WK_CFG_ENUM, offsetof(wk_bot_config, combine), NULL, "\"net\"", 0, 0,
     "net|priority|vote|veto", NULL,
     "when models disagree: weighted mean, the first that wants something, more than half, or all "
     "that want something"},
    {"set", WK_CFG_STRINGS, offsetof(wk_bot_config, set), NULL, "[]", 0, 0, NULL, NULL,
     "changes to the first model's trade and sim sections: \"trade.slots=5\""},
    {"venue", WK_CFG_ENUM, offsetof(wk_bot_config, venue), NULL, "\"paper\"", 0, 0,
     "paper|delta-india|delta-global|kraken", NULL,
     "where orders go; paper: simulated fills and a fake balance"},
    {"testnet", WK_CFG_BOOL, offsetof(wk_bot_config, testnet), NULL, "false", 0, 0, NULL, NULL,
     "the venue's testnet instead of real money"},
    {"patience_s", WK_CFG_REAL, offsetof(wk_bot_config, patience_s), "s", "5", 0, 3600, NULL, NULL,
     "how long after its close a step waits for markets that are late"},
    {"warm_share", WK_CFG_REAL, offsetof(wk_bot_config, warm_share), NULL, "1", 0, 1, NULL, NULL,
     "live bars: from 20 ms before a bar's close until it has come (3 s at most) the trader goes "
     "its way with the last bar, without effect, for such a share of the time, so that the next "
     "finds its memory in the caches; 1: without rest, the quickest; .25 where a core is not to "
     "spare; 0: never, and a bar takes ten times as long"},
    {"keep_awake", WK_CFG_BOOL, offsetof(wk_bot_config, keep_awake), NULL, "true", 0, 0, NULL, NULL,
     "in the same time no processor of this machine sleeps deeply, which costs power: one that "
     "does needs up to 100 us to wake, and wakes without its caches; it takes root "
     "(/dev/cpu_dma_latency), else nothing happens"},
    {"initial_cash", WK_CFG_REAL, offsetof(wk_bot_config, initial_cash), "quote", "null", 1e-6,
     1e12, NULL, NULL,
     "balance to begin with; null: the model's sim.initial_cash (paper), the account's balance "
     "(real venues)"},
    {"store", WK_CFG_STRING, offsetof(wk_bot_config, store), NULL, "\"\"", 0, 0, NULL, NULL,
     "the candle store with the bars to warm up on; empty: the default one"},
    {"history_venue", WK_CFG_STRING, offsetof(wk_bot_config, history_venue), NULL, "\"\"", 0, 0,
     NULL, NULL, "whose bars of the store; empty: the feed's"},
    {"dir", WK_CFG_STRING, offsetof(wk_bot_config, dir), NULL, "\"\"", 0, 0, NULL, NULL,
     "directory of the journal and of trades.csv; empty: $WICK_HOME/bots/<name>"},
    {"decisions", WK_CFG_ENUM, offsetof(wk_bot_config, decisions), NULL, "\"changes\"", 0, 0,
     "none|changes|all", NULL,
     "rows of the journal for what became of each market at a bar, and why (weak, hold, cooldown, "
     "enter ...): all: one a market and bar, about 150 bytes each; changes: when it is another "
     "than "
     "at the bar before"},
    {"summary_hour", WK_CFG_INT, offsetof(wk_bot_config, summary_hour), "h", "0", 0, 23, NULL, NULL,
     "UTC hour at which a day ends for the daily summary"},
    {"reload_s", WK_CFG_REAL, offsetof(wk_bot_config, reload_s), "s", "5", 0, 86400, NULL, NULL,
     "how often the models' directories are looked at for a new generation; 0: never"},
    {"feed", WK_CFG_STRING, offsetof(wk_bot_config, feed), NULL, "\"\"", 0, 0, NULL, NULL,
     "configuration file of the feed, as wick record takes it"},
    {"overrides", WK_CFG_STRING, offsetof(wk_bot_config, overrides), NULL, "\"\"", 0, 0, NULL, NULL,
     "a file of wishes, read anew when it changes, one a line: `flat BTCUSD`, `block all until "
     "2026-01-31T08:00:00Z`, `buy ETHUSD until ...`, `sell ...`; empty: overrides in dir"},
    {"account", WK_CFG_SECTION, offsetof(wk_bot_config, account), NULL, NULL, 0, 0, NULL,
     &account_table, "the account at a real venue"},
    {"alerts", WK_CFG_SECTION, offsetof(wk_bot_config, alerts), NULL, NULL, 0, 0, NULL,
     &wk_alert_config_table, "messages for people, while it trades live bars"},
    END};

const wk_cfg_table wk_bot_config_table = {"bot", "a bot: models, markets, a feed and a venue",
                                          sizeof(wk_bot_config), rows};
