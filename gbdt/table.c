/* Tables of numbers from CSV and TSV. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "table.h"

#define CELL_MAX 64 /* bytes of a number */

typedef wk__table_cell cell;

typedef struct {
    const char *at, *end; /* of the text */
    const char *name;
    char separator;
    size_t line;
} reader;

/* The next cell of the line; *last tells that the line ends after it. Quotes are taken off. */
static cell next_cell(reader *r, bool *last)
{
    cell c = {r->at, 0};
    if (r->at < r->end && *r->at == '"') {
        const char *quote = memchr(r->at + 1, '"', (size_t)(r->end - r->at - 1));
        if (quote) {
            c = (cell){r->at + 1, (size_t)(quote - r->at - 1)};
            r->at = quote + 1;
        }
    }
    const char *start = r->at;
    while (r->at < r->end && *r->at != r->separator && *r->at != '\n')
        r->at++;
    if (c.text == start)
        c.n = (size_t)(r->at - start);
    *last = r->at >= r->end || *r->at == '\n';
    if (r->at < r->end)
        r->at++;
    while (c.n > 0 && (c.text[c.n - 1] == '\r' || c.text[c.n - 1] == ' '))
        c.n--;
    while (c.n > 0 && *c.text == ' ') {
        c.text++;
        c.n--;
    }
    return c;
}

bool wk__table_number(cell c, float *out)
{
    static const char *const missing[] = {"NA", "nan", "null", "none", "?"};
    *out = NAN;
    if (c.n == 0)
        return true;
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (strlen(missing[i]) == c.n && strncasecmp(missing[i], c.text, c.n) == 0)
            return true;
    char text[CELL_MAX], *end;
    if (c.n >= CELL_MAX || memchr(c.text, 'x', c.n) || memchr(c.text, 'X', c.n))
        return false;
    memcpy(text, c.text, c.n);
    text[c.n] = 0;
    *out = strtof(text, &end);
    return end == text + c.n;
}

/* The same cell in f64, once it is known to be a number or missing. */
static double exact_number(cell c)
{
    char text[CELL_MAX], *end;
    memcpy(text, c.text, c.n);
    text[c.n] = 0;
    double value = strtod(text, &end);
    return c.n > 0 && end == text + c.n ? value : NAN;
}

/* Skips lines without a byte but blanks. */
static bool find_line(reader *r)
{
    while (r->at < r->end) {
        const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
        const char *p = r->at;
        stop = stop ? stop : r->end;
        while (p < stop && (*p == '\r' || *p == ' '))
            p++;
        r->line++;
        if (p < stop)
            return true;
        r->at = stop < r->end ? stop + 1 : stop;
    }
    return false;
}

/* Counts the columns of the first line and decides whether it is a header: a line with a cell that
 * is no number. Leaves the reader after a header, before the first row otherwise. */
static wk_status read_header(reader *r, wk_gbdt_table *t, wk_err *err)
{
    reader probe = *r;
    bool last = false, header = false;
    float value;
    while (!last) {
        cell c = next_cell(&probe, &last);
        header |= !wk__table_number(c, &value);
        t->n_cols++;
    }
    if (!header) {
        r->line--; /* it will be found again as the first row */
        return WK_OK;
    }
    t->names = calloc(t->n_cols, sizeof *t->names);
    if (!t->names)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->name);
    for (size_t i = 0; i < t->n_cols; i++) {
        cell c = next_cell(r, &last);
        t->names[i] = strndup(c.text, c.n);
        if (!t->names[i])
            return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->name);
    }
    return WK_OK;
}

static bool grow_exact(double **values, bool wanted, size_t n)
{
    double *grown = wanted ? realloc(*values, n * sizeof *grown) : NULL;
    if (grown)
        *values = grown;
    return grown || !wanted;
}

