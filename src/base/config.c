/* From JSON to a struct: every value is looked up in its table row, checked and stored. */
#include "wick/config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"
#include "wick/clock.h"
#include "wick/file.h"

/* One parse: what messages need to name a place. */
typedef struct {
    const char *file, *text; /* NULL for defaults */
    const char *const *overrides;
    char **override_paths; /* where each override went, in order */
    size_t n_overrides;
    wk_arena *arena;
    wk_err *err;
} parse;

const wk_cfg_row *wk__cfg_row_find(const wk_cfg_table *table, const char *key)
{
    for (const wk_cfg_row *row = table->rows; row->key; row++)
        if (strcmp(row->key, key) == 0)
            return row;
    return NULL;
}

bool wk__cfg_choice(const char *choices, int k, char out[64])
{
    for (; k > 0; k--) {
        choices = strchr(choices, '|');
        if (!choices)
            return false;
        choices++;
    }
    size_t n = strcspn(choices, "|");
    if (k < 0 || n > 63)
        return false;
    memcpy(out, choices, n);
    out[n] = 0;
    return true;
}

int wk__cfg_choice_index(const char *choices, const char *text)
{
    char choice[64];
    for (int k = 0; wk__cfg_choice(choices, k, choice); k++)
        if (strcmp(choice, text) == 0)
            return k;
    return -1;
}

bool wk__cfg_is_nullable(const wk_cfg_row *row)
{
    return row->type == WK_CFG_REAL && row->dflt && strcmp(row->dflt, "null") == 0;
}

bool wk__cfg_has_range(const wk_cfg_row *row)
{
    return (row->min != 0 || row->max != 0) && !(isinf(row->min) && isinf(row->max));
}

char *wk__cfg_range_format(const wk_cfg_row *row, char out[96])
{
    char lo[32], hi[32];
    if (isinf(row->max))
        snprintf(out, 96, "at least %s", wk_double_format(row->min, lo));
    else if (isinf(row->min))
        snprintf(out, 96, "at most %s", wk_double_format(row->max, hi));
    else
        snprintf(out, 96, "%s..%s", wk_double_format(row->min, lo), wk_double_format(row->max, hi));
    return out;
}

void wk__cfg_unknown(const wk_cfg_table *table, const char *path, const char *key, wk_text *message)
{
    const char *nearest = NULL;
    size_t distance = SIZE_MAX;
    for (const wk_cfg_row *row = table->rows; row->key; row++)
        if (wk_nearer(key, row->key, &distance))
            nearest = row->key;
    if (nearest) {
        wk_text_printf(message, "%s: unknown key; did you mean \"%s\"?", path, nearest);
        return;
    }
    wk_text_printf(message, "%s: unknown key; keys here:", path);
    for (const wk_cfg_row *row = table->rows; row->key; row++)
        wk_text_printf(message, "%s %s", row == table->rows ? "" : ",", row->key);
}

json_t *wk__cfg_default(const wk_cfg_row *row)
{
    if (row->type == WK_CFG_SECTION)
        return json_object();
    if (!row->dflt)
        return row->type == WK_CFG_SECTIONS ? json_array() : NULL;
    json_t *value = json_loads(row->dflt, JSON_DECODE_ANY, NULL);
    WK_ASSERT(value && "the default of a configuration row is not JSON");
    return value;
}

/* An override answers for its path and all below it; the file for the rest. */
static wk_status refuse(const parse *p, const char *path, const char *message)
{
    for (size_t i = p->n_overrides; i-- > 0;) {
        const char *at = p->override_paths[i];
        size_t n = at ? strlen(at) : 0;
        if (at && strncmp(path, at, n) == 0 && (path[n] == 0 || path[n] == '.'))
            return wk_fail(p->err, WK_E_CONFIG, "--set %s: %s", p->overrides[i], message);
    }
    return wk_fail(p->err, WK_E_CONFIG, "%s:%d: %s", p->file,
                   p->text ? wk__json_line(p->text, path) : 0, message);
}

