/* Arrival times of final bars, packed: differences of times and of arrivals, deflated. Regular bars
 * of one download cost next to nothing, live ones two or three bytes. */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "store_year.h"

/* Column by column, byte by byte: equal high bytes stand together. */
static void put_column(unsigned char *out, const wk__arrivals *a, int column)
{
    int64_t before = 0;
    for (size_t i = 0; i < a->n; i++) {
        int64_t x = column ? a->v[i].arrival_ns : a->v[i].time_ns;
        uint64_t d = (uint64_t)x - (uint64_t)before;
        before = x;
        for (size_t b = 0; b < 8; b++)
            out[b * a->n + i] = (unsigned char)(d >> (8 * b));
    }
}

static void get_column(const unsigned char *in, wk__arrivals *a, int column)
{
    uint64_t x = 0;
    for (size_t i = 0; i < a->n; i++) {
        uint64_t d = 0;
        for (size_t b = 0; b < 8; b++)
            d |= (uint64_t)in[b * a->n + i] << (8 * b);
        x += d;
        if (column)
            a->v[i].arrival_ns = (int64_t)x;
        else
            a->v[i].time_ns = (int64_t)x;
    }
}

wk_status wk__arrivals_load(wk_fresh *f, int64_t series, int year, wk__arrivals *out, wk_err *err)
{
    sqlite3_stmt *s;
    WK_TRY(wk__fresh_prepare(f, "SELECT n, packed FROM arrived WHERE series = ? AND year = ?", &s,
                             err));
    sqlite3_bind_int64(s, 1, series);
    sqlite3_bind_int(s, 2, year);
    wk__arrivals a = {0};
    wk_status status = WK_OK;
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW && sqlite3_column_int64(s, 0) > 0) {
        a.n = (size_t)sqlite3_column_int64(s, 0);
        uLongf room = a.n * 16;
        unsigned char *plain = a.n < SIZE_MAX / 16 ? malloc(room) : NULL;
        a.v = plain ? malloc(a.n * sizeof *a.v) : NULL;
        if (!a.v)
            status = wk_fail(err, WK_E_NOMEM, "out of memory for %zu arrival times", a.n);
        else if (uncompress(plain, &room, sqlite3_column_blob(s, 1),
                            (uLong)sqlite3_column_bytes(s, 1)) != Z_OK ||
                 room != a.n * 16)
            status = wk_fail(err, WK_E_DATA,
                             "%s: the arrival times of %d are damaged; `wick store check --repair` "
                             "drops them",
                             f->path, year);
        if (status == WK_OK) {
            get_column(plain, &a, 0);
            get_column(plain + a.n * 8, &a, 1);
        }
        free(plain);
    } else if (rc != SQLITE_ROW && rc != SQLITE_DONE) {
        status = wk__fresh_fail(f, "read its arrival times", err);
    }
    sqlite3_finalize(s);
    if (status == WK_OK)
        *out = a;
    else
        free(a.v);
    return status;
}

wk_status wk__arrivals_save(wk_fresh *f, int64_t series, int year, const wk__arrivals *a,
                            wk_err *err)
{
    const int64_t key[2] = {series, year};
    if (a->n == 0)
        return wk__fresh_exec(f, "DELETE FROM arrived WHERE series = ? AND year = ?", key, 2, err);
    uLongf size = compressBound(a->n * 16);
    unsigned char *plain = malloc(a->n * 16), *packed = malloc(size);
    sqlite3_stmt *s = NULL;
    wk_status status = WK_OK;
    if (!plain || !packed)
        status = wk_fail(err, WK_E_NOMEM, "out of memory for %zu arrival times", a->n);
    if (status == WK_OK) {
        put_column(plain, a, 0);
        put_column(plain + a->n * 8, a, 1);
        if (compress2(packed, &size, plain, a->n * 16, 3) != Z_OK)
            status = wk_fail(err, WK_E_NOMEM, "out of memory packing %zu arrival times", a->n);
    }
    if (status == WK_OK)
        status = wk__fresh_prepare(
            f, "INSERT OR REPLACE INTO arrived (series, year, n, packed) VALUES (?, ?, ?, ?)", &s,
            err);
    if (status == WK_OK) {
        sqlite3_bind_int64(s, 1, series);
        sqlite3_bind_int(s, 2, year);
        sqlite3_bind_int64(s, 3, (int64_t)a->n);
        sqlite3_bind_blob64(s, 4, packed, size, SQLITE_STATIC);
        status = wk__fresh_run(f, s, "write to it", err);
    }
    sqlite3_finalize(s);
    free(plain);
    free(packed);
    return status;
}

int64_t wk__arrivals_find(const wk__arrivals *a, int64_t time_ns)
{
    size_t lo = 0, hi = a->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (a->v[mid].time_ns < time_ns)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < a->n && a->v[lo].time_ns == time_ns ? a->v[lo].arrival_ns : 0;
}
