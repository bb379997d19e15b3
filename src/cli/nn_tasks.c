#include "nn_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "wick/rng.h"

void nn_task_finish(nn_task *task)
{
    for (size_t i = 0; i < 4; i++)
        free(task->memory[i]);
    *task = (nn_task){0};
}

/* Room for both parts: inputs [N, T, F] and targets [N, S]. */
static wk_status make_room(nn_task *t, size_t n_train, size_t n_test, size_t T, size_t F, size_t S,
                           wk_err *err)
{
    const size_t n[] = {n_train, n_test};
    wk_nn_array *parts[] = {&t->train, &t->test};
    *t = (nn_task){0};
    for (size_t i = 0; i < 2; i++) {
        float *X = t->memory[2 * i] = calloc(n[i] * T * F + 1, sizeof *X);
        float *y = t->memory[2 * i + 1] = calloc(n[i] * S + 1, sizeof *y);
        *parts[i] = (wk_nn_array){.N = n[i], .T = T, .F = F, .X = X, .S = S, .K = 1, .y = y};
        if (!X || !y) {
            nn_task_finish(t);
            return wk_fail(err, WK_E_NOMEM, "no memory for %zu sequences of %zu bars", n[i], T);
        }
    }
    return WK_OK;
}

wk_status nn_task_adding(size_t bars, size_t n_train, size_t n_test, uint64_t seed, nn_task *out,
                         wk_err *err)
{
    nn_task t;
    if (bars < 2)
        return wk_fail(err, WK_E_CONFIG, "adding problem of %zu bars: at least 2", bars);
    WK_TRY(make_room(&t, n_train, n_test, bars, 2, 1, err));
    for (size_t part = 0; part < 2; part++) {
        float *X = t.memory[2 * part], *y = t.memory[2 * part + 1];
        for (size_t i = 0; i < (part ? n_test : n_train); i++) {
            const uint64_t at = (uint64_t)i * (bars + 2);
            for (size_t k = 0; k < bars; k++)
                X[(i * bars + k) * 2] = (float)wk_rng_uniform(seed, 50 + part, at + k);
            const size_t a = (size_t)wk_rng_below(seed, 50 + part, at + bars, bars);
            size_t b = (size_t)wk_rng_below(seed, 50 + part, at + bars + 1, bars - 1);
            b += b >= a;
            X[(i * bars + a) * 2 + 1] = X[(i * bars + b) * 2 + 1] = 1;
            y[i] = X[(i * bars + a) * 2] + X[(i * bars + b) * 2];
        }
    }
    *out = t;
    return WK_OK;
}

wk_status nn_task_copy(size_t bars, size_t n_train, size_t n_test, uint64_t seed, nn_task *out,
                       wk_err *err)
{
    enum { DIGITS = 10 };
    nn_task t;
    if (bars < 1)
        return wk_fail(err, WK_E_CONFIG, "copy memory over %zu bars: at least 1", bars);
    const size_t T = bars + 2 * DIGITS;
    WK_TRY(make_room(&t, n_train, n_test, T, 1, T, err));
    t.n_classes = DIGITS;
    for (size_t part = 0; part < 2; part++) {
        float *X = t.memory[2 * part], *y = t.memory[2 * part + 1];
        for (size_t i = 0; i < (part ? n_test : n_train); i++, X += T, y += T) {
            for (size_t k = 0; k < DIGITS; k++)
                X[k] = y[T - DIGITS + k] =
                    (float)(1 + wk_rng_below(seed, 60 + part, (uint64_t)i * DIGITS + k, 8));
            for (size_t k = T - DIGITS - 1; k < T; k++)
                X[k] = 9;
        }
    }
    *out = t;
    return WK_OK;
}

/* ---- UCR ---- */

/* A whole .gz file as text; the caller frees. */
static wk_status read_gz(const char *path, char **out, wk_err *err)
{
    gzFile f = gzopen(path, "rb");
    if (!f)
        return wk_fail(err, WK_E_IO,
                       "%s: cannot be read; --data names the folder of the archive's files", path);
    size_t size = 0, room = 1 << 20;
    char *text = malloc(room + 1);
    int got = 1;
    while (text && (got = gzread(f, text + size, (unsigned)(room - size))) > 0) {
        size += (size_t)got;
        if (size == room) {
            char *more = realloc(text, 2 * room + 1);
            if (!more)
                free(text);
            text = more;
            room *= 2;
        }
    }
    gzclose(f);
    if (!text || got < 0) {
        free(text);
        return wk_fail(err, text ? WK_E_PARSE : WK_E_NOMEM, "%s: %s", path,
                       text ? "not a gzip file, or damaged" : "out of memory");
    }
    text[size] = 0;
    *out = text;
    return WK_OK;
}

