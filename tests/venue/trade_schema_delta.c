/* Delta's private REST calls. Source: docs.delta.exchange (Orders, Positions, Wallet, Deadman
 * Switch). What the documentation types as text is text here, booleans are booleans. */
#include <stdio.h>
#include <string.h>

#include "trade_schema.h"

#define TRIGGERS "mark_price last_traded_price spot_price"
#define CONTRACTS "perpetual_futures futures call_options put_options move_options spot"
#define ORDER_TYPES "limit_order market_order"

#define PRODUCT                                                                                    \
    {"product_id", FIELD_COUNT, 0, NULL},                                                          \
    {                                                                                              \
        "product_symbol", FIELD_STRING, 0, "40"                                                    \
    }
#define BRACKET                                                                                    \
    {"bracket_stop_loss_price", FIELD_DECIMAL, 0, NULL},                                           \
        {"bracket_stop_loss_limit_price", FIELD_DECIMAL, 0, NULL},                                 \
        {"bracket_take_profit_price", FIELD_DECIMAL, 0, NULL},                                     \
        {"bracket_take_profit_limit_price", FIELD_DECIMAL, 0, NULL},                               \
        {"bracket_trail_amount", FIELD_AMOUNT, 0, NULL},                                           \
    {                                                                                              \
        "bracket_stop_trigger_method", FIELD_WORD, 0, TRIGGERS                                     \
    }
#define PAGES                                                                                      \
    {"after", FIELD_STRING, 0, "200"}, {"before", FIELD_STRING, 0, "200"},                         \
    {                                                                                              \
        "page_size", FIELD_COUNT, 0, NULL                                                          \
    }
#define LISTS                                                                                      \
    {"product_ids", FIELD_INTS, 0, NULL}, {"contract_types", FIELD_WORDS, 0, CONTRACTS},           \
        {"start_time", FIELD_INT, 0, NULL},                                                        \
    {                                                                                              \
        "end_time", FIELD_INT, 0, NULL                                                             \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, FIELD_STRING, 0, NULL                                                                \
    }

static const schema_field none[] = {END};
static const schema_field place[] = {
    PRODUCT,
    {"size", FIELD_COUNT, 1, NULL},
    {"side", FIELD_WORD, 1, "buy sell"},
    {"order_type", FIELD_WORD, 1, ORDER_TYPES},
    {"limit_price", FIELD_DECIMAL, 0, NULL},
    {"time_in_force", FIELD_WORD, 0, "gtc ioc"},
    {"post_only", FIELD_BOOL, 0, NULL},
    {"reduce_only", FIELD_BOOL, 0, NULL},
    {"client_order_id", FIELD_STRING, 0, "32"},
    {"stop_order_type", FIELD_WORD, 0, "stop_loss_order take_profit_order"},
    {"stop_price", FIELD_DECIMAL, 0, NULL},
    {"trail_amount", FIELD_AMOUNT, 0, NULL},
    {"stop_trigger_method", FIELD_WORD, 0, TRIGGERS},
    BRACKET,
    END};
static const schema_field edit[] = {PRODUCT,
                                    {"id", FIELD_COUNT, 1, NULL},
                                    {"size", FIELD_COUNT, 1, NULL},
                                    {"limit_price", FIELD_DECIMAL, 0, NULL},
                                    {"stop_price", FIELD_DECIMAL, 0, NULL},
                                    {"trail_amount", FIELD_AMOUNT, 0, NULL},
                                    {"post_only", FIELD_BOOL, 0, NULL},
                                    END};
static const schema_field cancel[] = {{"id", FIELD_COUNT, 0, NULL},
                                      {"client_order_id", FIELD_STRING, 0, "32"},
                                      {"product_id", FIELD_COUNT, 1, NULL},
                                      END};
static const schema_field cancel_all[] = {{"product_id", FIELD_COUNT, 0, NULL},
                                          {"contract_types", FIELD_WORDS, 0, CONTRACTS},
                                          {"cancel_limit_orders", FIELD_BOOL, 0, NULL},
                                          {"cancel_stop_orders", FIELD_BOOL, 0, NULL},
                                          {"cancel_reduce_only_orders", FIELD_BOOL, 0, NULL},
                                          END};
static const schema_field list_open[] = {
    LISTS,
    PAGES,
    {"states", FIELD_WORDS, 0, "open pending"},
    {"order_types", FIELD_WORDS, 0, ORDER_TYPES " stop_loss_order take_profit_order all_stop"},
    END};
static const schema_field list_past[] = {
    LISTS,
    PAGES,
    {"order_types", FIELD_WORDS, 0, ORDER_TYPES " stop_loss_order take_profit_order all_stop"},
    END};
