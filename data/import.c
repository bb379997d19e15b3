/* Candle and rate files into memory: plain, gzip or zip by their magic, read in order, checked row
 * by row. */
#include "wick/import.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "wick/clock.h"
#include "wick/csv.h"
#include "zip.h"

enum { CHUNK = 1 << 18, LINE_MAX_BYTES = 1 << 16 };

/* Lines of a file, whole in `buffer` one at a time. */
typedef struct {
    const char *path;
    gzFile file;
    wk__zip *zip; /* or this */
    char *buffer; /* CHUNK + LINE_MAX_BYTES */
    size_t begin, end;
    size_t row; /* of the line given last, from 1 */
    int ended;
} line_reader;

static int is_zip(const char *path)
{
    char magic[4] = {0};
    FILE *f = fopen(path, "rbe");
    if (!f)
        return 0;
    size_t n = fread(magic, 1, 4, f);
    fclose(f);
    return n == 4 && (!memcmp(magic, "PK\3\4", 4) || !memcmp(magic, "PK\5\6", 4));
}

/* "x.zip/name.csv" names a file of an archive. Returns where the name begins, or NULL. */
static const char *name_in_zip(const char *path)
{
    const char *at = path;
    while ((at = strstr(at, ".zip/")) != NULL) {
        at += 4;
        char *archive = strndup(path, (size_t)(at - path));
        struct stat st;
        int is_archive = archive && stat(archive, &st) == 0 && S_ISREG(st.st_mode);
        free(archive);
        if (is_archive)
            return at + 1;
    }
    return NULL;
}

static wk_status open_zip(line_reader *r, const char *path, const char *name, wk_err *err)
{
    char *archive = name ? strndup(path, (size_t)(name - 1 - path)) : strdup(path);
    r->buffer = malloc(CHUNK + LINE_MAX_BYTES);
    wk_status status = archive && r->buffer
                           ? wk__zip_open(archive, name, &r->zip, err)
                           : wk_fail(err, WK_E_NOMEM, "out of memory for %s", path);
    free(archive);
    if (status != WK_OK) {
        free(r->buffer);
        *r = (line_reader){.path = path};
    }
    return status;
}

static wk_status reader_open(line_reader *r, const char *path, wk_err *err)
{
    struct stat st;
    *r = (line_reader){.path = path};
    const char *name = name_in_zip(path);
    if (name)
        return open_zip(r, path, name, err);
    if (stat(path, &st) != 0)
        return wk_fail(err, WK_E_IO, "cannot open %s: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return wk_fail(err, WK_E_IO, "%s is not a file", path);
    if (st.st_size == 0)
        return wk_fail(err, WK_E_PARSE, "%s is empty; fetch it again", path);
    if (is_zip(path))
        return open_zip(r, path, NULL, err);
    errno = 0;
    r->file = gzopen(path, "rbe");
    r->buffer = malloc(CHUNK + LINE_MAX_BYTES);
    if (!r->file || !r->buffer) {
        int why = errno;
        if (r->file)
            gzclose(r->file);
        free(r->buffer);
        *r = (line_reader){.path = path};
        return wk_fail(err, why && why != ENOMEM ? WK_E_IO : WK_E_NOMEM, "cannot open %s: %s", path,
                       strerror(why ? why : ENOMEM));
    }
    gzbuffer(r->file, CHUNK);
    return WK_OK;
}

static void reader_close(line_reader *r)
{
    if (r->file)
        gzclose(r->file);
    wk__zip_close(r->zip);
    free(r->buffer);
    *r = (line_reader){0};
}

static wk_status reader_fill(line_reader *r, wk_err *err)
{
    memmove(r->buffer, r->buffer + r->begin, r->end - r->begin);
    r->end -= r->begin;
    r->begin = 0;
    if (r->zip) {
        size_t n = 0;
        WK_TRY(wk__zip_read(r->zip, r->buffer + r->end, CHUNK, &n, err));
        r->ended = n == 0;
        r->end += n;
        return WK_OK;
    }
    int got = gzread(r->file, r->buffer + r->end, CHUNK);
    int code = Z_OK;
    const char *what = gzerror(r->file, &code);
    if (got < 0 || code == Z_BUF_ERROR) {
        if (code == Z_ERRNO)
            return wk_fail(err, WK_E_IO, "cannot read %s: %s", r->path, strerror(errno));
        if (code == Z_BUF_ERROR) {
            /* The lines before the cut are whole, though nobody has asked for them yet. */
            size_t row = r->row + 1, end = r->end + (got > 0 ? (size_t)got : 0);
            for (size_t i = 0; i < end; i++)
                row += r->buffer[i] == '\n';
            return wk_fail(err, WK_E_PARSE, "%s:%zu: the gzip file ends too early; fetch it again",
                           r->path, row);
        }
        return wk_fail(err, WK_E_PARSE, "%s:%zu: the gzip file is damaged (%s); fetch it again",
                       r->path, r->row + 1, what);
    }
    r->ended = got == 0;
    r->end += (size_t)got;
    return WK_OK;
}

/* The next line without its line feed; *line NULL at the end of the file. */
static wk_status reader_next(line_reader *r, const char **line, size_t *n, wk_err *err)
{
    for (;;) {
        char *at = r->buffer + r->begin;
        char *feed = memchr(at, '\n', r->end - r->begin);
        if (feed || (r->ended && r->begin < r->end)) {
            *line = at;
            *n = feed ? (size_t)(feed - at) : r->end - r->begin;
            r->begin += *n + (feed ? 1 : 0);
            r->row++;
            return WK_OK;
        }
        if (r->ended) {
            *line = NULL;
            return WK_OK;
        }
        if (r->end - r->begin >= LINE_MAX_BYTES)
            return wk_fail(err, WK_E_PARSE,
                           "%s:%zu: a line of more than %d bytes; this is no candle file", r->path,
                           r->row + 1, LINE_MAX_BYTES);
        WK_TRY(reader_fill(r, err));
    }
}

typedef struct {
    wk_bar *v;
    size_t n, capacity;
    int disordered;
} bar_list;

static wk_status push(bar_list *list, const wk_bar *bar, const char *path, wk_err *err)
{
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 4096;
        wk_bar *grown = realloc(list->v, capacity * sizeof *grown);
        if (!grown)
            return wk_fail(err, WK_E_NOMEM, "out of memory for the %zu bars of %s", capacity, path);
        list->v = grown;
        list->capacity = capacity;
    }
    list->v[list->n++] = *bar;
    return WK_OK;
}

