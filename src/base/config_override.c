/* --set section.key=value: a change of the parsed tree before it is checked. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

/* The node an override has reached: an object described by `table`. */
typedef struct {
    const wk_cfg_table *table;
    json_t *object;
} node;

/* Is the value of this row written as a JSON string? Then a bare 2024 or true is text as well. */
static bool is_textual(wk_cfg_type type)
{
    return type == WK_CFG_STRING || type == WK_CFG_ENUM || type == WK_CFG_TIME ||
           type == WK_CFG_TIMEFRAME;
}

static json_t *value_of(const wk_cfg_row *row, const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
    if (value && is_textual(row->type) && !json_is_string(value) && !json_is_null(value)) {
        json_decref(value);
        value = NULL;
    }
    return value ? value : json_string(text);
}

/* The child of `n` that the row names, created or taken from its default when the file has none. A
 * file's value of another type stays and is refused later, with its line. */
static json_t *child_of(node n, const wk_cfg_row *row)
{
    json_t *child = json_object_get(n.object, row->key);
    if (!child) {
        child = wk__cfg_default(row);
        if (!child || json_object_set_new(n.object, row->key, child) != 0)
            return NULL;
    }
    return child;
}

static wk_status refuse(const char *text, wk_text *message, wk_err *err)
{
    wk_fail(err, WK_E_CONFIG, "--set %s: %s", text, message->s);
    free(message->s);
    return WK_E_CONFIG;
}

/* Steps into element `index` of the array of sections; one past the end appends. */
static wk_status step_index(const wk_cfg_row *row, json_t *array, const char *index,
                            const char *path, const char *text, json_t **out, wk_err *err)
{
    wk_text message = {0};
    char *end;
    unsigned long i = strtoul(index, &end, 10);
    size_t n = json_array_size(array);
    if (!*index || *end || index[0] == '-' || index[0] == '+') {
        wk_text_printf(&message, "%s is a list; write %s.0.KEY", row->key, path);
        return refuse(text, &message, err);
    }
    if (i > n) {
        wk_text_printf(&message, "%s has %zu elements; the highest index to set is %zu", path, n,
                       n);
        return refuse(text, &message, err);
    }
    if (i == n && json_array_append_new(array, json_object()) != 0)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    *out = json_array_get(array, i);
    return WK_OK;
}

wk_status wk__cfg_override(const wk_cfg_table *table, json_t *root, const char *text, char **path,
                           wk_err *err)
{
    wk_text message = {0};
    const char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return wk_fail(err, WK_E_CONFIG, "--set %s: write --set section.key=value", text);
    char *copy = strndup(text, (size_t)(equals - text));
    wk_text so_far = {0};
    WK_ASSERT(copy && "out of memory");
    node n = {table, root};
    wk_status status = WK_OK;
    char *rest = copy;
    while (status == WK_OK) {
        char *key = rest;
        rest = strchr(key, '.');
        if (rest)
            *rest++ = 0;
        wk_text_printf(&so_far, "%s%s", so_far.n ? "." : "", key);
        const wk_cfg_row *row = wk__cfg_row_find(n.table, key);
        if (!row) {
            wk__cfg_unknown(n.table, so_far.s, key, &message);
            status = refuse(text, &message, err);
            break;
        }
        if (!rest) {
            if (json_object_set_new(n.object, key, value_of(row, equals + 1)) != 0)
                status = wk_fail(err, WK_E_CONFIG, "--set %s: the value is not UTF-8 text", text);
            break;
        }
        if (row->type != WK_CFG_SECTION && row->type != WK_CFG_SECTIONS) {
            wk_text_printf(&message, "%s is no section; it has no key \"%s\"", so_far.s, rest);
            status = refuse(text, &message, err);
            break;
        }
        json_t *child = child_of(n, row);
        if (row->type == WK_CFG_SECTIONS && json_is_array(child)) {
            char *index = rest;
            rest = strchr(index, '.');
            if (rest)
                *rest++ = 0;
            status = step_index(row, child, index, so_far.s, text, &child, err);
            wk_text_printf(&so_far, ".%s", index);
            if (status == WK_OK && !rest) {
                wk_text_printf(&message, "name a key of %s, as in %s.KEY=value", so_far.s,
                               so_far.s);
                status = refuse(text, &message, err);
            }
        }
        if (status == WK_OK && !json_is_object(child)) {
            wk_text_printf(&message, "%s is not an object in the file", so_far.s);
            status = refuse(text, &message, err);
        }
        n = (node){row->sub, child};
    }
    free(copy);
    if (status != WK_OK) {
        free(so_far.s);
        return status;
    }
    *path = so_far.s;
    return WK_OK;
}
