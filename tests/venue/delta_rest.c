/* Delta Exchange REST v2, public part: newest candles first, gaps filled behind the first trade of
 * the window, more rows than the cap dropped silently at the old end, one quota of weights a
 * window. */
#include <stdlib.h>
#include <string.h>

#include "delta.h"

static const market_instrument instruments[] = {
    {"BTCUSD", {NULL}, "BTC", "USD", 1, 0, 5, 902345, 1, 3000, 27, "0.001", "perpetual_futures"},
    {"ETHUSD", {NULL}, "ETH", "USD", 2, 0, 5, 312345, 1, 9000, 3136, "0.01", "perpetual_futures"},
    {"DOGEUSD", {NULL}, "DOGE", "USD", 6, 0, 1, 73170, 1, 5000, 14745, "100", "perpetual_futures"},
};

const protocol protocol_delta = {
    .name = "delta",
    .instruments = instruments,
    .n_instruments = sizeof instruments / sizeof instruments[0],
    .serve = delta_serve,
    .opened = delta_ws_opened,
    .received = delta_ws_received,
    .tick = delta_ws_tick,
    .status_body = "{\"error\":\"ServerError\",\"message\":\"try again\"}",
    .connections_ms = 300000,
};

#define QUOTA 10000
#define WINDOW_MS 300000
#define CAP_ROWS 4000

static void fail(request *r, int status, const char *code)
{
    r->status = status;
    text_clear(&r->body);
    text_add(&r->body, "{\"success\":false,\"error\":{\"code\":\"%s\",\"context\":{}}}", code);
}

static void bad(request *r, const char *what)
{
    complain_request(r, "%s", what);
    fail(r, 400, "bad_schema");
}

/* Takes the weight of a call out of the window; a 429 with the time left when it is empty. */
static int quota(request *r, int weight)
{
    venue *v = r->v;
    double scale = v->options.rate_scale;
    int64_t now = real_ms();
    if (v->window_start_ms == 0 || now - v->window_start_ms >= WINDOW_MS) {
        v->window_start_ms = now;
        v->window_used = 0;
    }
    if (scale < 0 || v->window_used + weight <= QUOTA * scale) {
        v->window_used += weight;
        return 1;
    }
    complain_request(r, "rate: the quota of %g a window is used up", QUOTA * scale);
    text_add(&r->headers, "X-RATE-LIMIT-RESET: %lld\r\n",
             (long long)(v->window_start_ms + WINDOW_MS - now));
    fail(r, 429, "rate_limit_exceeded");
    return 0;
}

int64_t delta_resolution(const char *word)
{
    static const struct {
        const char *word;
        int64_t seconds;
    } all[] = {{"1m", 60},    {"3m", 180},    {"5m", 300},   {"15m", 900},
               {"30m", 1800}, {"1h", 3600},   {"2h", 7200},  {"4h", 14400},
               {"6h", 21600}, {"12h", 43200}, {"1d", 86400}, {"1w", 604800}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i].word, word) == 0)
            return all[i].seconds;
    return 0;
}

void delta_add_funding(text *t, const market *m, int64_t time_s)
{
    /* 1e-12 as a fraction is 1e-10 in percent. */
    text_add_short(t, market_funding(m, time_s / DELTA_FUNDING_S), 10, 1);
}

enum { SERIES_TRADES, SERIES_MARK, SERIES_FUNDING, SERIES_OI };

static market *series_of(request *r, const char *symbol, int *series)
{
    static const char *const prefixes[] = {"", "MARK:", "FUNDING:", "OI:"};
    *series = SERIES_TRADES;
    for (int i = 1; i < 4; i++)
        if (strncmp(symbol, prefixes[i], strlen(prefixes[i])) == 0) {
            *series = i;
            symbol += strlen(prefixes[i]);
        }
    return market_named(r->v, symbol);
}

static void add_ohlc(text *t, int64_t at, const int64_t prices[4], int decimals, const char *volume)
{
    static const char *const keys[4] = {"open", "high", "low", "close"};
    text_add(t, "{\"time\":%lld", (long long)at);
    for (int i = 0; i < 4; i++) {
        text_add(t, ",\"%s\":", keys[i]);
        text_add_short(t, prices[i], decimals, 1);
    }
    text_add(t, ",\"volume\":%s}", volume);
}