static const schema_field list_fills[] = {LISTS, PAGES, END};
static const schema_field bracket_edit[] = {{"id", FIELD_COUNT, 1, NULL}, PRODUCT, BRACKET, END};
static const schema_field bracket_place[] = {
    PRODUCT,
    {"stop_loss_order", FIELD_OBJECT, 0, NULL},
    {"take_profit_order", FIELD_OBJECT, 0, NULL},
    {"bracket_stop_trigger_method", FIELD_WORD, 0, TRIGGERS},
    END};
static const schema_field bracket_leg[] = {{"order_type", FIELD_WORD, 1, ORDER_TYPES},
                                           {"stop_price", FIELD_DECIMAL, 0, NULL},
                                           {"limit_price", FIELD_DECIMAL, 0, NULL},
                                           {"trail_amount", FIELD_AMOUNT, 0, NULL},
                                           END};
static const schema_field position[] = {
    {"product_id", FIELD_COUNT, 0, NULL}, {"underlying_asset_symbol", FIELD_STRING, 0, "20"}, END};
static const schema_field margined[] = {
    {"product_ids", FIELD_INTS, 0, NULL}, {"contract_types", FIELD_WORDS, 0, CONTRACTS}, END};
static const schema_field leverage[] = {{"leverage", FIELD_DECIMAL, 1, NULL}, END};
static const schema_field transactions[] = {{"asset_ids", FIELD_INTS, 0, NULL},
                                            {"start_time", FIELD_INT, 0, NULL},
                                            {"end_time", FIELD_INT, 0, NULL},
                                            PAGES,
                                            END};
static const schema_field heartbeat_new[] = {{"heartbeat_id", FIELD_STRING, 1, "64"},
                                             {"impact", FIELD_WORD, 1, "contracts products"},
                                             {"contract_types", FIELD_LIST, 0, NULL},
                                             {"underlying_assets", FIELD_LIST, 0, NULL},
                                             {"product_symbols", FIELD_LIST, 0, NULL},
                                             {"config", FIELD_LIST, 1, NULL},
                                             END};
static const schema_field heartbeat[] = {
    {"heartbeat_id", FIELD_STRING, 1, "64"}, {"ttl", FIELD_INT, 1, NULL}, END};
static const schema_field heartbeat_list[] = {{"heartbeat_id", FIELD_STRING, 0, "64"}, END};
static const schema_field cancel_after[] = {{"cancel_after", FIELD_STRING, 1, "10"}, END};
static int has(const json_t *said, const char *name)
{
    return json_object_get(said, name) != NULL;
}

static int no(char *field, const char *name, char *why, const char *what)
{
    snprintf(field, SCHEMA_FIELD, "%s", name);
    snprintf(why, SCHEMA_WHY, "%s", what);
    return 0;
}

static int one_product(const json_t *said, char *field, char *why)
{
    if (has(said, "product_id") + has(said, "product_symbol") != 1)
        return no(field, "product_id", why, "exactly one of product_id and product_symbol is said");
    return 1;
}

static int bracket_rule(const json_t *said, char *field, char *why)
{
    if (has(said, "bracket_stop_loss_limit_price") && !has(said, "bracket_stop_loss_price"))
        return no(field, "bracket_stop_loss_price", why,
                  "a stop's limit price without its trigger");
    if (has(said, "bracket_take_profit_limit_price") && !has(said, "bracket_take_profit_price"))
        return no(field, "bracket_take_profit_price", why,
                  "a target's limit price without its trigger");
    if (has(said, "bracket_trail_amount") && has(said, "bracket_stop_loss_price"))
        return no(field, "bracket_trail_amount", why, "a trail and a fixed stop at once");
    return 1;
}

static int place_rule(const json_t *said, char *field, char *why)
{
    const char *type = json_string_value(json_object_get(said, "order_type"));
    int is_limit = strcmp(type, "limit_order") == 0;
    if (!one_product(said, field, why) || !bracket_rule(said, field, why))
        return 0;
    if (is_limit != has(said, "limit_price"))
        return no(field, "limit_price", why,
                  is_limit ? "a limit order without limit_price"
                           : "a market order with a limit_price");
    if (has(said, "stop_order_type") && !has(said, "stop_price") && !has(said, "trail_amount"))
        return no(field, "stop_price", why,
                  "a conditional order without stop_price or trail_amount");
    if (!has(said, "stop_order_type") &&
        (has(said, "stop_price") || has(said, "trail_amount") || has(said, "stop_trigger_method")))
        return no(field, "stop_order_type", why, "a trigger without stop_order_type");
    if (!is_limit && json_is_true(json_object_get(said, "post_only")))
        return no(field, "post_only", why, "a market order that is post_only");
    return 1;
}