static int same_values(const wk_bar *a, const wk_bar *b)
{
    return a->open == b->open && a->high == b->high && a->low == b->low && a->close == b->close &&
           a->volume == b->volume;
}

/* Bottom-up merge sort by time: stable, so that of two bars with one time the earlier row stays
 * first. */
static wk_status sort_bars(bar_list *list, wk_err *err)
{
    wk_bar *from = list->v, *to = malloc(list->capacity * sizeof *to);
    if (!to)
        return wk_fail(err, WK_E_NOMEM, "out of memory sorting %zu bars", list->n);
    for (size_t width = 1; width < list->n; width *= 2) {
        for (size_t lo = 0; lo < list->n; lo += 2 * width) {
            size_t mid = lo + width < list->n ? lo + width : list->n;
            size_t hi = mid + width < list->n ? mid + width : list->n;
            size_t a = lo, b = mid;
            for (size_t k = lo; k < hi; k++)
                to[k] = b >= hi || (a < mid && from[a].time_ns <= from[b].time_ns) ? from[a++]
                                                                                   : from[b++];
        }
        wk_bar *swap = from;
        from = to;
        to = swap;
    }
    list->v = from;
    free(to);
    return WK_OK;
}

/* Notes a problem of a row: an error that names it, or one more in the count when lenient. */
static wk_status problem(const line_reader *r, int lenient, const char *why, size_t *count,
                         wk_import_report *report, wk_err *err)
{
    char text[512];
    snprintf(text, sizeof text, "%s:%zu: %s", r->path, r->row, why);
    if (!report->first_problem[0])
        memcpy(report->first_problem, text, sizeof text);
    (*count)++;
    if (lenient)
        return WK_OK;
    return wk_fail(err, WK_E_PARSE, "%s (`wick import --lenient` drops and counts such rows)",
                   text);
}

