/* LIBSVM text, read twice: first for the number of rows and columns, then for the numbers. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define INDEX_MAX ((UINT64_C(1) << 24) - 1)
#define CELLS_MAX (UINT64_C(1) << 31)

typedef wk__table_cell word;

typedef struct {
    const char *at, *end; /* of the text */
    const char *name;
    size_t line;
    const char *line_end; /* of the line's part before a comment */
} reader;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Moves to the next line with a word on it; `at` then stands at the first. */
static bool next_line(reader *r)
{
    while (r->at < r->end) {
        const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
        stop = stop ? stop : r->end;
        const char *comment = memchr(r->at, '#', (size_t)(stop - r->at));
        r->line_end = comment ? comment : stop;
        r->line++;
        while (r->at < r->line_end && is_blank(*r->at))
            r->at++;
        if (r->at < r->line_end)
            return true;
        r->at = stop < r->end ? stop + 1 : stop;
    }
    return false;
}

/* The next word of the line; empty at its end, after which the reader stands at the next line. */
static word next_word(reader *r)
{
    while (r->at < r->line_end && is_blank(*r->at))
        r->at++;
    word w = {r->at, 0};
    while (r->at < r->line_end && !is_blank(*r->at))
        r->at++;
    w.n = (size_t)(r->at - w.text);
    if (w.n == 0) {
        const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
        r->at = stop ? stop + 1 : r->end;
    }
    return w;
}

/* Takes what stands before a colon off the word; false without a colon. */
static bool split(word *w, word *before)
{
    const char *colon = memchr(w->text, ':', w->n);
    if (!colon)
        return false;
    *before = (word){w->text, (size_t)(colon - w->text)};
    *w = (word){colon + 1, w->n - before->n - 1};
    return true;
}

static bool whole(word w, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < w.n; i++) {
        if (w.text[i] < '0' || w.text[i] > '9' || v > (UINT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (uint64_t)(w.text[i] - '0');
    }
    *out = v;
    return w.n > 0;
}

static bool is_qid(word w)
{
    return w.n == 3 && memcmp(w.text, "qid", 3) == 0;
}

static wk_status bad(const reader *r, word w, const char *rule, wk_err *err)
{
    return wk_fail(err, WK_E_PARSE, "%s line %zu: \"%.*s\" %s", r->name, r->line,
                   (int)(w.n < 40 ? w.n : 40), w.text, rule);
}

/* The index of a feature's word, whose value is left in *w (empty: none was given). */
static wk_status read_index(const reader *r, word *w, uint64_t *index, wk_err *err)
{
    word all = *w, number;
    if (!split(w, &number)) {
        number = all;
        w->n = 0;
    } else if (w->n == 0) {
        return bad(r, all, "has no value behind the colon", err);
    }
    if (!whole(number, index) || *index > INDEX_MAX)
        return bad(r, all, "is no INDEX:VALUE with an index from 0 to 16777215", err);
    return WK_OK;
}

static wk_status count(reader r, size_t *n_rows, size_t *n_cols, wk_err *err)
{
    uint64_t index;
    *n_rows = *n_cols = 0;
    while (next_line(&r)) {
        word w = next_word(&r); /* the label */
        for (bool first = true; (w = next_word(&r)).n > 0; first = false) {
            word value = w, key;
            if (first && split(&value, &key) && is_qid(key))
                continue;
            WK_TRY(read_index(&r, &w, &index, err));
            *n_cols = index >= *n_cols ? (size_t)index + 1 : *n_cols;
        }
        ++*n_rows;
    }
    return WK_OK;
}

/* A part that every row has or none. */
static wk_status all_or_none(const reader *r, size_t row, bool given, void *array, const char *what,
                             wk_err *err)
{
    if (row > 0 && given != (array != NULL))
        return wk_fail(err, WK_E_PARSE,
                       "%s line %zu has %s %s, the lines before it have %s; all "
                       "lines need one, or none",
                       r->name, r->line, given ? "a" : "no", what, given ? "none" : "one");
    return WK_OK;
}

static wk_status read_label(reader *r, wk_gbdt_table *t, size_t row, wk_err *err)
{
    word w = next_word(r), number = w;
    bool weighs = split(&w, &number);
    if (!weighs)
        number = w;
    if (number.n == 0 || !wk__table_number(number, &t->label[row]))
        return bad(r, number, "is no label", err);
    WK_TRY(all_or_none(r, row, weighs, t->weight, "weight", err));
    if (!weighs)
        return WK_OK;
    if (!t->weight && !(t->weight = calloc(t->n_rows, sizeof *t->weight)))
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->name);
    if (w.n == 0 || !wk__table_number(w, &t->weight[row]))
        return bad(r, w, "is no weight", err);
    return WK_OK;
}