static int cancel_rule(const json_t *said, char *field, char *why)
{
    if (has(said, "id") + has(said, "client_order_id") != 1)
        return no(field, "id", why, "exactly one of id and client_order_id is said");
    return 1;
}

static int edit_rule(const json_t *said, char *field, char *why)
{
    return one_product(said, field, why);
}

static int bracket_edit_rule(const json_t *said, char *field, char *why)
{
    return one_product(said, field, why) && bracket_rule(said, field, why);
}

static int bracket_place_rule(const json_t *said, char *field, char *why)
{
    static const char *const legs[] = {"stop_loss_order", "take_profit_order"};
    if (!one_product(said, field, why))
        return 0;
    if (!has(said, legs[0]) && !has(said, legs[1]))
        return no(field, legs[0], why, "a bracket without stop and target");
    for (int i = 0; i < 2; i++) {
        const json_t *leg = json_object_get(said, legs[i]);
        text lines = {0};
        int bad = leg ? schema_check_fields(bracket_leg, leg, 0, field, &lines) : 0;
        if (bad)
            snprintf(why, SCHEMA_WHY, "%s: %.150s", legs[i], lines.data);
        text_finish(&lines);
        if (bad)
            return 0;
        if (!leg)
            continue;
        int is_limit =
            strcmp(json_string_value(json_object_get(leg, "order_type")), "limit_order") == 0;
        if (is_limit != has(leg, "limit_price"))
            return no(field, "limit_price", why,
                      "limit_price is said with limit_order and only so");
        if (!has(leg, "stop_price") && !has(leg, "trail_amount"))
            return no(field, "stop_price", why, "a leg of a bracket without a trigger");
    }
    return 1;
}

static int position_rule(const json_t *said, char *field, char *why)
{
    if (json_object_size(said) != 1)
        return no(field, "product_id", why,
                  "one of product_id and underlying_asset_symbol is said");
    return 1;
}

static int page_rule(const json_t *said, char *field, char *why)
{
    const char *page = json_string_value(json_object_get(said, "page_size"));
    if (page && (strlen(page) > 2 || (strlen(page) == 2 && strcmp(page, "50") > 0)))
        return no(field, "page_size", why, "a page has at most 50 rows");
    return 1;
}

static int heartbeat_rule(const json_t *said, char *field, char *why)
{
    const char *impact = json_string_value(json_object_get(said, "impact"));
    const char *needs = strcmp(impact, "contracts") == 0 ? "contract_types" : "product_symbols";
    size_t i;
    json_t *one;
    if (!has(said, needs))
        return no(field, needs, why, "the impact's own list is missing");
    json_array_foreach(json_object_get(said, "config"), i, one)
    {
        const char *action = json_string_value(json_object_get(one, "action"));
        if (!action || (strcmp(action, "cancel_orders") != 0 && strcmp(action, "spreads") != 0) ||
            !json_is_integer(json_object_get(one, "unhealthy_count")) || json_object_size(one) != 2)
            return no(field, "config", why, "config has action and unhealthy_count");
    }
    return 1;
}

const schema_call schema_delta[] = {
    {"POST", "/v2/orders", place, place_rule, 5},
    {"PUT", "/v2/orders", edit, edit_rule, 5},
    {"DELETE", "/v2/orders", cancel, cancel_rule, 5},
    {"GET", "/v2/orders", list_open, NULL, 3},
    {"DELETE", "/v2/orders/all", cancel_all, NULL, 5},
    {"GET", "/v2/orders/history", list_past, page_rule, 10},
    {"POST", "/v2/orders/bracket", bracket_place, bracket_place_rule, 5},
    {"PUT", "/v2/orders/bracket", bracket_edit, bracket_edit_rule, 5},
    {"POST", "/v2/orders/cancel_after", cancel_after, NULL, 1},
    {"GET", "/v2/orders/client_order_id/*", none, NULL, 1},
    {"GET", "/v2/orders/*", none, NULL, 1},
    {"GET", "/v2/fills", list_fills, page_rule, 10},
    {"GET", "/v2/positions", position, position_rule, 3},
    {"GET", "/v2/positions/margined", margined, NULL, 3},
    {"GET", "/v2/wallet/balances", none, NULL, 3},
    {"GET", "/v2/wallet/transactions", transactions, NULL, 10},
    {"POST", "/v2/products/*/orders/leverage", leverage, NULL, 1},
    {"GET", "/v2/products/*/orders/leverage", none, NULL, 1},
    {"POST", "/v2/heartbeat/create", heartbeat_new, heartbeat_rule, 1},
    {"POST", "/v2/heartbeat", heartbeat, NULL, 1},
    {"GET", "/v2/heartbeat", heartbeat_list, NULL, 1},
    {"GET", "/v2/profile", none, NULL, 1},
    {NULL, NULL, NULL, NULL, 0}};
