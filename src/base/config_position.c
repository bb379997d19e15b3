/* Where a value stands in a JSON text. jansson checks the syntax but keeps no positions, so this
 * scanner walks the text again, only when there is something to complain about. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

typedef struct {
    const char *p;
    int line;

    size_t best_depth; /* components of the path matched by best_line */
    int best_line;
} scanner;

static void skip_space(scanner *s)
{
    for (; *s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'; s->p++)
        s->line += *s->p == '\n';
}

/* Moves past the string at p and returns its size in bytes, quotes included. */
static size_t skip_string(scanner *s)
{
    const char *start = s->p++;
    for (; *s->p && *s->p != '"'; s->p++)
        if (*s->p == '\\' && s->p[1])
            s->p++;
    if (*s->p)
        s->p++;
    return (size_t)(s->p - start);
}

/* Does the first component of `path` equal `name`? Then *rest is what follows its dot. */
static bool component_is(const char *path, const char *name, const char **rest)
{
    size_t n = strlen(name);
    if (!path || strncmp(path, name, n) != 0 || (path[n] != '.' && path[n] != 0))
        return false;
    *rest = path[n] ? path + n + 1 : "";
    return true;
}

static void scan_value(scanner *s, const char *path, size_t depth);

static void scan_member(scanner *s, const char *path, size_t depth, const char *name, int line)
{
    const char *rest = NULL;
    if (component_is(path, name, &rest) && depth > s->best_depth) {
        s->best_depth = depth;
        s->best_line = line;
    }
    scan_value(s, rest && *rest ? rest : NULL, depth + 1);
}

static void scan_object(scanner *s, const char *path, size_t depth)
{
    s->p++;
    for (skip_space(s); *s->p == '"'; skip_space(s)) {
        const char *key = s->p;
        int line = s->line;
        size_t n = skip_string(s);
        /* jansson undoes the escapes for us. */
        json_t *name = json_loadb(key, n, JSON_DECODE_ANY, NULL);
        skip_space(s);
        if (*s->p == ':')
            s->p++;
        scan_member(s, path, depth, name ? json_string_value(name) : "", line);
        json_decref(name);
        skip_space(s);
        if (*s->p == ',')
            s->p++;
    }
    if (*s->p == '}')
        s->p++;
}

static void scan_array(scanner *s, const char *path, size_t depth)
{
    s->p++;
    skip_space(s);
    for (unsigned i = 0; *s->p && *s->p != ']'; i++) {
        char name[16];
        snprintf(name, sizeof name, "%u", i);
        scan_member(s, path, depth, name, s->line);
        skip_space(s);
        if (*s->p == ',')
            s->p++;
        skip_space(s);
    }
    if (*s->p == ']')
        s->p++;
}

static void scan_value(scanner *s, const char *path, size_t depth)
{
    skip_space(s);
    if (*s->p == '{')
        scan_object(s, path, depth);
    else if (*s->p == '[')
        scan_array(s, path, depth);
    else if (*s->p == '"')
        skip_string(s);
    else
        s->p += strcspn(s->p, ",]} \t\r\n");
}

int wk__json_line(const char *text, const char *path)
{
    scanner s = {.p = text, .line = 1};
    skip_space(&s);
    s.best_line = s.line;
    scan_value(&s, *path ? path : NULL, 1);
    return s.best_line;
}