static wk_status take_bar(const line_reader *r, int lenient, const wk_bar *bar, bar_list *list,
                          int64_t *newest_ns, wk_import_report *report, wk_err *err)
{
    char why[256], now[32], before[32];
    const char *impossible = wk_bar_problem(bar);
    if (impossible) {
        snprintf(why, sizeof why,
                 "%s (open %g, high %g, low %g, close %g, volume %g); correct or delete the row",
                 impossible, bar->open, bar->high, bar->low, bar->close, bar->volume);
        return problem(r, lenient, why, &report->impossible, report, err);
    }
    if (list->n > 0 && bar->time_ns == list->v[list->n - 1].time_ns) {
        if (same_values(bar, &list->v[list->n - 1])) {
            report->duplicates++;
            return WK_OK;
        }
        snprintf(why, sizeof why, "a second bar for %s with other values; keep one of them",
                 wk_time_format(bar->time_ns, now));
        return problem(r, lenient, why, &report->broken, report, err);
    }
    if (list->n > 0 && bar->time_ns < *newest_ns) {
        snprintf(why, sizeof why, "%s comes after %s; sort the file by time",
                 wk_time_format(bar->time_ns, now), wk_time_format(*newest_ns, before));
        WK_TRY(problem(r, lenient, why, &report->disordered, report, err));
        list->disordered = 1;
    } else {
        *newest_ns = bar->time_ns;
    }
    return push(list, bar, r->path, err);
}

/* After sorting, bars of one time are neighbours; the one that stood first in the file stays. */
static void drop_duplicates(bar_list *list, wk_import_report *report)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (kept > 0 && list->v[i].time_ns == list->v[kept - 1].time_ns) {
            if (same_values(&list->v[i], &list->v[kept - 1]))
                report->duplicates++;
            else
                report->broken++;
            continue;
        }
        list->v[kept++] = list->v[i];
    }
    list->n = kept;
}

/* The most common distance of neighbours (the smaller of two equally common ones), 0 when there is
 * none. */
static int64_t infer_timeframe(const bar_list *list)
{
    enum { KINDS = 64 };
    struct {
        int64_t step;
        size_t n;
    } seen[KINDS];
    size_t kinds = 0;
    for (size_t i = 1; i < list->n; i++) {
        int64_t step = list->v[i].time_ns - list->v[i - 1].time_ns;
        size_t k = 0;
        while (k < kinds && seen[k].step != step)
            k++;
        if (k == kinds) {
            if (kinds == KINDS)
                continue;
            seen[kinds].step = step;
            seen[kinds++].n = 0;
        }
        seen[k].n++;
    }
    int64_t best = 0;
    size_t n = 0;
    for (size_t k = 0; k < kinds; k++)
        if (seen[k].n > n || (seen[k].n == n && seen[k].step < best)) {
            best = seen[k].step;
            n = seen[k].n;
        }
    return best;
}

/* Bars off the grid cannot be candles of this timeframe. The grid goes through the first bar. */
static wk_status check_grid(const line_reader *r, int lenient, int64_t timeframe_ns, bar_list *list,
                            wk_import_report *report, wk_err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        if ((list->v[i].time_ns - list->v[0].time_ns) % timeframe_ns != 0) {
            char text[512], when[32], name[16];
            snprintf(text, sizeof text,
                     "%s: the bar at %s is off the grid of %s bars; give the right timeframe or "
                     "correct its time",
                     r->path, wk_time_format(list->v[i].time_ns, when),
                     wk_timeframe_format(timeframe_ns, name));
            if (!report->first_problem[0])
                memcpy(report->first_problem, text, sizeof text);
            report->broken++;
            if (!lenient)
                return wk_fail(err, WK_E_DATA, "%s", text);
            continue;
        }
        list->v[kept++] = list->v[i];
    }
    list->n = kept;
    return WK_OK;
}

static wk_status read_bars(line_reader *r, int lenient, bar_list *list, wk_import_report *report,
                           wk_err *err)
{
    wk_csv_parser parser = {0};
    int64_t newest_ns = 0;
    for (;;) {
        const char *line;
        size_t n;
        WK_TRY(reader_next(r, &line, &n, err));
        if (!line)
            break;
        wk_bar bar;
        char why[256];
        wk_csv_result got = wk_csv_feed_candle(&parser, line, n, &bar, why);
        if (got == WK_CSV_SKIP)
            continue;
        if (got == WK_CSV_FATAL)
            return wk_fail(err, WK_E_PARSE, "%s:%zu: %s", r->path, r->row, why);
        report->rows++;
        if (got == WK_CSV_BROKEN)
            WK_TRY(problem(r, lenient, why, &report->broken, report, err));
        else
            WK_TRY(take_bar(r, lenient, &bar, list, &newest_ns, report, err));
    }
    if (list->disordered) {
        WK_TRY(sort_bars(list, err));
        drop_duplicates(list, report);
    }
    if (list->n == 0)
        return wk_fail(err, WK_E_PARSE, "%s:%zu: no candle in the file; fetch it again", r->path,
                       r->row);
    return WK_OK;
}