static int add_trade_candle(request *r, const market *m, int64_t at, int64_t step, int series)
{
    market_candle c;
    int64_t now_s = r->now_ns / NS_A_SECOND;
    if (!market_candle_at(m, at, step, r->now_ns, &c))
        return 0;
    int64_t prices[4] = {c.open, c.high, c.low, c.close};
    for (int i = 0; i < 4; i++) {
        if (series == SERIES_MARK)
            prices[i] += m->instrument->tick;
        if (at > now_s) /* invented, and another one each time */
            prices[i] += (int64_t)(r->v->n_requests % 7) * m->instrument->tick;
    }
    char volume[32];
    snprintf(volume, sizeof volume, c.n_trades ? "%lld.0" : "0", (long long)c.volume);
    add_ohlc(row_add(r), at, prices, m->instrument->price_decimals,
             series == SERIES_MARK ? "null" : volume);
    return c.n_trades > 0;
}

static void add_value_candle(request *r, const market *m, int64_t at, int64_t step, int series)
{
    int64_t prices[4] = {0}, now_s = r->now_ns / NS_A_SECOND;
    int first = 1;
    for (int64_t s = at; s < at + step && (s <= now_s || first); s += 60) {
        int64_t value = series == SERIES_OI ? market_open_interest(m, s / 60)
                                            : market_funding(m, s / DELTA_FUNDING_S);
        if (first)
            prices[0] = prices[1] = prices[2] = value;
        prices[1] = value > prices[1] ? value : prices[1];
        prices[2] = value < prices[2] ? value : prices[2];
        prices[3] = value;
        first = 0;
    }
    add_ohlc(row_add(r), at, prices, series == SERIES_OI ? 0 : 10, "null");
}

static void serve_candles(request *r)
{
    const char *resolution = param(r, "resolution"), *symbol = param(r, "symbol");
    int64_t start = param_int(r, "start", 0, INT64_C(9999999999), -1);
    int64_t end = param_int(r, "end", 0, INT64_C(9999999999), -1);
    int64_t now_s = r->now_ns / NS_A_SECOND;
    if (!resolution || !symbol || start < 0 || end < 0) {
        bad(r, "resolution, symbol, start and end in seconds are all required");
        return;
    }
    int64_t step = delta_resolution(resolution);
    int series;
    market *m = series_of(r, symbol, &series);
    if (step == 0 || step == 43200 || !m || start > end) {
        bad(r, "a resolution, symbol or window that the venue does not know");
        return;
    }
    if (end > now_s + 1)
        complain_request(r, "end is %lld s in the future", (long long)(end - now_s));
    if (end - start > 2000 * step)
        complain_request(r, "page: the window holds more than 2000 candles");
    if (!quota(r, 3))
        return;
    int64_t first = (start + step - 1) / step * step, last = end / step * step;
    if (first < m->begin_ns / NS_A_SECOND / step * step)
        first = m->begin_ns / NS_A_SECOND / step * step;
    /* The silence ahead of the first trade of the window is not filled. */
    market_candle c;
    if (series == SERIES_TRADES)
        while (first <= last &&
               (!market_candle_at(m, first, step, r->now_ns, &c) || c.n_trades == 0))
            first += step;
    int64_t n = first > last ? 0 : (last - first) / step + 1;
    n = n > CAP_ROWS ? CAP_ROWS : n;
    n = (int64_t)page_rows(r, (size_t)n);
    for (int64_t i = 0; i < n; i++) {
        int64_t at = last - i * step;
        if (series == SERIES_TRADES || series == SERIES_MARK)
            add_trade_candle(r, m, at, step, series);
        else
            add_value_candle(r, m, at, step, series);
    }
    text_add(&r->body, "{\"success\":true,\"result\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}");
}

static void add_asset(text *t, const char *key, const char *symbol, int minimum)
{
    text_add(t,
             "\"%s\":{\"id\":%d,\"name\":\"%s\",\"networks\":[],\"symbol\":\"%s\",\"precision\":8,"
             "\"base_withdrawal_fee\":\"0.000000000000000000\",\"interest_credit\":false,"
             "\"interest_slabs\":null,\"kyc_deposit_limit\":\"0.000000000000000000\","
             "\"kyc_withdrawal_limit\":\"0.000000000000000000\","
             "\"min_withdrawal_amount\":\"0.000000000000000000\",\"minimum_precision\":%d,"
             "\"sort_priority\":3,\"variable_withdrawal_fee\":\"0.000000000000000000\"},",
             key, 10 + minimum, symbol, symbol, minimum);
}