static wk_status refuse_free(const parse *p, const char *path, wk_text *message)
{
    wk_status status = refuse(p, path, message->s);
    free(message->s);
    return status;
}

static const char *type_of(const json_t *value)
{
    static const char *const names[] = {"an object",     "a list", "text",  "an integer",
                                        "a real number", "true",   "false", "null"};
    return names[json_typeof(value)];
}

static wk_status refuse_type(const parse *p, const char *path, const char *wanted,
                             const json_t *got)
{
    wk_text message = {0};
    wk_text_printf(&message, "%s must be %s, got %s", path, wanted, type_of(got));
    char number[32];
    if (json_is_real(got)) {
        wk_text_printf(&message, " (%s)", wk_double_format(json_real_value(got), number));
    } else if (json_is_string(got) || json_is_integer(got)) {
        char *dump = json_dumps(got, JSON_ENCODE_ANY);
        wk_text_printf(&message, " (%.80s)", dump ? dump : "");
        free(dump);
    }
    return refuse_free(p, path, &message);
}

static wk_status check_range(const parse *p, const wk_cfg_row *row, const char *path, double x)
{
    if (!wk__cfg_has_range(row) || (x >= row->min && x <= row->max))
        return WK_OK;
    char range[96], number[32];
    wk_text message = {0};
    wk_text_printf(&message, "%s is %s; it must be %s%s", path, wk_double_format(x, number),
                   isinf(row->min) || isinf(row->max) ? "" : "in ",
                   wk__cfg_range_format(row, range));
    if (row->unit)
        wk_text_printf(&message, " (%s)", row->unit);
    return refuse_free(p, path, &message);
}

static wk_status store_int(const parse *p, const wk_cfg_row *row, const char *path,
                           const json_t *value, int64_t *at)
{
    int64_t x;
    if (json_is_integer(value)) {
        x = json_integer_value(value);
    } else {
        /* 1e6 is a real to jansson and an integer to whoever wrote it. */
        double real = json_is_real(value) ? json_real_value(value) : 0.5;
        if (!(fabs(real) <= 0x1p53) || real != (double)(int64_t)real)
            return refuse_type(p, path, "an integer", value);
        x = (int64_t)real;
    }
    WK_TRY(check_range(p, row, path, (double)x));
    *at = x;
    return WK_OK;
}

static wk_status store_real(const parse *p, const wk_cfg_row *row, const char *path,
                            const json_t *value, double *at)
{
    if (json_is_null(value) && wk__cfg_is_nullable(row)) {
        *at = NAN;
        return WK_OK;
    }
    if (!json_is_number(value))
        return refuse_type(p, path, "a number", value);
    double x = json_number_value(value);
    WK_TRY(check_range(p, row, path, x));
    *at = x;
    return WK_OK;
}

static wk_status store_enum(const parse *p, const wk_cfg_row *row, const char *path,
                            const json_t *value, int *at)
{
    if (!json_is_string(value))
        return refuse_type(p, path, "text", value);
    const char *text = json_string_value(value);
    int index = wk__cfg_choice_index(row->choices, text);
    if (index >= 0) {
        *at = index;
        return WK_OK;
    }
    wk_text message = {0};
    char choice[64], nearest[64] = "";
    size_t distance = SIZE_MAX;
    wk_text_printf(&message, "%s is \"%.80s\"; it must be one of ", path, text);
    for (int k = 0; wk__cfg_choice(row->choices, k, choice); k++) {
        wk_text_printf(&message, "%s%s", k ? ", " : "", choice);
        if (wk_nearer(text, choice, &distance))
            memcpy(nearest, choice, sizeof nearest);
    }
    if (*nearest)
        wk_text_printf(&message, "; did you mean \"%s\"?", nearest);
    return refuse_free(p, path, &message);
}