/* Numbers of a line, at most `max` of them; 0 when it holds anything else. */
static size_t parse_line(const char *line, float *v, size_t max)
{
    size_t n = 0;
    for (char *end; n < max; line = end + 1) {
        v[n] = strtof(line, &end);
        if (end == line || !isfinite(v[n]))
            return 0;
        n++;
        if (*end == '\r' || *end == '\n' || !*end)
            return n;
        if (*end != ',')
            return 0;
    }
    return 0;
}

/* A table of equally long lines [rows, columns]. */
static wk_status read_table(const char *path, float **out, size_t *rows, size_t *columns,
                            wk_err *err)
{
    enum { COLUMNS_MAX = 65536 };
    char *text = NULL;
    WK_TRY(read_gz(path, &text, err));
    size_t n = 0, width = 0, lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    float *row = malloc(COLUMNS_MAX * sizeof *row), *table = NULL;
    wk_status status = row ? WK_OK : wk_fail(err, WK_E_NOMEM, "%s: out of memory", path);
    for (const char *p = text; *p && status == WK_OK; n++) {
        const size_t got = parse_line(p, row, COLUMNS_MAX);
        if (n == 0) {
            width = got;
            table = got ? malloc((lines + 1) * got * sizeof *table) : NULL;
        }
        if (got < 2 || got != width || !table)
            status = wk_fail(err, WK_E_PARSE, "%s: line %zu has %zu numbers, the first has %zu",
                             path, n + 1, got, width);
        else
            memcpy(table + n * width, row, width * sizeof *row);
        const char *end = strchr(p, '\n');
        p = end ? end + 1 : p + strlen(p);
    }
    free(row);
    free(text);
    if (status != WK_OK) {
        free(table);
        return status;
    }
    *out = table;
    *rows = n;
    *columns = width;
    return WK_OK;
}

wk_status nn_task_ucr(const char *dir, const char *name, nn_task *out, wk_err *err)
{
    static const char *const parts[] = {"TRAIN", "TEST"};
    float *tables[2] = {0}, labels[256];
    size_t rows[2] = {0}, columns[2] = {0}, n_classes = 0;
    nn_task t = {0};
    char path[4096];
    wk_status status = WK_OK;
    for (size_t i = 0; i < 2 && status == WK_OK; i++) {
        snprintf(path, sizeof path, "%s/%s_%s.csv.gz", dir, name, parts[i]);
        status = read_table(path, &tables[i], &rows[i], &columns[i], err);
    }
    if (status == WK_OK && columns[0] != columns[1])
        status = wk_fail(err, WK_E_DATA, "%s: %zu numbers a line in training, %zu in the test",
                         name, columns[0], columns[1]);
    /* Labels in ascending order, as the training part has them. */
    for (size_t i = 0; status == WK_OK && i < rows[0]; i++) {
        const float y = tables[0][i * columns[0]];
        size_t at = 0;
        while (at < n_classes && labels[at] < y)
            at++;
        if (at < n_classes && !(labels[at] > y))
            continue;
        if (n_classes == sizeof labels / sizeof *labels)
            status = wk_fail(err, WK_E_DATA, "%s: more than %zu labels", name, n_classes);
        else
            memmove(labels + at + 1, labels + at, (n_classes++ - at) * sizeof *labels);
        labels[at] = y;
    }
    if (status == WK_OK)
        status = make_room(&t, rows[0], rows[1], columns[0] - 1, 1, 1, err);
    for (size_t k = 0; k < 2 && status == WK_OK; k++)
        for (size_t i = 0; i < rows[k]; i++) {
            const float *row = tables[k] + i * columns[k];
            size_t at = 0;
            while (at < n_classes && labels[at] < row[0])
                at++;
            t.memory[2 * k + 1][i] = at < n_classes && !(labels[at] > row[0]) ? (float)at : NAN;
            memcpy(t.memory[2 * k] + i * (columns[k] - 1), row + 1, (columns[k] - 1) * sizeof *row);
        }
    t.n_classes = n_classes;
    free(tables[0]);
    free(tables[1]);
    if (status == WK_OK)
        *out = t;
    else
        nn_task_finish(&t);
    return status;
}

void nn_folds(const float *y, size_t N, size_t n_classes, size_t folds, size_t *fold)
{
    size_t next = 0;
    for (size_t c = 0; c < n_classes; c++) {
        /* Rows of the class in the order of a draw for each. */
        for (size_t i = 0; i < N; i++) {
            if ((size_t)y[i] != c)
                continue;
            size_t before = 0;
            for (size_t k = 0; k < N; k++)
                before += (size_t)y[k] == c && wk_rng_u64(1, 70, k) < wk_rng_u64(1, 70, i);
            fold[i] = (next + before) % folds;
        }
        for (size_t i = 0; i < N; i++)
            next += (size_t)y[i] == c;
    }
}