static void add_product(text *t, const market_instrument *p)
{
    text_add(t, "{");
    add_asset(t, "settling_asset", p->quote, 2);
    add_asset(t, "quoting_asset", p->quote, 2);
    add_asset(t, "underlying_asset", p->base, 4);
    text_add(t,
             "\"contract_unit_currency\":\"%s\",\"settlement_time\":null,"
             "\"impact_notional\":\"100000\",\"initial_margin_scaling_factor\":\"0.000004\","
             "\"maintenance_margin_scaling_factor\":\"0.000002\",\"position_size_limit\":50000,"
             "\"basis_factor_max_limit\":\"21.9\",\"short_description\":\"%s Perpetual\","
             "\"is_quanto\":false,\"notional_type\":\"vanilla\",\"contract_value\":\"%s\","
             "\"liquidation_penalty_factor\":\"0.2\",\"contract_type\":\"%s\","
             "\"annualized_funding\":\"10.95\",\"max_leverage_notional\":\"100000\","
             "\"barrier_price\":null,\"symbol\":\"%s\","
             "\"auction_start_time\":\"2026-08-29T20:28:27Z\",",
             p->base, p->base, p->contract_value, p->contract_type, p->name);
    text_add(t,
             "\"maker_commission_rate\":\"0.0002\",\"initial_margin\":\"1\","
             "\"settlement_price\":null,\"ui_config\":{\"default_trading_view_candle\":\"60\","
             "\"leverage_slider_values\":[1,2,5,10],\"price_clubbing_values\":[1e-06,1e-05],"
             "\"show_bracket_orders\":false,\"sort_priority\":19},"
             "\"position_notional_limit\":\"625000\",\"funding_method\":\"mark_price\","
             "\"description\":\"%s perpetual future quoted in USD\",\"tick_size\":\"",
             p->base);
    text_add_short(t, p->tick, p->price_decimals, 1);
    text_add(t,
             "\",\"disruption_reason\":null,\"launch_time\":\"2024-04-08T09:42:03Z\",\"id\":%d,"
             "\"insurance_fund_margin_contribution\":\"5\",\"maintenance_margin\":\"0.5\","
             "\"price_band\":\"10\",\"state\":\"live\",\"auction_finish_time\":null,"
             "\"impact_size\":5282,\"product_specs\":{\"expiry_interval\":28800,"
             "\"funding_clamp_value\":0.05,\"funding_twap_linear_weighted_enabled\":true,"
             "\"isolated_liq_penalty_factor\":0.001,\"only_reduce_only_orders_allowed\":false,"
             "\"rate_exchange_interval\":%d,\"tags\":[\"layer_1\"]},",
             p->product_id, DELTA_FUNDING_S);
    text_add(t,
             "\"spot_index\":{\"id\":28,\"config\":{\"price_alert_enabled\":true,"
             "\"quoting_asset\":\"USD\",\"service_id\":2,\"underlying_asset\":\"%s\"},"
             "\"description\":\"%s spot price index quoted in USD\",\"symbol\":\".DE%sUSD\","
             "\"impact_size\":\"25000.000000000000000000\",\"constituent_exchanges\":[],"
             "\"constituent_indices\":{\"expression\":\"${e1}\",\"indices\":{}},"
             "\"health_interval\":300,\"index_type\":\"spot_pair\",\"is_composite\":true,"
             "\"price_method\":\"ltp\",\"quoting_asset_id\":14,\"tick_size\":\"0.01\","
             "\"underlying_asset_id\":16},\"default_leverage\":\"100.000000000000000000\","
             "\"taker_commission_rate\":\"0.0005\",\"trading_status\":\"operational\","
             "\"strike_price\":null}",
             p->base, p->base, p->base);
}

static void serve_products(request *r)
{
    const char *types = param(r, "contract_types"), *states = param(r, "states");
    const char *after = param(r, "after");
    int64_t size = param_int(r, "page_size", 1, 1000, 100);
    size = size > 100 ? 100 : size;
    if (!quota(r, 3))
        return;
    size_t from = 0;
    if (after && *after) {
        if (sscanf(after, "b3BhcXVl%zu", &from) != 1 || from > r->v->n_markets) {
            bad(r, "after is no cursor of ours");
            return;
        }
    }
    int wanted =
        (!types || strstr(types, "perpetual_futures")) && (!states || strstr(states, "live"));
    size_t n = wanted ? r->v->n_markets - from : 0;
    n = n > (size_t)size ? (size_t)size : n;
    n = page_rows(r, n);
    for (size_t i = from; i < from + n; i++)
        add_product(row_add(r), r->v->markets[i].instrument);
    text_add(&r->body, "{\"success\":true,\"result\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "],\"meta\":{\"after\":");
    if (wanted && from + n < r->v->n_markets)
        text_add(&r->body, "\"b3BhcXVl%zu\"", from + n);
    else
        text_add(&r->body, "null");
    text_add(&r->body, ",\"before\":null}}");
}