/* Times and timeframes; null or "" is 0, which stands for "not given". */
static wk_status store_time(const parse *p, const wk_cfg_row *row, const char *path,
                            const json_t *value, int64_t *at)
{
    if (json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0)) {
        *at = 0;
        return WK_OK;
    }
    bool is_frame = row->type == WK_CFG_TIMEFRAME;
    if (!json_is_string(value))
        return refuse_type(
            p, path, is_frame ? "a timeframe such as \"1h\"" : "a time such as \"2024-06-30\"",
            value);
    wk_err why;
    wk_status status = is_frame ? wk_timeframe_parse(json_string_value(value), at, &why)
                                : wk_time_parse(json_string_value(value), at, &why);
    if (status == WK_OK)
        return WK_OK;
    wk_text message = {0};
    wk_text_printf(&message, "%s: %s", path, why.msg);
    return refuse_free(p, path, &message);
}

static wk_status store_strings(const parse *p, const char *path, const json_t *value,
                               wk_strings *at)
{
    if (!json_is_array(value))
        return refuse_type(p, path, "a list of texts", value);
    wk_strings list = {.n = json_array_size(value)};
    list.v = wk_arena_array(p->arena, const char *, list.n);
    for (size_t i = 0; i < list.n; i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_string(item))
            return refuse_type(p, wk_arena_printf(p->arena, "%s.%zu", path, i), "text", item);
        list.v[i] = wk_arena_strdup(p->arena, json_string_value(item));
    }
    *at = list;
    return WK_OK;
}

static wk_status store_reals(const parse *p, const wk_cfg_row *row, const char *path,
                             const json_t *value, wk_reals *at)
{
    if (!json_is_array(value))
        return refuse_type(p, path, "a list of numbers", value);
    wk_reals list = {.n = json_array_size(value)};
    list.v = wk_arena_array(p->arena, double, list.n);
    for (size_t i = 0; i < list.n; i++)
        WK_TRY(store_real(p, row, wk_arena_printf(p->arena, "%s.%zu", path, i),
                          json_array_get(value, i), &list.v[i]));
    *at = list;
    return WK_OK;
}

static wk_status store_section(const parse *p, const wk_cfg_table *table, const char *path,
                               const json_t *value, void *at);

static wk_status store_sections(const parse *p, const wk_cfg_row *row, const char *path,
                                const json_t *value, wk_sections *at)
{
    if (!json_is_array(value))
        return refuse_type(p, path, "a list of objects", value);
    wk_sections list = {.n = json_array_size(value)};
    list.v = wk__arena_array(p->arena, list.n, row->sub->struct_size);
    for (size_t i = 0; i < list.n; i++)
        WK_TRY(store_section(p, row->sub, wk_arena_printf(p->arena, "%s.%zu", path, i),
                             json_array_get(value, i), (char *)list.v + i * row->sub->struct_size));
    *at = list;
    return WK_OK;
}

static wk_status store_value(const parse *p, const wk_cfg_row *row, const char *path,
                             const json_t *value, void *at)
{
    switch (row->type) {
    case WK_CFG_BOOL:
        if (!json_is_boolean(value))
            return refuse_type(p, path, "true or false", value);
        *(bool *)at = json_is_true(value);
        return WK_OK;
    case WK_CFG_INT:
        return store_int(p, row, path, value, at);
    case WK_CFG_REAL:
        return store_real(p, row, path, value, at);
    case WK_CFG_STRING:
        if (!json_is_string(value))
            return refuse_type(p, path, "text", value);
        *(const char **)at = wk_arena_strdup(p->arena, json_string_value(value));
        return WK_OK;
    case WK_CFG_ENUM:
        return store_enum(p, row, path, value, at);
    case WK_CFG_TIME:
    case WK_CFG_TIMEFRAME:
        return store_time(p, row, path, value, at);
    case WK_CFG_STRINGS:
        return store_strings(p, path, value, at);
    case WK_CFG_REALS:
        return store_reals(p, row, path, value, at);
    case WK_CFG_SECTION:
        return store_section(p, row->sub, path, value, at);
    case WK_CFG_SECTIONS:
        return store_sections(p, row, path, value, at);
    }
    WK_ASSERT(!"every type of row is handled above");
    return WK_E_STATE;
}