static wk_status read_query(reader *r, wk_gbdt_table *t, size_t row, word w, wk_err *err)
{
    if (!t->query && !(t->query = calloc(t->n_rows, sizeof *t->query)))
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", r->name);
    if (!whole(w, &t->query[row]))
        return bad(r, w, "is no query; qid: takes a whole number", err);
    if (row > 0 && t->query[row] < t->query[row - 1])
        return wk_fail(err, WK_E_PARSE, "%s line %zu: qid %llu follows %llu; sort the rows by qid",
                       r->name, r->line, (unsigned long long)t->query[row],
                       (unsigned long long)t->query[row - 1]);
    return WK_OK;
}

static wk_status read_row(reader *r, wk_gbdt_table *t, size_t row, wk_err *err)
{
    float *cells = t->cells + row * t->n_cols, value;
    uint64_t index;
    word w, key;
    WK_TRY(read_label(r, t, row, err));
    bool more = (w = next_word(r)).n > 0;
    word query = w;
    bool ranked = more && split(&query, &key) && is_qid(key);
    WK_TRY(all_or_none(r, row, ranked, t->query, "qid", err));
    if (ranked) {
        WK_TRY(read_query(r, t, row, query, err));
        more = (w = next_word(r)).n > 0;
    }
    for (; more; more = (w = next_word(r)).n > 0) {
        word all = w;
        WK_TRY(read_index(r, &w, &index, err));
        value = 1;
        if (w.n > 0 && !wk__table_number(w, &value))
            return bad(r, all, "has a value that is not a number", err);
        if (!isnan(cells[index]))
            return bad(r, all, "gives an index twice", err);
        cells[index] = value;
    }
    return WK_OK;
}

wk_status wk_gbdt_table_parse_libsvm(const char *text, size_t size_bytes, const char *name,
                                     size_t cells_max, wk_gbdt_table *out, wk_err *err)
{
    reader r = {.at = text, .end = text + size_bytes, .name = name};
    wk_gbdt_table t = {.sparse = true};
    size_t most = cells_max ? cells_max : CELLS_MAX;
    if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3; /* a byte order mark */
    WK_TRY(count(r, &t.n_rows, &t.n_cols, err));
    if (t.n_rows == 0 || t.n_cols == 0)
        return wk_fail(err, WK_E_DATA, "%s has %s", name, t.n_rows ? "no feature" : "no rows");
    if (t.n_rows > most / t.n_cols)
        return wk_fail(
            err, WK_E_DATA,
            "%s has %zu rows of %zu columns, which are held in full; at most %zu numbers "
            "are taken: number the columns without gaps, or take fewer rows",
            name, t.n_rows, t.n_cols, most);
    t.label = malloc(t.n_rows * sizeof *t.label);
    t.cells = malloc(t.n_rows * t.n_cols * sizeof *t.cells);
    wk_status status =
        t.label && t.cells ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory reading %s", name);
    for (size_t i = 0; status == WK_OK && i < t.n_rows * t.n_cols; i++)
        t.cells[i] = NAN;
    for (size_t row = 0; status == WK_OK && next_line(&r); row++)
        status = read_row(&r, &t, row, err);
    if (status != WK_OK) {
        wk_gbdt_table_finish(&t);
        return status;
    }
    *out = t;
    return WK_OK;
}

bool wk_gbdt_table_looks_libsvm(const char *text, size_t size_bytes)
{
    reader r = {.at = text, .end = text + size_bytes, .name = ""};
    uint64_t number;
    float value;
    word w, key;
    if (size_bytes >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        r.at += 3;
    if (!next_line(&r))
        return false;
    w = next_word(&r); /* LABEL or LABEL:WEIGHT */
    if (!split(&w, &key))
        key = w;
    if (key.n == 0 || !wk__table_number(key, &value))
        return false;
    w = next_word(&r);
    if (!split(&w, &key))
        return false;
    return is_qid(key) ? whole(w, &number)
                       : w.n > 0 && whole(key, &number) && wk__table_number(w, &value);
}