void delta_add_ticker(text *t, market *m, int64_t now_ns)
{
    const market_instrument *p = m->instrument;
    int64_t now_s = now_ns / NS_A_SECOND;
    market_candle day = {0};
    market_candle_at(m, now_s - 86399, 86400, now_ns, &day);
    market_book_advance(m, now_ns);
    const market_level *bid = &m->book_now.side[0][0], *ask = &m->book_now.side[1][0];
    text price = {0}, tick = {0};
    text_add_short(&price, day.close, p->price_decimals, 1);
    text_add_short(&tick, p->tick, p->price_decimals, 1);
    long long oi = (long long)market_open_interest(m, now_s / 60);
    text_add(t,
             "\"product_id\":%d,\"mark_change_24h\":\"0.0716\",\"oi_value_usd\":\"209197.0417\","
             "\"oi_value_symbol\":\"%s\",\"oi_contracts\":\"%lld\",\"oi_change_usd_6h\":\"0.0000\","
             "\"tags\":[],\"top_tag\":\"\",\"mark_price\":\"%s\",\"leverage\":200,"
             "\"mark_vol\":\"0.17\",\"tick_size\":\"%s\",\"contract_value\":\"%s\","
             "\"turnover_symbol\":\"USD\",\"funding_rate\":\"",
             p->product_id, p->base, oi, price.data, tick.data, p->contract_value);
    delta_add_funding(t, m, now_s);
    text_add(t, "\",\"time\":\"");
    text_add_time(t, now_ns, 9);
    text_add(t,
             "\",\"oi\":\"%lld.0000\",\"spot_price\":\"%s\",\"sort_priority\":1,\"size\":%lld,"
             "\"product_trading_status\":\"operational\",\"timestamp\":%lld,"
             "\"contract_type\":\"%s\",\"strike_price\":null,\"description\":\"%s Perpetual\","
             "\"greeks\":null,\"volume\":%lld.0,",
             oi, price.data, (long long)day.volume, (long long)(now_ns / 1000), p->contract_type,
             p->base, (long long)day.volume);
    const struct {
        const char *key;
        int64_t value;
    } prices[] = {{"open", day.open}, {"high", day.high}, {"low", day.low}, {"close", day.close}};
    for (size_t i = 0; i < 4; i++) {
        text_add(t, "\"%s\":", prices[i].key);
        text_add_short(t, prices[i].value, p->price_decimals, 1);
        text_add(t, ",");
    }
    text_add(t, "\"quotes\":{\"ask_iv\":null,\"best_ask\":\"");
    text_add_fixed(t, ask->price, p->price_decimals);
    text_add(t, "\",\"best_bid\":\"");
    text_add_fixed(t, bid->price, p->price_decimals);
    text_add(t,
             "\",\"bid_iv\":null,\"mark_iv\":null,\"ask_size\":\"%lld\",\"bid_size\":\"%lld\","
             "\"impact_mid_price\":null},\"oi_value\":\"%lld.0000\",\"ltp_change_24h\":\"0.1\","
             "\"price_band\":{\"upper_limit\":\"%s\",\"lower_limit\":\"%s\"},\"symbol\":\"%s\","
             "\"turnover\":1770.6118999999999,\"mark_low_24h\":\"%s\","
             "\"underlying_asset_symbol\":\"%s\",\"oi_reduce_only_mode\":false,"
             "\"turnover_usd\":1770.6118999999999,\"mark_high_24h\":\"%s\"",
             (long long)ask->qty, (long long)bid->qty, oi, price.data, price.data, p->name,
             price.data, p->base, price.data);
    text_finish(&price);
    text_finish(&tick);
}

static void serve_tickers(request *r)
{
    const char *types = param(r, "contract_types");
    param(r, "underlying_asset_symbols");
    if (!quota(r, 3))
        return;
    for (size_t i = 0; i < r->v->n_markets; i++) {
        if (types && !strstr(types, "perpetual_futures"))
            continue;
        text *row = row_add(r);
        text_add(row, "{");
        delta_add_ticker(row, &r->v->markets[i], r->now_ns);
        text_add(row, "}");
    }
    text_add(&r->body, "{\"success\":true,\"result\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}");
}

static void serve_ticker(request *r, market *m)
{
    if (!quota(r, 3))
        return;
    text_add(&r->body, "{\"success\":true,\"result\":{");
    delta_add_ticker(&r->body, m, r->now_ns);
    text_add(&r->body, "}}");
}

static void serve_product(request *r, market *m)
{
    if (!quota(r, 3))
        return;
    text_add(&r->body, "{\"success\":true,\"result\":");
    add_product(&r->body, m->instrument);
    text_add(&r->body, "}");
}