static const char *path_join(const parse *p, const char *path, const char *key)
{
    return *path ? wk_arena_printf(p->arena, "%s.%s", path, key) : key;
}

static wk_status store_section(const parse *p, const wk_cfg_table *table, const char *path,
                               const json_t *value, void *at)
{
    if (!json_is_object(value))
        return refuse_type(p, *path ? path : "the configuration", "an object", value);
    const char *key;
    json_t *member;
    json_object_foreach((json_t *)value, key, member)
    {
        if (wk__cfg_row_find(table, key))
            continue;
        wk_text message = {0};
        const char *full = path_join(p, path, key);
        wk__cfg_unknown(table, full, key, &message);
        return refuse_free(p, full, &message);
    }
    for (const wk_cfg_row *row = table->rows; row->key; row++) {
        const char *full = path_join(p, path, row->key);
        json_t *found = json_object_get(value, row->key);
        json_t *used = found ? json_incref(found) : wk__cfg_default(row);
        if (!used)
            return refuse(p, full,
                          wk_arena_printf(p->arena, "%s is missing; it has no default (%s)", full,
                                          row->doc ? row->doc : ""));
        wk_status status = store_value(p, row, full, used, (char *)at + row->offset);
        json_decref(used);
        WK_TRY(status);
    }
    return WK_OK;
}

static wk_status parse_json(const char *path, const char *text, json_t **out, wk_err *err)
{
    json_error_t why;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!root)
        return wk_fail(err, WK_E_CONFIG, "%s:%d:%d: %s", path, why.line, why.column, why.text);
    *out = root;
    return WK_OK;
}

wk_status wk_config_parse(const wk_cfg_table *table, const char *path, const char *text,
                          const char *const *overrides, size_t n_overrides, wk_arena *arena,
                          void *out, wk_err *err)
{
    json_t *root = NULL;
    WK_TRY(parse_json(path, text, &root, err));
    parse p = {.file = path,
               .text = text,
               .overrides = overrides,
               .n_overrides = n_overrides,
               .arena = arena,
               .err = err};
    p.override_paths = calloc(n_overrides + 1, sizeof *p.override_paths);
    /* A whole struct is built aside, so that the caller's stays untouched on failure. */
    void *built = wk_arena_alloc(arena, table->struct_size);
    WK_ASSERT(p.override_paths && "out of memory");
    wk_status status = WK_OK;
    for (size_t i = 0; status == WK_OK && i < n_overrides; i++)
        status = json_is_object(root)
                     ? wk__cfg_override(table, root, overrides[i], &p.override_paths[i], err)
                     : WK_OK;
    if (status == WK_OK)
        status = store_section(&p, table, "", root, built);
    if (status == WK_OK)
        memcpy(out, built, table->struct_size);
    for (size_t i = 0; i < n_overrides; i++)
        free(p.override_paths[i]);
    free(p.override_paths);
    json_decref(root);
    return status;
}

wk_status wk_config_load(const wk_cfg_table *table, const char *path, const char *const *overrides,
                         size_t n_overrides, wk_arena *arena, void *out, wk_err *err)
{
    char *text;
    size_t n;
    WK_TRY(wk_file_read(path, &text, &n, err));
    wk_status status =
        strlen(text) == n
            ? wk_config_parse(table, path, text, overrides, n_overrides, arena, out, err)
            : wk_fail(err, WK_E_CONFIG, "%s holds a zero byte at offset %zu; it is not a JSON file",
                      path, strlen(text));
    free(text);
    return status;
}

void wk_config_defaults(const wk_cfg_table *table, wk_arena *arena, void *out)
{
    wk_err err;
    if (wk_config_parse(table, "defaults", "{}", NULL, 0, arena, out, &err) != WK_OK)
        wk__assert_failed(err.msg, table->name, 0);
}
