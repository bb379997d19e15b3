#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

void complain(venue *v, const char *fmt, ...)
{
    char line[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    v->n_violations++;
    text_add(&v->violations, "%s\n", line);
    char path[512];
    snprintf(path, sizeof path, "%s/violations.txt", v->dir);
    FILE *file = fopen(path, "a");
    if (file) {
        fprintf(file, "%s\n", line);
        fclose(file);
    }
}

void complain_request(request *r, const char *fmt, ...)
{
    char line[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    complain(r->v, "%s %.300s: %s", r->http->method, r->http->target, line);
}

const char *param(request *r, const char *name)
{
    const char *found = NULL;
    for (int i = 0; i < r->n_params; i++) {
        if (strcmp(r->param[i].name, name) != 0)
            continue;
        if (found)
            complain_request(r, "parameter \"%s\" is given twice", name);
        r->param[i].is_known = 1;
        found = r->param[i].value;
    }
    return found;
}

int64_t param_int(request *r, const char *name, int64_t least, int64_t most, int64_t otherwise)
{
    const char *value = param(r, name);
    if (!value)
        return otherwise;
    char *end;
    long long n = strtoll(value, &end, 10);
    if (*end || end == value || strspn(value, "0123456789") != strlen(value)) {
        complain_request(r, "parameter \"%s\" is \"%s\", not a whole number", name, value);
        return otherwise;
    }
    if (n < least || n > most) {
        complain_request(r, "parameter \"%s\" is %lld, outside %lld to %lld", name, n,
                         (long long)least, (long long)most);
        return otherwise;
    }
    return n;
}

int params_unknown(request *r)
{
    int n = 0;
    for (int i = 0; i < r->n_params; i++)
        if (!r->param[i].is_known) {
            complain_request(r, "unknown parameter \"%s\"", r->param[i].name);
            n++;
        }
    return n;
}

int one_of(const char *value, const char *list)
{
    size_t n = strlen(value);
    for (const char *at = list; n && (at = strstr(at, value)) != NULL; at += n)
        if ((at == list || at[-1] == ' ') && (at[n] == ' ' || at[n] == 0))
            return 1;
    return 0;
}

int rate_take(request *r, int which, double capacity, double per_second, double cost)
{
    double scale = r->v->options.rate_scale;
    if (scale < 0)
        return 1;
    rate_bucket *bucket = &r->v->rates[which];
    int64_t now = real_ms();
    capacity *= scale > 1 ? scale : 1;
    if (!bucket->is_open)
        *bucket = (rate_bucket){.tokens = capacity, .at_ms = now, .is_open = 1};
    bucket->tokens += (double)(now - bucket->at_ms) / 1000 * per_second * scale;
    bucket->tokens = bucket->tokens > capacity ? capacity : bucket->tokens;
    bucket->at_ms = now;
    if (bucket->tokens < cost) {
        complain_request(r, "rate: faster than %g a second after a burst of %g", per_second * scale,
                         capacity);
        return 0;
    }
    bucket->tokens -= cost;
    return 1;
}

size_t page_rows(request *r, size_t n)
{
    if (r->fault.kind == FAULT_EMPTY_PAGE && n > 0) {
        r->did_page = 1;
        return 0;
    }
    if (r->fault.kind == FAULT_SHORT_PAGE && n > 1) {
        r->did_page = 1;
        return n / 2;
    }
    return n;
}

text *row_add(request *r)
{
    if (r->n_rows == r->rows_size) {
        r->rows_size = r->rows_size ? r->rows_size * 2 : 64;
        r->rows = realloc(r->rows, r->rows_size * sizeof *r->rows);
        if (!r->rows)
            abort();
    }
    text *row = &r->rows[r->n_rows++];
    memset(row, 0, sizeof *row);
    return row;
}

void rows_join(request *r, text *out)
{
    int times = 1;
    size_t n = r->n_rows;
    if (n > 1 && (r->fault.kind == FAULT_REVERSE_ROWS || r->fault.kind == FAULT_DUPLICATE_ROWS))
        r->did_page = 1;
    if (r->fault.kind == FAULT_DUPLICATE_ROWS)
        times = 2;
    for (size_t i = 0; i < n; i++) {
        text *row = &r->rows[r->fault.kind == FAULT_REVERSE_ROWS ? n - 1 - i : i];
        for (int k = 0; k < times; k++) {
            if (i || k)
                text_add_bytes(out, ",", 1);
            text_add_bytes(out, row->data, row->n);
        }
    }
    for (size_t i = 0; i < n; i++)
        text_finish(&r->rows[i]);
    r->n_rows = 0;
}