static void serve_book(request *r, market *m)
{
    int64_t depth = param_int(r, "depth", 1, 1000, 20);
    if (!quota(r, 3))
        return;
    market_book_advance(m, r->now_ns);
    text_add(&r->body, "{\"success\":true,\"result\":{");
    for (int side = 0; side < 2; side++) {
        int64_t sum = 0;
        text_add(&r->body, "\"%s\":[", side ? "sell" : "buy");
        for (int i = 0; i < m->book_now.n[side] && i < depth; i++) {
            const market_level *level = &m->book_now.side[side][i];
            sum += level->qty;
            text_add(&r->body, "%s{\"price\":\"", i ? "," : "");
            text_add_fixed(&r->body, level->price, m->instrument->price_decimals);
            text_add(&r->body, "\",\"size\":%lld,\"depth\":\"%lld\"}", (long long)level->qty,
                     (long long)sum);
        }
        text_add(&r->body, "],");
    }
    text_add(&r->body, "\"last_updated_at\":%lld,\"symbol\":\"%s\"}}",
             (long long)((m->n_events ? m->events[m->n_events - 1].time_ns : m->live_ns) / 1000),
             m->instrument->name);
}

static void serve_trades(request *r, market *m)
{
    if (!quota(r, 3))
        return;
    size_t seen = market_trades_before(m, r->now_ns + 1), from = seen > 50 ? seen - 50 : 0;
    for (size_t i = seen; i > from; i--) {
        const market_trade *t = &m->trades[i - 1];
        if (t->arrival_ns > r->now_ns)
            continue;
        text *row = row_add(r);
        text_add(row, "{\"side\":\"%s\",\"size\":%lld,\"price\":\"", t->side > 0 ? "buy" : "sell",
                 (long long)t->qty);
        text_add_fixed(row, t->price, m->instrument->price_decimals);
        text_add(row, "\",\"timestamp\":%lld}", (long long)(t->time_ns / 1000));
    }
    text_add(&r->body, "{\"success\":true,\"result\":{\"trades\":[");
    rows_join(r, &r->body);
    text_add(&r->body, "]}}");
}

static void serve_settings(request *r)
{
    if (!quota(r, 1))
        return;
    text_add(&r->body,
             "{\"success\":true,\"result\":{\"server_time\":%lld,\"under_maintenance\":"
             "\"false\",\"deto_staking_apr\":\"0.3\"}}",
             (long long)(r->now_ns / 1000));
}

static void serve_quota(request *r)
{
    if (!quota(r, 1))
        return;
    double scale = r->v->options.rate_scale < 0 ? 1 : r->v->options.rate_scale;
    text_add(&r->body,
             "{\"success\":true,\"result\":{\"current_quota\":%lld,"
             "\"remaining_time_in_milliseconds\":%lld}}",
             (long long)(QUOTA * scale - r->v->window_used),
             (long long)(r->v->window_start_ms + WINDOW_MS - real_ms()));
}

static void serve_assets(request *r)
{
    if (!quota(r, 3))
        return;
    text_add(&r->body,
             "{\"success\":true,\"result\":[{\"id\":14,\"symbol\":\"USD\",\"precision\":8,"
             "\"minimum_precision\":2}]}");
}

void delta_serve(request *r)
{
    static const struct {
        const char *path;
        void (*serve)(request *r);
        void (*serve_symbol)(request *r, market *m);
    } calls[] = {
        {"/v2/history/candles", serve_candles, NULL},
        {"/v2/products", serve_products, serve_product},
        {"/v2/tickers", serve_tickers, serve_ticker},
        {"/v2/l2orderbook", NULL, serve_book},
        {"/v2/trades", NULL, serve_trades},
        {"/v2/settings", serve_settings, NULL},
        {"/v2/rate_limits/quota", serve_quota, NULL},
        {"/v2/assets", serve_assets, NULL},
        {"/v2/indices", serve_assets, NULL},
    };
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        size_t n = strlen(calls[i].path);
        if (strncmp(r->path, calls[i].path, n) != 0)
            continue;
        if (r->path[n] == 0 && calls[i].serve) {
            calls[i].serve(r);
            params_unknown(r);
            return;
        }
        if (r->path[n] == '/' && calls[i].serve_symbol) {
            market *m = market_named(r->v, r->path + n + 1);
            if (m) {
                calls[i].serve_symbol(r, m);
            } else {
                complain_request(r, "there is no such symbol");
                fail(r, 404, "not_found");
            }
            params_unknown(r);
            return;
        }
    }
    complain_request(r, "there is no such call");
    fail(r, 404, "not_found");
}
