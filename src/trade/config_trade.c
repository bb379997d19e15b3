/* The keys of the trader. */
#include "wick/trade.h"

#define AT(field) offsetof(wk_trade_config, field)

static const wk_cfg_row rows[] = {
    {"policy", WK_CFG_ENUM, AT(policy), NULL, "\"quantile\"", 0, 0,
     "quantile|expected_value|threshold", NULL,
     "quantile: enter when |score x sigma| reaches the trailing quantile; expected_value: when the "
     "expected "
     "profit after cost_estimate clears threshold; threshold: when |score| reaches threshold"},
    {"coverage", WK_CFG_REAL, AT(coverage), NULL, "0.05", 1e-6, 1, NULL, NULL,
     "quantile: share of the pooled forecasts to trade"},
    {"quantile_window_days", WK_CFG_REAL, AT(quantile_window_days), "days", "180", 1, 36500, NULL,
     NULL, "quantile: the trailing window, all markets pooled; renewed once a UTC day"},
    {"quantile_min_days", WK_CFG_REAL, AT(quantile_min_days), "days", "60", 0, 36500, NULL, NULL,
     "quantile: no entry before so much history"},
    {"quantile_stride", WK_CFG_INT, AT(quantile_stride), "bars", "0", 0, 10000, NULL, NULL,
     "quantile: every so many bars enter the pool; 0: 3, or 1 where a full pool would then hold "
     "under 2000"},
    {"quantile_min_values", WK_CFG_INT, AT(quantile_min_values), NULL, "0", 0, 1000000000, NULL,
     NULL,
     "quantile: the pool must hold more values; 0: 2000, or a quarter of a full pool where that is "
     "less"},
    {"threshold", WK_CFG_REAL, AT(threshold), NULL, "0", -1e9, 1e9, NULL, NULL,
     "expected_value: least expected profit, a fraction of the price; threshold: least |score|"},
    {"exit_at_zero", WK_CFG_BOOL, AT(exit_at_zero), NULL, "true", 0, 0, NULL, NULL,
     "leave when side x score <= 0"},
    {"hold_bars", WK_CFG_INT, AT(hold_bars), "bars", "0", 0, 1000000, NULL, NULL,
     "leave after so many bars; 0: never by time"},
    {"allow_long", WK_CFG_BOOL, AT(allow_long), NULL, "true", 0, 0, NULL, NULL,
     "take long positions"},
    {"allow_short", WK_CFG_BOOL, AT(allow_short), NULL, "true", 0, 0, NULL, NULL,
     "take short positions"},
    {"confirm_bars", WK_CFG_INT, AT(confirm_bars), "bars", "1", 1, 1000, NULL, NULL,
     "consecutive bars of the same signal that an entry needs"},
    {"cooldown_bars", WK_CFG_INT, AT(cooldown_bars), "bars", "0", 0, 100000, NULL, NULL,
     "no entry in a market for so many bars after its stop or liquidation"},
    {"entry", WK_CFG_ENUM, AT(entry), NULL, "\"market\"", 0, 0, "market|limit", NULL,
     "market: at the next open; limit: at the close moved by limit_offset_sigma in our favour"},
    {"limit_offset_sigma", WK_CFG_REAL, AT(limit_offset_sigma), NULL, "0", -10, 10, NULL, NULL,
     "limit price = close x (1 -/+ this x sigma of one bar)"},
    {"limit_expiry_bars", WK_CFG_INT, AT(limit_expiry_bars), "bars", "1", 0, 10000, NULL, NULL,
     "the limit lives so long; 0: until filled or cancelled"},
    {"market_after_expiry", WK_CFG_BOOL, AT(market_after_expiry), NULL, "false", 0, 0, NULL, NULL,
     "take at the market what an expired limit did not get, while the signal stands"},
    {"cancel_on_flip", WK_CFG_BOOL, AT(cancel_on_flip), NULL, "true", 0, 0, NULL, NULL,
     "cancel a working limit when its signal ends"},
    {"stop_kind", WK_CFG_ENUM, AT(stop_kind), NULL, "\"none\"", 0, 0, "none|fraction|sigma24", NULL,
     "unit of stop_loss and take_profit: fraction of the price, or sigma of one bar x sqrt(24); "
     "none: no "
     "brackets (the expected-value policy still reads the two keys, as fractions)"},
    {"stop_loss", WK_CFG_REAL, AT(stop_loss), NULL, "0", 0, 1000, NULL, NULL,
     "distance of the stop from the close of the signal (limit entry: from the limit); 0: none"},
    {"take_profit", WK_CFG_REAL, AT(take_profit), NULL, "0", 0, 1000, NULL, NULL,
     "distance of the take-profit, likewise; 0: none"},
    {"size", WK_CFG_ENUM, AT(size), NULL, "\"slots\"", 0, 0, "slots|volatility", NULL,
     "slots: capital / slots a position; volatility: that times target_volatility over the "
     "market's own"},
    {"slots", WK_CFG_REAL, AT(slots), NULL, "10", 0.01, 100000, NULL, NULL, "parts of the capital"},
    {"max_positions", WK_CFG_INT, AT(max_positions), NULL, "0", 0, 65535, NULL, NULL,
     "most positions at once, the strongest |score x sigma| first; 0: one a market"},
    {"target_volatility", WK_CFG_REAL, AT(target_volatility), NULL, "0.5", 0, 100, NULL, NULL,
     "yearly volatility at which a position has a whole slot (size volatility)"},
    {"max_position_fraction", WK_CFG_REAL, AT(max_position_fraction), NULL, "0", 0, 1000, NULL,
     NULL, "cap of one position's notional, a fraction of the capital; 0: none"},
    {"leverage", WK_CFG_REAL, AT(leverage), NULL, "1", 0.01, 200, NULL, NULL,
     "notional of a slot = leverage x capital / slots"},
    {"compound", WK_CFG_BOOL, AT(compound), NULL, "true", 0, 0, NULL, NULL,
     "capital is the current equity; false: the initial cash"},
    {"max_drawdown_stop", WK_CFG_REAL, AT(max_drawdown_stop), NULL, "0", 0, 1, NULL, NULL,
     "flatten and halt for good when equity at a close is so far below its peak; 0: off"},
    {"daily_loss_stop", WK_CFG_REAL, AT(daily_loss_stop), NULL, "0", 0, 1, NULL, NULL,
     "flatten and wait for the next UTC day when equity has lost so much since the day began; 0: "
     "off"},
    {"cost_estimate", WK_CFG_REAL, AT(cost_estimate), NULL, "0.0014", 0, 1, NULL, NULL,
     "what the expected-value policy believes a round trip costs, a fraction of the notional"},
    {"confidence_min", WK_CFG_REAL, AT(confidence_min), NULL, "0", 0, 1, NULL, NULL,
     "HOLD unless the model gives the side this probability (models with classes); 0: off"},
    {"act_on_change", WK_CFG_BOOL, AT(act_on_change), NULL, "false", 0, 0, NULL, NULL,
     "enter only when the confirmed signal differs from the last one: no second entry on a signal "
     "that stands"},
    {"reprice_max", WK_CFG_INT, AT(reprice_max), NULL, "0", 0, 14, NULL, NULL,
     "a limit that expires is placed anew at the price of that close, while its signal stands, at "
     "most so many times; then it is given up or taken (market_after_expiry)"},
    {"confidence_full", WK_CFG_REAL, AT(confidence_full), NULL, "0", 0, 1e9, NULL, NULL,
     "size x (share + (1 - share) x min(1, max(0, (c - low) / (full - low)))), c the probability "
     "of "
     "the side, or |score| without classes; full is this key, 0: off"},
    {"confidence_low", WK_CFG_REAL, AT(confidence_low), NULL, "0", 0, 1e9, NULL, NULL,
     "low in the formula of confidence_full"},
    {"confidence_share", WK_CFG_REAL, AT(confidence_share), NULL, "0.5", 0, 1, NULL, NULL,
     "share in the formula of confidence_full: the least size"},
    {"liquidation_factor", WK_CFG_REAL, AT(liquidation_factor), NULL, "0", 0, 100, NULL, NULL,
     "the leverage of an entry is lowered until its liquidation lies at least this x the stop's "
     "distance away, and the order carries it; needs a stop; 0: off"},
    {"maintenance_margin", WK_CFG_REAL, AT(maintenance_margin), NULL, "0.005", 0, 0.99, NULL, NULL,
     "the venue's maintenance margin rate that liquidation_factor reckons with"},
    {"max_gross_exposure", WK_CFG_REAL, AT(max_gross_exposure), NULL, "0", 0, 1000, NULL, NULL,
     "entries are cut to keep the sum of all positions and waiting entries within this fraction of "
     "the equity; 0: off"},
    {"max_net_exposure", WK_CFG_REAL, AT(max_net_exposure), NULL, "0", 0, 1000, NULL, NULL,
     "likewise longs less shorts, in either direction; 0: off"},
    {"loss_streak", WK_CFG_INT, AT(loss_streak), NULL, "0", 0, 10000, NULL, NULL,
     "after so many round trips in a row that lost after costs, in any market, entries pause; 0: "
     "off"},
    {"loss_pause_bars", WK_CFG_INT, AT(loss_pause_bars), "bars", "24", 0, 1000000, NULL, NULL,
     "for so many closes"},
    {"stale_bars", WK_CFG_INT, AT(stale_bars), "bars", "0", 0, 1000000, NULL, NULL,
     "a market without a bar of its own (absent or imputed) for so many is stale: no entry, and a "
     "waiting one is cancelled; 0: off"},
    {"stale_markets_max", WK_CFG_REAL, AT(stale_markets_max), NULL, "0", 0, 1, NULL, NULL,
     "no entry anywhere, and waiting ones are cancelled, while a larger share of the markets is "
     "stale (see stale_bars); 0: off"},
    {0},
};

const wk_cfg_table wk_trade_config_table = {
    "trade", "when to enter and leave, how much, and when to stop", sizeof(wk_trade_config), rows};
