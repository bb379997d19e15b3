/* Rows of a CSV file cut at their commas; gzip is told by its magic. */
#include "columns.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "wick/csv.h"

enum { LINE_BYTES_MAX = 1 << 16 };

struct wk__columns {
    gzFile file;
    char *path;
    size_t row;
    int n;
    char *header, *line; /* LINE_BYTES_MAX each; commas become 0 bytes */
    const char *names[WK_CSV_COLUMNS_MAX], *fields[WK_CSV_COLUMNS_MAX];
    char place[512];
};

static const char *place(wk__columns *c)
{
    snprintf(c->place, sizeof c->place, "%s:%zu", c->path, c->row);
    return c->place;
}

const char *wk__columns_place(const wk__columns *c)
{
    return c->place;
}

/* Reads a line into `to`; *any false at the end. */
static wk_status read_line(wk__columns *c, char *to, bool *any, wk_err *err)
{
    c->row++;
    place(c);
    z_off_t from = gztell(c->file);
    if (gzgets(c->file, to, LINE_BYTES_MAX)) {
        size_t n = strlen(to);
        if (n + 1 == LINE_BYTES_MAX)
            return wk_fail(err, WK_E_PARSE, "%s: a line of more than %d bytes; this is no table",
                           c->place, LINE_BYTES_MAX - 2);
        if ((z_off_t)n != gztell(c->file) - from)
            return wk_fail(err, WK_E_PARSE, "%s: a byte 0 in the text; this is no table", c->place);
        while (n && (to[n - 1] == '\n' || to[n - 1] == '\r'))
            to[--n] = 0;
        *any = true;
        return WK_OK;
    }
    int code = Z_OK;
    const char *what = gzerror(c->file, &code);
    if (code != Z_OK && code != Z_STREAM_END)
        return wk_fail(err, WK_E_PARSE,
                       "%s: the gzip file is damaged or ends too early (%s); fetch it again",
                       c->place, what);
    *any = false;
    return WK_OK;
}

static int cut(char *line, const char **fields)
{
    int n = 0;
    for (char *p = line;; p++) {
        if (n < WK_CSV_COLUMNS_MAX)
            fields[n] = p;
        n++;
        p += strcspn(p, ",");
        if (!*p)
            return n;
        *p = 0;
    }
}

wk_status wk__columns_open(const char *path, wk__columns **out, wk_err *err)
{
    wk__columns *c = calloc(1, sizeof *c);
    if (!c)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    c->path = strdup(path);
    c->header = malloc(LINE_BYTES_MAX);
    c->line = malloc(LINE_BYTES_MAX);
    errno = 0;
    c->file = gzopen(path, "rbe");
    if (!c->file)
        status =
            wk_fail(err, WK_E_IO, "cannot open %s: %s", path, strerror(errno ? errno : ENOMEM));
    else if (!c->path || !c->header || !c->line)
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
    bool any = false;
    if (status == WK_OK)
        status = read_line(c, c->header, &any, err);
    if (status == WK_OK && !any)
        status = wk_fail(err, WK_E_PARSE, "%s is empty; fetch it again", path);
    if (status == WK_OK) {
        char *text = c->header;
        if (memcmp(text, "\xEF\xBB\xBF", 3) == 0)
            text += 3;
        c->n = cut(text, c->names);
        if (c->n > WK_CSV_COLUMNS_MAX)
            status = wk_fail(err, WK_E_PARSE, "%s: %d columns; at most %d are read", c->place, c->n,
                             WK_CSV_COLUMNS_MAX);
    }
    if (status != WK_OK) {
        wk__columns_close(c);
        return status;
    }
    *out = c;
    return WK_OK;
}

void wk__columns_close(wk__columns *c)
{
    if (!c)
        return;
    if (c->file)
        gzclose(c->file);
    free(c->path);
    free(c->header);
    free(c->line);
    free(c);
}

int wk__columns_find(const wk__columns *c, const char *name)
{
    for (int i = 0; i < c->n; i++)
        if (strcasecmp(c->names[i], name) == 0)
            return i;
    return -1;
}

wk_status wk__columns_need(const wk__columns *c, const char *name, int *column, wk_err *err)
{
    int found = wk__columns_find(c, name);
    if (found >= 0) {
        *column = found;
        return WK_OK;
    }
    char all[512];
    size_t at = 0;
    for (int i = 0; i < c->n && at < sizeof all; i++)
        at += (size_t)snprintf(all + at, sizeof all - at, "%s%s", i ? "," : "", c->names[i]);
    return wk_fail(err, WK_E_PARSE, "%s: no column \"%s\" among %s; name one of these", c->path,
                   name, all);
}

wk_status wk__columns_next(wk__columns *c, bool *row, wk_err *err)
{
    bool any;
    do {
        WK_TRY(read_line(c, c->line, &any, err));
    } while (any && !c->line[0]);
    *row = any;
    if (!any)
        return WK_OK;
    int n = cut(c->line, c->fields);
    if (n != c->n)
        return wk_fail(err, WK_E_PARSE,
                       "%s: %d fields where the header has %d; the file may be cut off, fetch "
                       "it again",
                       c->place, n, c->n);
    return WK_OK;
}

wk_status wk__columns_number(const wk__columns *c, int column, double *out, wk_err *err)
{
    const char *text = c->fields[column];
    if (!*text) {
        *out = NAN;
        return WK_OK;
    }
    const char *problem = wk_number_parse(text, strlen(text), out);
    if (problem)
        return wk_fail(err, WK_E_PARSE, "%s: %s \"%.32s\" %s; correct or delete the row", c->place,
                       c->names[column], text, problem);
    return WK_OK;
}

wk_status wk__columns_time(const wk__columns *c, int column, int64_t *time_ns, wk_err *err)
{
    const char *text = c->fields[column], *problem = wk_stamp_parse(text, strlen(text), time_ns);
    if (problem)
        return wk_fail(err, WK_E_PARSE, "%s: %s \"%.32s\" %s; correct or delete the row", c->place,
                       c->names[column], text, problem);
    return WK_OK;
}

bool wk__columns_is(const wk__columns *c, int column, const char *text)
{
    return strcasecmp(c->fields[column], text) == 0;
}
