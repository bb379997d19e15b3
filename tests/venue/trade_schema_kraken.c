/* Kraken's private REST calls, as forms. Source: docs.kraken.com, api-reference/trading and
 * account-data. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trade_schema.h"

#define TYPES                                                                                      \
    "market limit iceberg stop-loss stop-loss-limit take-profit take-profit-limit trailing-stop "  \
    "trailing-stop-limit settle-position"
#define CLOSE_TYPES                                                                                \
    "limit iceberg stop-loss stop-loss-limit take-profit take-profit-limit trailing-stop "         \
    "trailing-stop-limit"
#define NONCE                                                                                      \
    {"nonce", FIELD_COUNT, 1, NULL},                                                               \
    {                                                                                              \
        "otp", FIELD_STRING, 0, "40"                                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        NULL, FIELD_STRING, 0, NULL                                                                \
    }

static const schema_field none[] = {NONCE, END};
static const schema_field add_order[] = {
    NONCE,
    {"pair", FIELD_STRING, 1, "20"},
    {"type", FIELD_WORD, 1, "buy sell"},
    {"ordertype", FIELD_WORD, 1, TYPES},
    {"volume", FIELD_DECIMAL, 1, NULL},
    {"displayvol", FIELD_DECIMAL, 0, NULL},
    {"price", FIELD_STRING, 0, "40"},
    {"price2", FIELD_STRING, 0, "40"},
    {"trigger", FIELD_WORD, 0, "last index"},
    {"leverage", FIELD_STRING, 0, "8"},
    {"reduce_only", FIELD_BOOL, 0, NULL},
    {"oflags", FIELD_WORDS, 0, "post fcib fciq nompp viqc"},
    {"timeinforce", FIELD_WORD, 0, "GTC IOC GTD"},
    {"starttm", FIELD_STRING, 0, "20"},
    {"expiretm", FIELD_STRING, 0, "20"},
    {"close[ordertype]", FIELD_WORD, 0, CLOSE_TYPES},
    {"close[price]", FIELD_STRING, 0, "40"},
    {"close[price2]", FIELD_STRING, 0, "40"},
    {"stptype", FIELD_WORD, 0, "cancel-newest cancel-oldest cancel-both"},
    {"deadline", FIELD_TIME, 0, NULL},
    {"validate", FIELD_BOOL, 0, NULL},
    {"userref", FIELD_SIGNED, 0, NULL},
    {"cl_ord_id", FIELD_STRING, 0, "36"},
    END};
static const schema_field amend[] = {NONCE,
                                     {"txid", FIELD_STRING, 0, "40"},
                                     {"cl_ord_id", FIELD_STRING, 0, "36"},
                                     {"order_qty", FIELD_DECIMAL, 0, NULL},
                                     {"display_qty", FIELD_DECIMAL, 0, NULL},
                                     {"limit_price", FIELD_DECIMAL, 0, NULL},
                                     {"trigger_price", FIELD_DECIMAL, 0, NULL},
                                     {"post_only", FIELD_BOOL, 0, NULL},
                                     {"deadline", FIELD_TIME, 0, NULL},
                                     END};
static const schema_field cancel[] = {
    NONCE, {"txid", FIELD_STRING, 0, "40"}, {"cl_ord_id", FIELD_STRING, 0, "36"}, END};
static const schema_field cancel_after[] = {NONCE, {"timeout", FIELD_INT, 1, NULL}, END};
static const schema_field open_orders[] = {NONCE,
                                           {"trades", FIELD_BOOL, 0, NULL},
                                           {"userref", FIELD_SIGNED, 0, NULL},
                                           {"cl_ord_id", FIELD_STRING, 0, "36"},
                                           END};
static const schema_field closed_orders[] = {NONCE,
                                             {"trades", FIELD_BOOL, 0, NULL},
                                             {"userref", FIELD_SIGNED, 0, NULL},
                                             {"cl_ord_id", FIELD_STRING, 0, "36"},
                                             {"start", FIELD_NUMBER, 0, NULL},
                                             {"end", FIELD_NUMBER, 0, NULL},
                                             {"ofs", FIELD_INT, 0, NULL},
                                             {"closetime", FIELD_WORD, 0, "open close both"},
                                             END};
static const schema_field query_orders[] = {NONCE,
                                            {"trades", FIELD_BOOL, 0, NULL},
                                            {"userref", FIELD_SIGNED, 0, NULL},
                                            {"txid", FIELD_STRING, 1, "1100"},
                                            END};
static const schema_field history[] = {NONCE,
                                       {"type", FIELD_STRING, 0, "30"},
                                       {"trades", FIELD_BOOL, 0, NULL},
                                       {"start", FIELD_NUMBER, 0, NULL},
                                       {"end", FIELD_NUMBER, 0, NULL},
                                       {"ofs", FIELD_INT, 0, NULL},
                                       END};
static const schema_field query_trades[] = {
    NONCE, {"txid", FIELD_STRING, 1, "1100"}, {"trades", FIELD_BOOL, 0, NULL}, END};
static const schema_field trade_balance[] = {NONCE, {"asset", FIELD_STRING, 0, "12"}, END};
static const schema_field positions[] = {NONCE,
                                         {"txid", FIELD_STRING, 0, "1100"},
                                         {"docalcs", FIELD_BOOL, 0, NULL},
                                         {"consolidation", FIELD_WORD, 0, "market"},
                                         END};

static int has(const json_t *said, const char *name)
{
    return json_object_get(said, name) != NULL;
}

static const char *word(const json_t *said, const char *name)
{
    const char *s = json_string_value(json_object_get(said, name));
    return s ? s : "";
}

static int no(char *field, const char *name, char *why, const char *what)
{
    snprintf(field, SCHEMA_FIELD, "%s", name);
    snprintf(why, SCHEMA_WHY, "%s", what);
    return 0;
}

/* A UUID with or without dashes, or up to 18 printable characters. */
static int is_client_id(const char *s)
{
    size_t n = strlen(s), hex = 0;
    for (const char *c = s; *c; c++) {
        if (!isgraph((unsigned char)*c))
            return 0;
        hex += isxdigit((unsigned char)*c) != 0;
    }
    if (n > 0 && n <= 18)
        return 1;
    return hex == 32 &&
           (n == 32 || (n == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-'));
}

/* A plain price: neither relative nor in percent. */
static int is_price(const char *s)
{
    char *end;
    return isdigit((unsigned char)*s) && strtod(s, &end) > 0 && *end == 0 && !strpbrk(s, "eExX");
}

/* Which of price and price2 an order type takes. */
static int prices_rule(const char *type, const char *price, const char *price2, char *field,
                       char *why)
{
    int is_stop = strncmp(type, "stop-loss", 9) == 0 || strncmp(type, "take-profit", 11) == 0;
    int needs_2 = is_stop && strstr(type, "-limit") != NULL;
    int needs_1 = is_stop || strcmp(type, "limit") == 0 || strcmp(type, "iceberg") == 0;
    if (strncmp(type, "trailing", 8) == 0)
        return 1; /* distances; the venue here does not serve them */
    if (needs_1 != (*price != 0) || (*price && !is_price(price)))
        return no(field, "price", why, "price does not go with the ordertype, or is no number");
    if (needs_2 != (*price2 != 0) || (*price2 && !is_price(price2)))
        return no(field, "price2", why, "price2 does not go with the ordertype, or is no number");
    return 1;
}

static int add_rule(const json_t *said, char *field, char *why)
{
    const char *type = word(said, "ordertype"), *flags = word(said, "oflags");
    if (has(said, "userref") && has(said, "cl_ord_id"))
        return no(field, "cl_ord_id", why, "userref and cl_ord_id exclude each other");
    if (has(said, "cl_ord_id") && !is_client_id(word(said, "cl_ord_id")))
        return no(field, "cl_ord_id", why, "cl_ord_id is no UUID and longer than 18 characters");
    if (!prices_rule(type, word(said, "price"), word(said, "price2"), field, why))
        return 0;
    if (has(said, "close[ordertype]") &&
        !prices_rule(word(said, "close[ordertype]"), word(said, "close[price]"),
                     word(said, "close[price2]"), field, why))
        return 0;
    if (!has(said, "close[ordertype]") && (has(said, "close[price]") || has(said, "close[price2]")))
        return no(field, "close[ordertype]", why, "a price of a close order without its type");
    if (has(said, "displayvol") != (strcmp(type, "iceberg") == 0))
        return no(field, "displayvol", why, "displayvol belongs to iceberg orders");
    if (strstr(flags, "post") && strcmp(type, "limit") != 0 && strcmp(type, "iceberg") != 0)
        return no(field, "oflags", why, "only limit orders are post-only");
    if (strcmp(word(said, "reduce_only"), "true") == 0 && !has(said, "leverage"))
        return no(field, "reduce_only", why, "reduce_only is for margin orders");
    if (has(said, "trigger") && strncmp(type, "stop", 4) != 0 && strncmp(type, "take", 4) != 0)
        return no(field, "trigger", why, "a trigger on an order that has none");
    if (has(said, "leverage") &&
        (atoi(word(said, "leverage")) < 2 ||
         strspn(word(said, "leverage"), "0123456789") != strlen(word(said, "leverage"))))
        return no(field, "leverage", why, "leverage is a whole number of at least 2");
    if ((strcmp(word(said, "timeinforce"), "GTD") == 0) != has(said, "expiretm"))
        return no(field, "expiretm", why, "expiretm goes with timeinforce=GTD");
    return 1;
}

static int one_order(const json_t *said, char *field, char *why)
{
    if (has(said, "txid") + has(said, "cl_ord_id") != 1)
        return no(field, "txid", why, "exactly one of txid and cl_ord_id is said");
    return 1;
}

static int timeout_rule(const json_t *said, char *field, char *why)
{
    if (atoll(word(said, "timeout")) >= 86400)
        return no(field, "timeout", why, "the timeout is below 86400 s");
    return 1;
}

static int txids_rule(const json_t *said, char *field, char *why)
{
    int n = 1;
    for (const char *c = word(said, "txid"); *c; c++)
        n += *c == ',';
    return n <= 50 ? 1 : no(field, "txid", why, "more than 50 transaction ids");
}

const schema_call schema_kraken[] = {
    {"POST", "/0/private/AddOrder", add_order, add_rule, 0},
    {"POST", "/0/private/AmendOrder", amend, one_order, 0},
    {"POST", "/0/private/CancelOrder", cancel, one_order, 0},
    {"POST", "/0/private/CancelAll", none, NULL, 1},
    {"POST", "/0/private/CancelAllOrdersAfter", cancel_after, timeout_rule, 1},
    {"POST", "/0/private/OpenOrders", open_orders, NULL, 1},
    {"POST", "/0/private/ClosedOrders", closed_orders, NULL, 1},
    {"POST", "/0/private/QueryOrders", query_orders, txids_rule, 1},
    {"POST", "/0/private/TradesHistory", history, NULL, 2},
    {"POST", "/0/private/QueryTrades", query_trades, txids_rule, 2},
    {"POST", "/0/private/Balance", none, NULL, 1},
    {"POST", "/0/private/BalanceEx", none, NULL, 1},
    {"POST", "/0/private/TradeBalance", trade_balance, NULL, 1},
    {"POST", "/0/private/OpenPositions", positions, NULL, 1},
    {"POST", "/0/private/GetWebSocketsToken", none, NULL, 1},
    {NULL, NULL, NULL, NULL, 0}};
