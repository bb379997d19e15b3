/* The configuration of wick fetch: addresses, paces, patience. */
#include <math.h>

#include "wick/history.h"

#define ROW(field) offsetof(wk_history_venue, field)

/* One table a venue: only the defaults differ. */
#define VENUE_TABLE(id, what, address, per_s, burst, path, latest)                                 \
    static const wk_cfg_row id##_rows[] = {                                                        \
        {"host", WK_CFG_STRING, ROW(host), NULL, "\"" address "\"", 0, 0, NULL, NULL,              \
         "address of the REST service, without a path"},                                           \
        {"weight_per_s", WK_CFG_REAL, ROW(weight_per_s), "1/s", per_s, 0.001, 1e6, NULL, NULL,     \
         "weight of calls a second that the venue allows for long"},                               \
        {"weight_burst", WK_CFG_REAL, ROW(weight_burst), NULL, burst, 0.1, 1e6, NULL, NULL,        \
         "weight of calls that may go at once"},                                                   \
        {"candles_path", WK_CFG_STRING, ROW(candles_path), NULL, "\"" path "\"", 0, 0, NULL, NULL, \
         "path of candles before the instrument, where the venue has several"},                    \
        {"latest_path", WK_CFG_STRING, ROW(latest_path), NULL, "\"" latest "\"", 0, 0, NULL, NULL, \
         "legacy path of the newest candles, asked first; %s is the exchange; empty: never"},      \
        {"ca_file", WK_CFG_STRING, ROW(ca_file), NULL, "\"\"", 0, 0, NULL, NULL,                   \
         "PEM file of the authorities that are trusted for this venue; empty: ca_file below"},     \
        {0}};                                                                                      \
    static const wk_cfg_table id##_table = {#id, what, sizeof(wk_history_venue), id##_rows}

/* Kraken: OHLC and Depth weigh 1, Trades 1.5. Delta: 10,000 in five minutes, candles weigh 3. */
VENUE_TABLE(kraken, "Kraken spot", "https://api.kraken.com", "1", "3", "", "");
VENUE_TABLE(kraken_futures, "Kraken futures", "https://futures.kraken.com", "5", "10", "", "");
VENUE_TABLE(delta_india, "Delta Exchange India", "https://api.india.delta.exchange", "30", "300",
            "", "");
VENUE_TABLE(delta_global, "Delta Exchange Global", "https://api.delta.exchange", "30", "300", "",
            "");
VENUE_TABLE(amberdata, "Amberdata", "https://api.amberdata.com", "8", "5", "/markets/spot/ohlcv/",
            "");

#define SUB(field, doc)                                                                            \
    {                                                                                              \
#field, WK_CFG_SECTION, offsetof(wk_history_venues, field), NULL, NULL, 0, 0, NULL,        \
            &field##_table, doc                                                                    \
    }
static const wk_cfg_row venues_rows[] = {SUB(kraken, "Kraken spot"),
                                         SUB(kraken_futures, "Kraken futures"),
                                         SUB(delta_india, "Delta Exchange India"),
                                         SUB(delta_global, "Delta Exchange Global"),
                                         SUB(amberdata, "Amberdata"),
                                         {0}};
static const wk_cfg_table venues_table = {"venues", "addresses and paces of the venues",
                                          sizeof(wk_history_venues), venues_rows};

#define AT(field) offsetof(wk_history_config, field)
static const wk_cfg_row rows[] = {
    {"venues", WK_CFG_SECTION, AT(venues), NULL, NULL, 0, 0, NULL, &venues_table,
     "addresses and paces of the venues"},
    {"ca_file", WK_CFG_STRING, AT(ca_file), NULL, "\"\"", 0, 0, NULL, NULL,
     "PEM file of the authorities that are trusted; empty: the system's"},
    {"tries", WK_CFG_INT, AT(tries), NULL, "12", 1, 1000, NULL, NULL,
     "how often one call is tried before the fetch gives up"},
    {"backoff_s", WK_CFG_REAL, AT(backoff_s), "s", "1", 0.001, 3600, NULL, NULL,
     "wait before the second try; doubles with each"},
    {"backoff_max_s", WK_CFG_REAL, AT(backoff_max_s), "s", "60", 0.001, 86400, NULL, NULL,
     "longest wait that nobody asked for"},
    {"timeout_s", WK_CFG_REAL, AT(timeout_s), "s", "60", 0.01, 3600, NULL, NULL,
     "longest time that one call may take"},
    {"close_grace_s", WK_CFG_REAL, AT(close_grace_s), "s", "5", 0, 3600, NULL, NULL,
     "a candle is asked for this long after its end"},
    {"address_family", WK_CFG_INT, AT(address_family), NULL, "0", 0, 6, NULL, NULL,
     "4 or 6 to use only that version of IP; 0: any"},
    {0}};

const wk_cfg_table wk_history_config_table = {"fetch", "wick fetch", sizeof(wk_history_config),
                                              rows};
