#include "wick/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"

#include "report_assets.h"

/* A growing text; `failed` once memory ran out. */
typedef struct {
    char *bytes;
    size_t size, room;
    int failed;
} text;

static void append(text *t, const char *bytes, size_t size)
{
    if (t->failed)
        return;
    if (t->size + size > t->room) {
        size_t room = 2 * t->room + size + 4096;
        char *grown = realloc(t->bytes, room);
        if (!grown) {
            t->failed = 1;
            return;
        }
        t->bytes = grown;
        t->room = room;
    }
    memcpy(t->bytes + t->size, bytes, size);
    t->size += size;
}

/* JSON inside a script element: "<" could begin "</script" or "<!--", which end or hide the
 * element; as an escape it is still the same JSON text. */
static void append_json(text *t, const char *json)
{
    for (const char *p = json; *p;) {
        size_t plain = strcspn(p, "<");
        append(t, p, plain);
        p += plain;
        if (*p == '<') {
            append(t, "\\u003c", 6);
            p++;
        }
    }
}

/* The page is a template: "{{name}}" stands for an asset, or for the document. */
#define ASSET(name)                                                                                \
    {                                                                                              \
        "{{" #name "}}", (const char *)wk__report_##name, wk__report_##name##_size                 \
    }
static const struct {
    const char *mark, *bytes;
    size_t size;
} assets[] = {ASSET(style), ASSET(charts),     ASSET(format), ASSET(plot),
              ASSET(time),  ASSET(importance), ASSET(script)};

/* Puts what the mark at `p` stands for into the text and returns where the template goes on. */
static const char *fill_mark(text *t, const char *p, const char *json)
{
    static const char DOCUMENT[] = "{{document}}";
    if (strncmp(p, DOCUMENT, sizeof DOCUMENT - 1) == 0) {
        append_json(t, json);
        return p + sizeof DOCUMENT - 1;
    }
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++)
        if (strncmp(p, assets[i].mark, strlen(assets[i].mark)) == 0) {
            append(t, assets[i].bytes, assets[i].size);
            return p + strlen(assets[i].mark);
        }
    WK_ASSERT(!"a mark of page.html without an asset");
    return NULL;
}

static void fill_template(text *t, const char *json)
{
    const char *p = (const char *)wk__report_page;
    for (const char *mark; (mark = strstr(p, "{{")) != NULL;) {
        append(t, p, (size_t)(mark - p));
        p = fill_mark(t, mark, json);
    }
    append(t, p, strlen(p));
}

wk_status wk_report_write(const char *path, const json_t *document, wk_err *err)
{
    if (!json_is_string(json_object_get(document, "title")))
        return wk_fail(err, WK_E_ARG, "report %s: the document has no \"title\"", path);
    char *json = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(10));
    if (!json)
        return wk_fail(err, WK_E_NOMEM, "report %s: out of memory", path);
    text page = {0};
    fill_template(&page, json);
    free(json);
    wk_status status = page.failed ? wk_fail(err, WK_E_NOMEM, "report %s: out of memory", path)
                                   : wk_file_write_atomic(path, page.bytes, page.size, err);
    free(page.bytes);
    return status;
}

json_t *wk_report_number(double value)
{
    if (isfinite(value))
        return json_real(value);
    return isnan(value) ? json_null() : json_string(value > 0 ? "inf" : "-inf");
}
