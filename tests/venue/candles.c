/* Candles of a CSV (time,open,high,low,close,volume; seconds or milliseconds; gzip or not) as a
 * path of prices. A candle that rose goes open, low, high, close, another open, high, low, close;
 * between two candles the price jumps. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "trading.h"

enum { PLACES = 10 }; /* of a price in a file, at most */

/* A cell with PLACES decimals. */
static int cell(char **at, int64_t *out)
{
    char *from = *at, *comma = strpbrk(from, ",\r\n");
    char word[64];
    size_t n = comma ? (size_t)(comma - from) : strlen(from);
    *at = comma ? comma + 1 : from + n;
    if (n == 0 || n >= sizeof word)
        return 0;
    memcpy(word, from, n);
    word[n] = 0;
    if (strpbrk(word, "eE")) {
        double v = strtod(word, NULL);
        snprintf(word, sizeof word, "%.*f", PLACES, v);
    }
    char *dot = strchr(word, '.');
    /* More digits than that are noise of somebody's doubles. */
    if (dot && strlen(dot + 1) > PLACES)
        dot[1 + PLACES] = 0;
    return units_of(word, PLACES, out);
}

static void points_of(traded *m, int64_t time_ns, int64_t seconds, const int64_t p[4])
{
    int rose = p[3] >= p[0];
    const int64_t prices[4] = {p[0], rose ? p[2] : p[1], rose ? p[1] : p[2], p[3]};
    for (int i = 0; i < 4; i++) {
        int64_t after = i == 3 ? seconds * NS_A_SECOND - 1 : seconds * NS_A_SECOND / 3 * i;
        m->path[m->n_path++] = (engine_point){time_ns + after, prices[i], i == 0};
    }
}

typedef struct {
    int64_t time_s, p[4];
} row;

static row *rows_read(const char *file, size_t *n, char *error, size_t error_size)
{
    gzFile in = gzopen(file, "rb");
    row *rows = NULL;
    size_t size = 0;
    char line[512];
    *n = 0;
    if (!in) {
        snprintf(error, error_size, "cannot read %s", file);
        return NULL;
    }
    for (int64_t number = 1; gzgets(in, line, sizeof line); number++) {
        char *at = line;
        row one;
        if (!isdigit((unsigned char)*line) && number == 1)
            continue;
        int64_t time = (int64_t)strtod(line, &at); /* 1.5e9 is exact */
        int ok = *at++ == ',';
        for (int i = 0; i < 4; i++)
            ok = ok && cell(&at, &one.p[i]) && one.p[i] > 0;
        if (!ok) {
            snprintf(error, error_size, "%s:%lld: no candle", file, (long long)number);
            free(rows);
            gzclose(in);
            return NULL;
        }
        one.time_s = time > INT64_C(100000000000) ? time / 1000 : time;
        if (*n == size) {
            size = size ? size * 2 : 4096;
            rows = realloc(rows, size * sizeof *rows);
            if (!rows)
                abort();
        }
        rows[(*n)++] = one;
    }
    gzclose(in);
    if (*n < 2)
        snprintf(error, error_size, "%s has fewer than two candles", file);
    return rows;
}

int candles_read(traded *m, const char *file, int is_kraken, char *error, size_t error_size)
{
    size_t n;
    row *rows = rows_read(file, &n, error, error_size);
    if (!rows || n < 2) {
        free(rows);
        return 0;
    }
    int64_t seconds = INT64_MAX, unit = 1;
    for (size_t i = 1; i < n; i++)
        if (rows[i].time_s - rows[i - 1].time_s < seconds)
            seconds = rows[i].time_s - rows[i - 1].time_s;
    int decimals = PLACES;
    for (int even = 1; even && decimals > 0;) {
        for (size_t i = 0; i < n && even; i++)
            for (int k = 0; k < 4; k++)
                even = even && rows[i].p[k] % (unit * 10) == 0;
        if (even) {
            unit *= 10;
            decimals--;
        }
    }
    m->path = malloc(n * 4 * sizeof *m->path);
    if (!m->path || seconds <= 0)
        abort();
    for (size_t i = 0; i < n; i++) {
        int64_t p[4];
        for (int k = 0; k < 4; k++)
            p[k] = rows[i].p[k] / unit;
        points_of(m, rows[i].time_s * NS_A_SECOND, seconds, p);
    }
    const char *name = strrchr(file, '/');
    char word[24];
    name = name ? name + 1 : file;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(name, "-."), name);
    traded_words(m, word, is_kraken);
    m->instrument.price_decimals = decimals;
    m->instrument.tick = 1;
    m->instrument.price_first = m->path[0].price;
    if (!is_kraken) {
        /* The largest power of ten of the coin that is worth at most 50 of the quote. */
        double price = (double)m->path[m->n_path - 1].price;
        for (int i = 0; i < decimals; i++)
            price /= 10;
        int tens = 0;
        while (price > 50 && tens < 8) {
            price /= 10;
            tens++;
        }
        int zeros = 0;
        while (tens == 0 && price * 10 <= 50 && zeros < 6) {
            price *= 10;
            zeros++;
        }
        if (tens)
            snprintf(m->words[5], sizeof m->words[5], "0.%0*d", tens, 1);
        else
            snprintf(m->words[5], sizeof m->words[5], "1%.*s", zeros, "000000");
    }
    free(rows);
    return 1;
}

