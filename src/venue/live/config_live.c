/* The keys of wick record. */
#include "wick/live.h"

#define AT(field) offsetof(wk_live_venue, field)

static const wk_cfg_row venue_rows[] = {
    {"name", WK_CFG_STRING, AT(name), NULL, "\"kraken\"", 0, 0, NULL, NULL,
     "the venue's name in the store: kraken, delta-india, delta-global"},
    {"dialect", WK_CFG_ENUM, AT(dialect), NULL, "\"kraken\"", 0, 0, "kraken|delta|delta_public",
     NULL,
     "kraken: spot WebSocket v2; delta: Delta Exchange's legacy public channels; delta_public: its "
     "compact ones"},
    {"url", WK_CFG_STRING, AT(url), NULL, "\"wss://ws.kraken.com/v2\"", 0, 0, NULL, NULL,
     "address of the stream"},
    {"rest_url", WK_CFG_STRING, AT(rest_url), NULL, "\"\"", 0, 0, NULL, NULL,
     "address of its REST, for repair; empty: the venue's own by its name"},
    {"clock_url", WK_CFG_STRING, AT(clock_url), NULL, "\"\"", 0, 0, NULL, NULL,
     "address of REST that tells the venue's time (server_time or unixtime), where pings do not: "
     "Delta's /v2/settings; empty: the stamps of the stream have to do"},
    {"symbols", WK_CFG_STRINGS, AT(symbols), NULL, "[\"BTC/USD\"]", 0, 0, NULL, NULL,
     "markets as the stream names them; the store's name is the same without \"/\""},
    {"contract_values", WK_CFG_REALS, AT(contract_values), "base currency", "[]", 0, 0, NULL, NULL,
     "what a contract of each market is worth; empty: 1 (spot)"},
    {"symbols_per_connection", WK_CFG_INT, AT(symbols_per_connection), NULL, "50", 1, 1000, NULL,
     NULL, "more markets open more connections"},
    {"book_depth", WK_CFG_INT, AT(book_depth), "levels", "10", 1, 5000, NULL, NULL,
     "Kraken: 10, 25, 100, 500 or 1000"},
    {"candles", WK_CFG_BOOL, AT(candles), NULL, "true", 0, 0, NULL, NULL,
     "the venue's own candles of the first timeframe"},
    {"trades", WK_CFG_BOOL, AT(trades), NULL, "true", 0, 0, NULL, NULL, "every trade"},
    {"book", WK_CFG_BOOL, AT(book), NULL, "true", 0, 0, NULL, NULL, "the order book, checked"},
    {"ticker", WK_CFG_BOOL, AT(ticker), NULL, "true", 0, 0, NULL, NULL,
     "best quotes; with funding and open interest where the venue has them"},
    {"silence_s", WK_CFG_REAL, AT(silence_s), "s", "0", 0, 3600, NULL, NULL,
     "no frame for so long: reconnect; 0: 10 for Kraken, 40 for Delta"},
    {"ping_s", WK_CFG_REAL, AT(ping_s), "s", "15", 0.05, 3600, NULL, NULL,
     "a ping so often; it also tells the venue's clock"},
    {"backoff_min_ms", WK_CFG_INT, AT(backoff_min_ms), "ms", "250", 1, 600000, NULL, NULL,
     "wait before the first reconnect, doubled each time, with jitter"},
    {"backoff_max_ms", WK_CFG_INT, AT(backoff_max_ms), "ms", "60000", 1, 3600000, NULL, NULL,
     "longest wait before a reconnect"},
    {"connects_max", WK_CFG_INT, AT(connects_max), NULL, "75", 1, 100000, NULL, NULL,
     "at most so many connection attempts within connects_window_s (half of what the venues "
     "allow)"},
    {"connects_window_s", WK_CFG_REAL, AT(connects_window_s), "s", "600", 1, 86400, NULL, NULL,
     "the window of connects_max"},
    {"banned_s", WK_CFG_REAL, AT(banned_s), "s", "300", 0, 86400, NULL, NULL,
     "wait after the venue answered a connection with HTTP 429"},
    {0}};

static const wk_cfg_table venue_table = {"venues", "one stream", sizeof(wk_live_venue), venue_rows};

#undef AT
#define AT(field) offsetof(wk_live_config, field)

static const wk_cfg_row rows[] = {
    {"venues", WK_CFG_SECTIONS, AT(venues), NULL, NULL, 0, 0, NULL, &venue_table,
     "the streams to record"},
    {"timeframes", WK_CFG_STRINGS, AT(timeframes), NULL, "[\"1m\", \"15m\", \"1h\"]", 0, 0, NULL,
     NULL, "rising; the first is closed from the streams, its multiples are made of it"},
    {"flow", WK_CFG_STRINGS, AT(flow), NULL, "[]", 0, 0, NULL, NULL,
     "periods of flow features (wick/flow.h) of trades and books, such as [\"1s\", \"1m\"]: stored "
     "as the series "
     "flow_1s.spread_bps ..."},
    {"close_grace_ms", WK_CFG_INT, AT(close_grace_ms), "ms", "2000", 0, 600000, NULL, NULL,
     "a bar closes so long after its end by the venue's clock, though no trade closes it"},
    {"store", WK_CFG_STRING, AT(store), NULL, "\"\"", 0, 0, NULL, NULL,
     "the store; empty: $WICK_HOME/store or ~/.wick/store"},
    {"keep", WK_CFG_STRING, AT(keep), NULL, "\"\"", 0, 0, NULL, NULL,
     "wick record: how long bars stay in the store, as in 1m=30d,1h=5y,all=10y, counted back from "
     "a "
     "series' newest; what is older is dropped at the start and once a day; empty: nothing is"},
    {"keep_raw", WK_CFG_BOOL, AT(keep_raw), NULL, "false", 0, 0, NULL, NULL,
     "keep every message, compressed, for wick replay"},
    {"raw_dir", WK_CFG_STRING, AT(raw_dir), NULL, "\"\"", 0, 0, NULL, NULL,
     "where; empty: raw in the store"},
    {"repair", WK_CFG_BOOL, AT(repair), NULL, "true", 0, 0, NULL, NULL,
     "ask for missed bars over REST"},
    {"repair_max_h", WK_CFG_REAL, AT(repair_max_h), "h", "12", 0, 8760, NULL, NULL,
     "no further back than this; wick fetch goes further"},
    {"confirm_s", WK_CFG_REAL, AT(confirm_s), "s", "1800", 0, 86400, NULL, NULL,
     "every bar is compared with the venue's history so often, and once more by the next start; "
     "what "
     "differs is corrected; 0: only bars that were missed or are in doubt"},
    {"ca_file", WK_CFG_STRING, AT(ca_file), NULL, "\"\"", 0, 0, NULL, NULL,
     "PEM file of the authorities to trust; empty: the system's"},
    {"address_family", WK_CFG_INT, AT(address_family), NULL, "0", 0, 6, NULL, NULL,
     "4 or 6 where only one may be used; 0: any"},
    {"ring_mib", WK_CFG_INT, AT(ring_mib), "MiB", "32", 1, 1024, NULL, NULL,
     "room for messages that wait between the sockets and the path"},
    {"status_s", WK_CFG_REAL, AT(status_s), "s", "1", 0.05, 86400, NULL, NULL,
     "how often the line on the terminal is renewed; a log gets one a minute"},
    {0}};

const wk_cfg_table wk_live_config_table = {"record", "what wick record records",
                                           sizeof(wk_live_config), rows};
