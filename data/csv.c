/* Rows of candle and rate files. */
#include "wick/csv.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    const char *text;
    size_t n;
} field;

static const char *const candle_names[6] = {"time", "open", "high", "low", "close", "volume"};
static const char *const rate_names[2] = {"time", "rate"};

/* Cuts the line at its commas and takes blanks and one pair of quotes off. Returns the count, which
 * may exceed WK_CSV_COLUMNS_MAX though no more are stored. */
static int cut(const char *line, size_t n, field *fields)
{
    int count = 0;
    for (size_t i = 0; i <= n; i++) {
        size_t end = i;
        while (end < n && line[end] != ',')
            end++;
        size_t a = i, b = end;
        while (a < b && (line[a] == ' ' || line[a] == '\t'))
            a++;
        while (b > a && (line[b - 1] == ' ' || line[b - 1] == '\t'))
            b--;
        if (b - a >= 2 && line[a] == '"' && line[b - 1] == '"') {
            a++;
            b--;
        }
        if (count < WK_CSV_COLUMNS_MAX)
            fields[count] = (field){line + a, b - a};
        count++;
        i = end;
    }
    return count;
}

static int is_name(field f, const char *name)
{
    if (f.n != strlen(name))
        return 0;
    for (size_t i = 0; i < f.n; i++) {
        char c = f.text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c != name[i])
            return 0;
    }
    return 1;
}

/* The first column of this name; "time" has the aliases that exports use. */
static int find_column(const field *fields, int n, const char *name)
{
    static const char *const aliases[] = {"open_time", "timestamp", "date", "datetime"};
    for (int i = 0; i < n; i++)
        if (is_name(fields[i], name))
            return i;
    if (!strcmp(name, "time"))
        for (size_t a = 0; a < sizeof aliases / sizeof *aliases; a++)
            for (int i = 0; i < n; i++)
                if (is_name(fields[i], aliases[a]))
                    return i;
    return -1;
}

static wk_csv_result read_header(wk_csv_parser *p, const field *fields, int n,
                                 const char *const *names, int n_names, const char *form,
                                 char why[256])
{
    for (int i = 0; i < n_names; i++) {
        p->column[i] = find_column(fields, n, names[i]);
        if (p->column[i] < 0) {
            snprintf(why, 256, "the header has no column \"%s\"; write %s", names[i], form);
            return WK_CSV_FATAL;
        }
    }
    p->format = WK_CSV_NAMED;
    p->n_columns = n;
    return WK_CSV_SKIP;
}

/* A first field that starts with a letter begins a header. */
static int looks_like_header(field first)
{
    if (first.n == 0)
        return 0;
    char c = first.text[0];
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static void say_bad_field(char why[256], const char *name, field f, const char *problem,
                          const char *fix)
{
    char shown[33];
    size_t n = f.n < 32 ? f.n : 32;
    for (size_t i = 0; i < n; i++)
        shown[i] = f.text[i] >= 32 && f.text[i] < 127 ? f.text[i] : '?';
    shown[n] = 0;
    snprintf(why, 256, "%s \"%s\" %s; %s", name, shown, problem, fix);
}

/* Shared beginning of both feeds: blank lines, byte-order mark, column count. Returns the fields,
 * or -1 with *result set when there is nothing more to do. */
static int begin(wk_csv_parser *p, const char *line, size_t n, field *fields, wk_csv_result *result,
                 char why[256])
{
    if (p->format == WK_CSV_UNDECIDED && n >= 3 && !memcmp(line, "\xEF\xBB\xBF", 3)) {
        line += 3;
        n -= 3;
    }
    while (n > 0 && (line[n - 1] == '\r' || line[n - 1] == ' '))
        n--;
    *result = WK_CSV_SKIP;
    if (n == 0)
        return -1;
    int count = cut(line, n, fields);
    if (p->format != WK_CSV_UNDECIDED && count != p->n_columns) {
        snprintf(why, 256,
                 "%d fields where the first row has %d; the file may be cut off, fetch it again",
                 count, p->n_columns);
        *result = WK_CSV_BROKEN;
        return -1;
    }
    if (count > WK_CSV_COLUMNS_MAX) {
        snprintf(why, 256, "%d columns; at most %d are read", count, WK_CSV_COLUMNS_MAX);
        *result = WK_CSV_FATAL;
        return -1;
    }
    return count;
}

wk_csv_result wk_csv_feed_candle(wk_csv_parser *p, const char *line, size_t n, wk_bar *bar,
                                 char why[256])
{
    field fields[WK_CSV_COLUMNS_MAX];
    wk_csv_result result;
    int count = begin(p, line, n, fields, &result, why);
    if (count < 0)
        return result;
    if (p->format == WK_CSV_UNDECIDED) {
        if (looks_like_header(fields[0]))
            return read_header(p, fields, count, candle_names, 6, "time,open,high,low,close,volume",
                               why);
        if (count != 7 && count != 12) {
            snprintf(
                why, 256,
                "no header and %d columns, which is neither Kraken's form (7) nor Binance's (12); "
                "put the line time,open,high,low,close,volume first",
                count);
            return WK_CSV_FATAL;
        }
        p->format = count == 7 ? WK_CSV_KRAKEN : WK_CSV_BINANCE;
        p->n_columns = count;
        for (int i = 0; i < 6; i++)
            p->column[i] = i;
    }
    wk_bar b;
    double *const values[6] = {NULL, &b.open, &b.high, &b.low, &b.close, &b.volume};
    for (int i = 0; i < 6; i++) {
        field f = fields[p->column[i]];
        const char *problem = i == 0 ? wk_stamp_parse(f.text, f.n, &b.time_ns)
                                     : wk_number_parse(f.text, f.n, values[i]);
        if (problem) {
            say_bad_field(why, candle_names[i], f, problem, "correct or delete the row");
            return WK_CSV_BROKEN;
        }
    }
    *bar = b;
    return WK_CSV_ROW;
}

wk_csv_result wk_csv_feed_rate(wk_csv_parser *p, const char *line, size_t n, int64_t *time_ns,
                               double *rate, char why[256])
{
    field fields[WK_CSV_COLUMNS_MAX];
    wk_csv_result result;
    int count = begin(p, line, n, fields, &result, why);
    if (count < 0)
        return result;
    if (p->format == WK_CSV_UNDECIDED) {
        if (looks_like_header(fields[0]))
            return read_header(p, fields, count, rate_names, 2, "time,rate", why);
        snprintf(why, 256, "no header; put the line time,rate first");
        return WK_CSV_FATAL;
    }
    field stamp = fields[p->column[0]], value = fields[p->column[1]];
    int64_t t;
    double r;
    const char *problem = wk_stamp_parse(stamp.text, stamp.n, &t);
    if (problem) {
        say_bad_field(why, "time", stamp, problem, "correct or delete the row");
        return WK_CSV_BROKEN;
    }
    problem = wk_number_parse(value.text, value.n, &r);
    if (problem) {
        say_bad_field(why, "rate", value, problem, "correct or delete the row");
        return WK_CSV_BROKEN;
    }
    *time_ns = t;
    *rate = r;
    return WK_CSV_ROW;
}