static const char *kraken_asset(const char *name, char *out, size_t size)
{
    static const char *const coins[] = {"XBT", "ETH", "LTC", "XRP", "XLM", "ETC", "ZEC", "XMR"};
    static const char *const moneys[] = {"USD", "EUR", "GBP", "CAD", "JPY"};
    snprintf(out, size, "%s", name);
    for (size_t i = 0; i < sizeof coins / sizeof coins[0]; i++)
        if (strcmp(coins[i], name) == 0)
            snprintf(out, size, "X%s", name);
    for (size_t i = 0; i < sizeof moneys / sizeof moneys[0]; i++)
        if (strcmp(moneys[i], name) == 0)
            snprintf(out, size, "Z%s", name);
    return out;
}

void traded_words(traded *m, const char *name, int is_kraken)
{
    static const char *const quotes[] = {"USDT", "USDC", "USD", "EUR", "BTC"};
    char base[12], quote[8] = "USD", coin[12];
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof quotes / sizeof quotes[0]; i++) {
        size_t k = strlen(quotes[i]);
        if (n > k && strcmp(name + n - k, quotes[i]) == 0) {
            snprintf(quote, sizeof quote, "%s", quotes[i]);
            n -= k;
            break;
        }
    }
    snprintf(base, sizeof base, "%.*s", (int)n, name);
    market_instrument *p = &m->instrument;
    memset(p, 0, sizeof *p);
    p->price_decimals = 2;
    p->tick = p->qty_step = 1;
    p->qty_most = 3000;
    p->contract_type = "perpetual_futures";
    if (is_kraken) {
        snprintf(coin, sizeof coin, "%s",
                 strcmp(base, "BTC") == 0    ? "XBT"
                 : strcmp(base, "DOGE") == 0 ? "XDG"
                                             : base);
        const char *stream = strcmp(coin, "XBT") == 0   ? "BTC"
                             : strcmp(coin, "XDG") == 0 ? "DOGE"
                                                        : coin;
        kraken_asset(coin, m->words[3], sizeof m->words[3]);
        kraken_asset(quote, m->words[4], sizeof m->words[4]);
        int is_old =
            m->words[3][0] == 'X' && strcmp(m->words[3], coin) != 0 && m->words[4][0] == 'Z';
        snprintf(m->words[1], sizeof m->words[1], "%s%s", coin, quote);
        snprintf(m->words[0], sizeof m->words[0], "%.10s%.10s", is_old ? m->words[3] : coin,
                 is_old ? m->words[4] : quote);
        snprintf(m->words[2], sizeof m->words[2], "%s/%s", coin, quote);
        snprintf(m->words[6], sizeof m->words[6], "%s/%s", stream, quote);
        snprintf(m->words[7], sizeof m->words[7], "%.20s", name);
        p->name = m->words[0];
        p->alias[0] = m->words[1];
        p->alias[1] = m->words[2];
        p->alias[2] = m->words[6];
        p->alias[3] = m->words[7];
        p->qty_decimals = 8;
        p->qty_most = 500000000;
    } else {
        snprintf(m->words[0], sizeof m->words[0], "%.20s", name);
        snprintf(m->words[3], sizeof m->words[3], "%s", base);
        snprintf(m->words[4], sizeof m->words[4], "%s", quote);
        snprintf(m->words[5], sizeof m->words[5], "1");
        p->name = m->words[0];
        p->contract_value = m->words[5];
    }
    p->base = m->words[3];
    p->quote = m->words[4];
}