wk_status wk_import_candles(const char *path, const char *venue, const char *symbol,
                            int64_t timeframe_ns, int lenient, wk_series *out,
                            wk_import_report *report, wk_err *err)
{
    wk_import_report own;
    report = report ? report : &own;
    *report = (wk_import_report){0};
    line_reader reader;
    WK_TRY(reader_open(&reader, path, err));
    bar_list list = {0};
    wk_status status = read_bars(&reader, lenient, &list, report, err);
    if (status == WK_OK && timeframe_ns == 0) {
        timeframe_ns = infer_timeframe(&list);
        if (timeframe_ns <= 0)
            status = wk_fail(err, WK_E_DATA,
                             "%s: one bar alone does not show its timeframe; give it", path);
    }
    if (status == WK_OK)
        status = check_grid(&reader, lenient, timeframe_ns, &list, report, err);
    wk_series series = {0};
    if (status == WK_OK)
        status = wk_series_create(venue, symbol, timeframe_ns, 0, &series, err);
    if (status == WK_OK) {
        uint8_t *provenance = calloc(list.n, 1);
        if (!provenance)
            status = wk_fail(err, WK_E_NOMEM, "out of memory for the %zu bars of %s", list.n, path);
        for (size_t i = 0; status == WK_OK && i < list.n; i++)
            provenance[i] = list.v[i].volume > 0 ? WK_PROV_TRADED : WK_PROV_CONFIRMED_EMPTY;
        if (status == WK_OK) {
            free(series.bars);
            free(series.provenance);
            series.bars = list.v;
            series.provenance = provenance;
            series.n = list.n;
            list.v = NULL;
            report->kept = series.n;
            wk_series_gaps(&series, &report->gaps, &report->bars_missing);
            *out = series;
        } else {
            wk_series_finish(&series);
        }
    }
    free(list.v);
    reader_close(&reader);
    return status;
}

static wk_status read_rates(line_reader *r, wk_rates *rates, wk_err *err)
{
    wk_csv_parser parser = {0};
    size_t capacity = 0;
    for (;;) {
        const char *line;
        size_t n;
        WK_TRY(reader_next(r, &line, &n, err));
        if (!line)
            break;
        int64_t t;
        double rate;
        char why[256];
        wk_csv_result got = wk_csv_feed_rate(&parser, line, n, &t, &rate, why);
        if (got == WK_CSV_SKIP)
            continue;
        if (got != WK_CSV_ROW)
            return wk_fail(err, WK_E_PARSE, "%s:%zu: %s", r->path, r->row, why);
        if (rate < -1 || rate > 1)
            return wk_fail(err, WK_E_PARSE,
                           "%s:%zu: rate %g; write it as a fraction (0.0001 is 1 bp)", r->path,
                           r->row, rate);
        if (rates->n > 0 && t == rates->time_ns[rates->n - 1] && rate == rates->rate[rates->n - 1])
            continue;
        if (rates->n > 0 && t <= rates->time_ns[rates->n - 1])
            return wk_fail(err, WK_E_PARSE,
                           "%s:%zu: the time is not after that of the row before; sort the file "
                           "and keep one rate a time",
                           r->path, r->row);
        if (rates->n == capacity) {
            capacity = capacity ? capacity * 2 : 1024;
            int64_t *times = realloc(rates->time_ns, capacity * sizeof *times);
            if (times)
                rates->time_ns = times;
            double *values = realloc(rates->rate, capacity * sizeof *values);
            if (values)
                rates->rate = values;
            if (!times || !values)
                return wk_fail(err, WK_E_NOMEM, "out of memory for the rates of %s", r->path);
        }
        rates->time_ns[rates->n] = t;
        rates->rate[rates->n++] = rate;
    }
    if (rates->n == 0)
        return wk_fail(err, WK_E_PARSE, "%s:%zu: no rate in the file; fetch it again", r->path,
                       r->row);
    return WK_OK;
}

wk_status wk_import_rates(const char *path, wk_rates *out, wk_err *err)
{
    line_reader reader;
    WK_TRY(reader_open(&reader, path, err));
    wk_rates rates = {0};
    wk_status status = read_rates(&reader, &rates, err);
    reader_close(&reader);
    if (status == WK_OK)
        *out = rates;
    else
        wk_rates_finish(&rates);
    return status;
}

wk_status wk_import_zip_names(const char *path, char ***names, size_t *n, wk_err *err)
{
    return wk__zip_names(path, names, n, err);
}