static wk_status read_row(reader *r, const wk_gbdt_table_options *o, wk_gbdt_table *t,
                          size_t *capacity, wk_err *err)
{
    if (t->n_rows == *capacity) {
        size_t grown = *capacity ? *capacity * 2 : 1024;
        float *cells = grown > SIZE_MAX / sizeof *cells / t->n_cols
                           ? NULL
                           : realloc(t->cells, grown * t->n_cols * sizeof *cells);
        if (cells)
            t->cells = cells;
        if (!cells || !grow_exact(&t->time, o->time_column, grown) ||
            !grow_exact(&t->end, o->end_column, grown))
            return wk_fail(err, WK_E_NOMEM, "out of memory reading %s at line %zu", r->name,
                           r->line);
        *capacity = grown;
    }
    bool last = false;
    size_t n = 0;
    for (; !last; n++) {
        cell c = next_cell(r, &last);
        float value;
        if (!wk__table_number(c, &value))
            return wk_fail(err, WK_E_PARSE, "%s line %zu column %zu: \"%.*s\" is not a number",
                           r->name, r->line, n + 1, (int)(c.n < 40 ? c.n : 40), c.text);
        if (n < t->n_cols)
            t->cells[t->n_rows * t->n_cols + n] = value;
        if (o->time_column && *o->time_column == n)
            t->time[t->n_rows] = exact_number(c);
        if (o->end_column && *o->end_column == n)
            t->end[t->n_rows] = exact_number(c);
    }
    if (n != t->n_cols)
        return wk_fail(err, WK_E_PARSE, "%s line %zu has %zu columns, the first line %zu", r->name,
                       r->line, n, t->n_cols);
    t->n_rows++;
    return WK_OK;
}

wk_status wk_gbdt_table_parse_as(const char *text, size_t size_bytes, const char *name,
                                 const wk_gbdt_table_options *options, wk_gbdt_table *out,
                                 wk_err *err)
{
    static const wk_gbdt_table_options defaults = {0};
    const wk_gbdt_table_options *o = options ? options : &defaults;
    reader r = {.at = text, .end = text + size_bytes, .name = name};
    wk_gbdt_table t = {0};
    size_t capacity = 0;
    wk_status status = WK_OK;
    if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3; /* a byte order mark */
    if (find_line(&r)) {
        const char *stop = memchr(r.at, '\n', (size_t)(r.end - r.at));
        size_t n = stop ? (size_t)(stop - r.at) : (size_t)(r.end - r.at);
        r.separator = memchr(r.at, '\t', n) ? '\t' : ',';
        status = read_header(&r, &t, err);
        if (status == WK_OK)
            status = wk__table_check_columns(o, name, t.n_cols, err);
        while (status == WK_OK && find_line(&r))
            status = read_row(&r, o, &t, &capacity, err);
    }
    if (status == WK_OK && t.n_rows == 0)
        status = wk_fail(err, WK_E_DATA, "%s has no rows", name);
    if (status != WK_OK) {
        wk_gbdt_table_finish(&t);
        return status;
    }
    *out = t;
    return WK_OK;
}

wk_status wk_gbdt_table_parse(const char *text, size_t size_bytes, const char *name,
                              wk_gbdt_table *out, wk_err *err)
{
    return wk_gbdt_table_parse_as(text, size_bytes, name, NULL, out, err);
}

wk_status wk__table_check_columns(const wk_gbdt_table_options *o, const char *name, size_t n_cols,
                                  wk_err *err)
{
    const size_t *const columns[] = {o->time_column, o->end_column};
    for (size_t i = 0; i < 2; i++)
        if (columns[i] && *columns[i] >= n_cols)
            return wk_fail(err, WK_E_CONFIG, "%s has %zu columns; %s %zu is none of them", name,
                           n_cols, i ? "end_column" : "time_column", *columns[i]);
    return WK_OK;
}

void wk_gbdt_table_take(wk_gbdt_table *table, size_t column, float *values)
{
    WK_ASSERT(column < table->n_cols);
    size_t n = table->n_cols;
    float *to = table->cells;
    for (size_t i = 0; i < table->n_rows; i++)
        for (size_t c = 0; c < n; c++) {
            float value = table->cells[i * n + c];
            if (c == column)
                values[i] = value;
            else
                *to++ = value;
        }
    if (table->names) {
        free(table->names[column]);
        memmove(table->names + column, table->names + column + 1,
                (n - column - 1) * sizeof *table->names);
    }
    table->n_cols--;
}

void wk_gbdt_table_finish(wk_gbdt_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; table->names && i < table->n_cols; i++)
        free(table->names[i]);
    free(table->names);
    free(table->cells);
    free(table->label);
    free(table->weight);
    free(table->query);
    free(table->time);
    free(table->end);
    *table = (wk_gbdt_table){0};
}
