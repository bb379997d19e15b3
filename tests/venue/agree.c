/* Whether a venue's truth, a bot's journal and its table of trades tell one story:
 *
 *   agree STATE.json JOURNAL.json TRADES.csv LONGEST_S INITIAL_CASH
 *
 * STATE is what test_venue --state-file wrote, JOURNAL what `wick journal export DIR --json` did.
 * Every fill of the venue stands in the journal once, with its order, side, size, price and fee,
 * and none stands there that the venue does not have; no order was accepted twice, and none is
 * missing but an exit whose row a kill took; so it is with funding; positions are the sum of the
 * fills; each closed round trip of the table adds up to its fills; cash is what the fills made of
 * INITIAL_CASH, at the venue and in the journal; no position was without its stop for longer than
 * LONGEST_S; and the venue saw no violation. Prints what differs, exits with 1 then. */
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int n_wrong;

static void wrong(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void wrong(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (n_wrong++ < 20) {
        vprintf(fmt, args);
        putchar('\n');
    }
    va_end(args);
}

static const char *word(const json_t *row, const char *name)
{
    const char *s = json_string_value(json_object_get(row, name));
    return s ? s : "";
}

static double real(const json_t *row, const char *name)
{
    const json_t *v = json_object_get(row, name);
    return json_is_string(v) ? strtod(json_string_value(v), NULL) : json_number_value(v);
}

/* Cash in 1e-8. */
static long long e8(double amount)
{
    return (long long)(amount >= 0 ? amount * 1e8 + 0.5 : amount * 1e8 - 0.5);
}

typedef struct {
    char symbol[32];
    double contract_value, position;
    const char *venue_symbol;
} market;

static market markets[64];
static size_t n_markets;

static market *market_of(const char *symbol)
{
    for (size_t i = 0; i < n_markets; i++)
        if (strcmp(markets[i].venue_symbol, symbol) == 0 || strcmp(markets[i].symbol, symbol) == 0)
            return &markets[i];
    return NULL;
}

static int is_ours(const char *client_id)
{
    return strncmp(client_id, "wk", 2) == 0 && strlen(client_id) == 18;
}

static const char *fill_id(const json_t *fill, char out[40])
{
    snprintf(out, 40, "%lld", (long long)json_integer_value(json_object_get(fill, "id")));
    return *word(fill, "txid") ? word(fill, "txid") : out;
}

static int is_planned(const json_t *journal, const char *order_id)
{
    size_t i;
    json_t *row;
    json_array_foreach(journal, i, row) if (strcmp(word(row, "kind"), "order") == 0 &&
                                            strcmp(word(row, "order_id"), order_id) == 0) return 1;
    return 0;
}

static void compare_fill(const json_t *there, const json_t *here, const json_t *journal,
                         const char *id)
{
    const market *m = market_of(word(there, "symbol"));
    double size = real(there, "qty") * m->contract_value;
    if (fabs(size - real(here, "quantity")) > 1e-9 * size)
        wrong("fill %s: %.10g there, %.10g in the journal", id, size, real(here, "quantity"));
    if (fabs(real(there, "price") - real(here, "price")) > 1e-12 * real(there, "price"))
        wrong("fill %s: at %s there, at %.10g in the journal", id, word(there, "price"),
              real(here, "price"));
    if (e8(real(there, "fee")) != json_integer_value(json_object_get(here, "fee_e8")))
        wrong("fill %s: a fee of %s there, of %.8f in the journal", id, word(there, "fee"),
              real(here, "fee"));
    if (strcmp(word(there, "side"), word(here, "side")) != 0)
        wrong("fill %s: %s there, %s in the journal", id, word(there, "side"), word(here, "side"));
    /* Exits of the executor's own, stops and emulated targets, stand under their entry's id. */
    if (is_ours(word(there, "client_id")) && is_planned(journal, word(there, "client_id") + 2) &&
        strcmp(word(there, "client_id") + 2, word(here, "order_id")) != 0)
        wrong("fill %s: of order %s there, of %s in the journal", id, word(there, "client_id"),
              word(here, "order_id"));
}

static void compare_fills(const json_t *state, const json_t *journal)
{
    size_t i, k, n_there = 0, n_here = 0;
    json_t *there, *here;
    char number[40];
    json_array_foreach(json_object_get(state, "fills"), i, there)
    {
        const char *id = fill_id(there, number);
        size_t n = 0;
        json_array_foreach(journal, k, here)
        {
            if (strcmp(word(here, "kind"), "fill") == 0 &&
                strcmp(word(here, "venue_id"), id) == 0) {
                n++;
                compare_fill(there, here, journal, id);
            }
        }
        if (n != 1)
            wrong("fill %s of the venue (%s %s %s at %s) stands %zu times in the journal", id,
                  word(there, "side"), word(there, "qty"), word(there, "symbol"),
                  word(there, "price"), n);
        n_there++;
    }
    json_array_foreach(journal, k, here)
    {
        if (strcmp(word(here, "kind"), "fill") != 0)
            continue;
        market *m = market_of(word(here, "symbol"));
        n_here++;
        if (!m)
            wrong("the venue has no market %s", word(here, "symbol"));
        else
            m->position += strcmp(word(here, "side"), "buy") == 0 ? real(here, "quantity")
                                                                  : -real(here, "quantity");
    }
    if (n_there != n_here)
        wrong("%zu fills at the venue, %zu in the journal", n_there, n_here);
    printf("fills %zu\n", n_there);
}

/* A stop that was cancelled untouched: its id may stand for the next try. */
static int is_taken_back(const json_t *order)
{
    return strcmp(word(order, "trigger"), "none") != 0 &&
           strcmp(word(order, "state"), "cancelled") == 0 && real(order, "filled") == 0;
}

/* Exits are sent regardless and journalled after: a kill in that instant takes the row. Then a
 * start follows within a minute, and what the exit did stands in the journal as fills that are no
 * entry's.
 */
static int died_with_its_row(const json_t *order, const json_t *state, const json_t *journal)
{
    size_t i, k;
    json_t *row, *fill;
    double sent_s = real(order, "created_ns") / 1e9;
    int started = 0;
    json_array_foreach(journal, i, row)
    {
        double after_s = real(row, "time_ns") / 1e9 - sent_s;
        started |= strcmp(word(row, "kind"), "note") == 0 &&
                   strncmp(word(row, "text"), "started", 7) == 0 && after_s > 0 && after_s < 60;
    }
    json_array_foreach(json_object_get(state, "fills"), i, fill)
    {
        char number[40];
        const char *id = fill_id(fill, number);
        int exits = 0;
        if (strcmp(word(fill, "client_id"), word(order, "client_id")) != 0)
            continue;
        json_array_foreach(journal, k, row) exits |= strcmp(word(row, "kind"), "fill") == 0 &&
                                                     strcmp(word(row, "venue_id"), id) == 0 &&
                                                     strcmp(word(row, "reason"), "entry") != 0;
        if (!exits)
            return 0;
    }
    return started;
}

static void compare_orders(const json_t *state, const json_t *journal)
{
    size_t i, k, n = 0;
    json_t *there, *other, *row;
    const json_t *orders = json_object_get(state, "orders");
    json_array_foreach(orders, i, there)
    {
        const char *id = word(there, "client_id");
        size_t known = 0;
        if (!*id)
            continue;
        n++;
        json_array_foreach(
            orders, k, other) if (k > i && strcmp(word(other, "client_id"), id) == 0 &&
                                  !is_taken_back(there)) wrong("order %s was accepted twice", id);
        json_array_foreach(journal, k, row) known +=
            is_ours(id) && strcmp(word(row, "order_id"), id + 2) == 0;
        /* Stops of Kraken are the executor's own: their journal row comes with their fill. */
        if (!known && strcmp(word(there, "trigger"), "none") == 0 &&
            !died_with_its_row(there, state, journal))
            wrong("order %s is at the venue and not in the journal", id);
    }
    json_array_foreach(journal, k, row)
    {
        size_t found = 0;
        if (strcmp(word(row, "kind"), "order_state") != 0 ||
            (strcmp(word(row, "state"), "filled") != 0 &&
             strcmp(word(row, "state"), "working") != 0))
            continue;
        json_array_foreach(orders, i, there) found +=
            is_ours(word(there, "client_id")) &&
            strcmp(word(there, "client_id") + 2, word(row, "order_id")) == 0;
        if (!found)
            wrong("order %s is %s in the journal and not at the venue", word(row, "order_id"),
                  word(row, "state"));
    }
    printf("orders %zu\n", n);
}

static long long all_funding(const json_t *state)
{
    size_t i;
    json_t *f;
    long long sum = 0;
    json_array_foreach(json_object_get(state, "fundings"), i, f)
    {
        sum += e8(real(f, "amount"));
    }
    return sum;
}

/* Each mark's funding stands in the journal once. */
static void compare_funding(const json_t *state, const json_t *journal)
{
    size_t i, k, n_there = 0, n_here = 0;
    json_t *there, *here;
    json_array_foreach(journal, k, here) n_here += strcmp(word(here, "kind"), "funding") == 0;
    json_array_foreach(json_object_get(state, "fundings"), i, there)
    {
        size_t n = 0;
        json_array_foreach(journal, k, here)
        {
            n +=
                strcmp(word(here, "kind"), "funding") == 0 &&
                json_integer_value(json_object_get(here, "time_ns")) ==
                    json_integer_value(json_object_get(there, "time_ns")) &&
                market_of(word(here, "symbol")) == market_of(word(there, "symbol")) &&
                json_integer_value(json_object_get(here, "amount_e8")) == e8(real(there, "amount"));
        }
        if (n != 1)
            wrong("the funding of %s for %s stands %zu times in the journal", word(there, "amount"),
                  word(there, "symbol"), n);
        n_there++;
    }
    if (n_there != n_here)
        wrong("%zu fundings at the venue, %zu in the journal", n_there, n_here);
    if (n_there)
        printf("fundings %zu\n", n_there);
}

static json_int_t time_of(const json_t *row)
{
    return json_integer_value(json_object_get(row, "time_ns"));
}

/* The net of a market's round trips, as its fills and funding add up between one flat moment and
 * the next. */
static long long closed_net(const json_t *state, const market *m)
{
    size_t i, paid = 0;
    json_t *f;
    const json_t *fundings = json_object_get(state, "fundings"), *p;
    double position = 0;
    long long cash = 0, closed = 0;
    json_array_foreach(json_object_get(state, "fills"), i, f)
    {
        for (; (p = json_array_get(fundings, paid)) && time_of(p) <= time_of(f); paid++)
            if (market_of(word(p, "symbol")) == m)
                cash += e8(real(p, "amount"));
        if (market_of(word(f, "symbol")) != m)
            continue;
        int side = strcmp(word(f, "side"), "buy") == 0 ? 1 : -1;
        position += side * real(f, "qty");
        cash -= side * e8(real(f, "value")) + e8(real(f, "fee"));
        if (fabs(position) < 1e-9) {
            closed += cash;
            cash = 0;
            position = 0;
        }
    }
    return closed;
}

static void compare_trades(const json_t *state, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[1024];
    long long net[64] = {0};
    size_t rows = 0;
    if (!file || !fgets(line, sizeof line, file)) {
        wrong("%s cannot be read", path);
        return;
    }
    /* The column of `net`. */
    int column = 0;
    for (char *save = NULL, *one = strtok_r(line, ",\r\n", &save); one;
         one = strtok_r(NULL, ",\r\n", &save), column++)
        if (strcmp(one, "net") == 0)
            break;
    while (fgets(line, sizeof line, file)) {
        char *at = line;
        const market *m = market_of(strsep(&at, ","));
        for (int i = 1; i < column; i++)
            strsep(&at, ",");
        if (!m || !at)
            wrong("%s: a row without market or net", path);
        else
            net[m - markets] += e8(strtod(at, NULL));
        rows++;
    }
    fclose(file);
    long long sum = 0;
    for (size_t i = 0; i < n_markets; i++) {
        long long there = closed_net(state, &markets[i]);
        sum += there;
        if (llabs(there - net[i]) > 1000000)
            wrong("%s: round trips net %.8f at the venue, %.8f in the table", markets[i].symbol,
                  (double)there / 1e8, (double)net[i] / 1e8);
    }
    printf("round trips %zu, net %.2f\n", rows, (double)sum / 1e8);
}

/* What the fills made of the cash: the venue's balance, and the journal's as of its last step. */
static void compare_cash(const json_t *state, const json_t *journal, double initial)
{
    size_t i;
    json_t *row, *value;
    const char *key;
    long long spot = e8(initial), margin = e8(initial) + all_funding(state), here = 0, told = 0,
              balance = 0;
    int is_kraken = strcmp(word(state, "venue"), "kraken") == 0;
    /* The quote's: ZUSD, USD or USDT; ZUSD where there are several. */
    json_object_foreach(json_object_get(state, "balances"), key, value)
    {
        if (strstr(key, "USD"))
            balance = e8(strtod(json_string_value(value), NULL));
    }
    if (json_object_get(json_object_get(state, "balances"), "ZUSD"))
        balance = e8(real(json_object_get(state, "balances"), "ZUSD"));
    json_array_foreach(json_object_get(state, "fills"), i, row)
    {
        int side = strcmp(word(row, "side"), "buy") == 0 ? 1 : -1;
        spot -= side * e8(real(row, "value")) + e8(real(row, "fee"));
    }
    json_array_foreach(json_object_get(state, "markets"), i, row)
    {
        margin += e8(real(row, "realized")) - e8(real(row, "fees"));
    }
    if (balance != (is_kraken ? spot : margin))
        wrong("the venue's balance is %.8f, its fills make it %.8f", (double)balance / 1e8,
              (double)(is_kraken ? spot : margin) / 1e8);
    double cash = initial;
    json_array_foreach(journal, i, row)
    {
        int side = strcmp(word(row, "side"), "buy") == 0 ? 1 : -1;
        if (strcmp(word(row, "kind"), "fill") == 0)
            cash -= side * real(row, "quantity") * real(row, "price") + real(row, "fee");
        if (strcmp(word(row, "kind"), "funding") == 0)
            cash += real(row, "amount");
        if (strcmp(word(row, "kind"), "equity") == 0) {
            here = e8(cash);
            told = json_integer_value(json_object_get(row, "cash_e8"));
        }
    }
    if (llabs(here - told) > 500000)
        wrong("the journal's cash is %.8f, its fills make it %.8f", (double)told / 1e8,
              (double)here / 1e8);
    printf("cash %.2f by the venue's fills, %.2f at the journal's last step\n",
           (double)(spot + all_funding(state)) / 1e8, (double)told / 1e8);
}

static void compare_markets(const json_t *state, double longest)
{
    size_t i;
    json_t *m;
    double worst = 0;
    json_array_foreach(json_object_get(state, "markets"), i, m)
    {
        const market *ours = market_of(word(m, "symbol"));
        double there = real(m, "position") * ours->contract_value;
        if (fabs(there - ours->position) > 1e-9)
            wrong("%s: a position of %.10g there, of %.10g by the journal's fills",
                  word(m, "symbol"), there, ours->position);
        worst = real(m, "unprotected_longest_s") > worst ? real(m, "unprotected_longest_s") : worst;
        if (real(m, "unprotected_longest_s") > longest)
            wrong("%s: %.1f s without a stop", word(m, "symbol"), real(m, "unprotected_longest_s"));
    }
    printf("longest without a stop %.1f s\n", worst);
}

int main(int argc, char **argv)
{
    json_error_t why;
    if (argc != 6) {
        fputs("usage: agree STATE.json JOURNAL.json TRADES.csv LONGEST_S INITIAL_CASH\n", stderr);
        return 2;
    }
    json_t *state = json_load_file(argv[1], 0, &why);
    json_t *journal = state ? json_load_file(argv[2], 0, &why) : NULL;
    if (!state || !journal) {
        fprintf(stderr, "agree: %s:%d: %s\n", state ? argv[2] : argv[1], why.line, why.text);
        return 2;
    }
    size_t i;
    json_t *m, *violation;
    json_array_foreach(json_object_get(state, "markets"), i, m)
    {
        market *out = &markets[n_markets++];
        out->venue_symbol = word(m, "symbol");
        out->contract_value = real(m, "contract_value");
        snprintf(out->symbol, sizeof out->symbol, "%s", word(m, "name"));
    }
    compare_fills(state, journal);
    compare_funding(state, journal);
    compare_orders(state, journal);
    compare_markets(state, strtod(argv[4], NULL));
    compare_trades(state, argv[3]);
    compare_cash(state, journal, strtod(argv[5], NULL));
    json_array_foreach(json_object_get(state, "violations"), i, violation)
        wrong("violation: %s", json_string_value(violation));
    if (json_integer_value(json_object_get(state, "liquidations")))
        wrong("a position was liquidated");
    printf("requests %lld, refused by an outage %lld, faults %lld\n",
           (long long)json_integer_value(json_object_get(state, "signed_requests")),
           (long long)json_integer_value(json_object_get(state, "refused_by_outage")),
           (long long)json_integer_value(json_object_get(state, "faults")));
    if (n_wrong)
        printf("%d differences\n", n_wrong);
    json_decref(state);
    json_decref(journal);
    return n_wrong > 0;
}
