#include "trade_schema.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int path_matches(const char *pattern, const char *path)
{
    while (*pattern) {
        if (*pattern == '*') {
            if (!*path || *path == '/')
                return 0;
            while (*path && *path != '/')
                path++;
            pattern++;
        } else if (*pattern++ != *path++) {
            return 0;
        }
    }
    return *path == 0;
}

const schema_call *schema_find(const schema_call *calls, const char *method, const char *path,
                               int *other_method)
{
    *other_method = 0;
    for (const schema_call *c = calls; c->method; c++) {
        if (!path_matches(c->path, path))
            continue;
        if (strcmp(c->method, method) == 0)
            return c;
        *other_method = 1;
    }
    return NULL;
}

static int is_digits(const char *s, size_t least, size_t most)
{
    size_t n = strlen(s);
    for (const char *c = s; *c; c++)
        if (!isdigit((unsigned char)*c))
            return 0;
    return n >= least && n <= most;
}

/* digits[.digits] without superfluous zeros in front. */
static int is_decimal(const char *s, int with_sign, int with_zero)
{
    int whole = 0, places = 0, value = 0;
    if (with_sign && *s == '-')
        s++;
    if (s[0] == '0' && isdigit((unsigned char)s[1]))
        return 0;
    for (; isdigit((unsigned char)*s); s++, whole++)
        value |= *s != '0';
    if (*s == '.')
        for (s++; isdigit((unsigned char)*s); s++, places++)
            value |= *s != '0';
    return *s == 0 && whole > 0 && whole < 16 && places < 19 && (value || with_zero) &&
           (places > 0 || s[-1] != '.');
}

static int is_word(const char *s, size_t n, const char *words)
{
    for (const char *at = words; *at;) {
        size_t length = strcspn(at, " ");
        if (length == n && strncmp(at, s, n) == 0)
            return 1;
        at += length;
        while (*at == ' ')
            at++;
    }
    return 0;
}

static int all_of(const char *s, const char *words)
{
    int n = 0;
    for (;;) {
        size_t length = strcspn(s, ",");
        char one[32];
        snprintf(one, sizeof one, "%.*s", (int)(length < 31 ? length : 31), s);
        if (length == 0 || (words ? !is_word(s, length, words) : !is_digits(one, 1, 18)) ||
            ++n > 10)
            return 0;
        s += length;
        if (*s++ != ',')
            return 1;
    }
}

static int is_time(const char *s)
{
    static const char shape[] = "0000-00-00T00:00:00";
    for (size_t i = 0; i < sizeof shape - 1; i++)
        if (shape[i] == '0' ? !isdigit((unsigned char)s[i]) : s[i] != shape[i])
            return 0;
    s += sizeof shape - 1;
    if (*s == '.') {
        if (!isdigit((unsigned char)*++s))
            return 0;
        while (isdigit((unsigned char)*s))
            s++;
    }
    return strcmp(s, "Z") == 0;
}

/* NULL, or what the value should have been. */
static const char *value_fault(const schema_field *f, const json_t *value, int is_form)
{
    const char *s = json_string_value(value);
    int whole = json_is_integer(value);
    json_int_t number = json_integer_value(value);
    switch (f->type) {
    case FIELD_STRING:
        if (!s || !*s || (f->words && strlen(s) > strtoul(f->words, NULL, 10)))
            return "a text of the documented length";
        return NULL;
    case FIELD_INT:
    case FIELD_COUNT:
        if (is_form && s && is_digits(s, 1, 19)) {
            whole = 1;
            number = strtoll(s, NULL, 10);
        }
        if (!whole || number < (f->type == FIELD_COUNT))
            return f->type == FIELD_COUNT ? "a whole number above 0" : "a whole number";
        return NULL;
    case FIELD_SIGNED:
        if (is_form && s) {
            char *end;
            number = strtoll(s, &end, 10);
            whole = *s && !*end;
        }
        return whole && number >= INT32_MIN && number <= INT32_MAX ? NULL
                                                                   : "a whole number of "
                                                                     "32 bits";
    case FIELD_BOOL:
        if (is_form)
            return s && is_word(s, strlen(s), "true false") ? NULL : "true or false";
        return json_is_boolean(value) ? NULL : "a boolean";
    case FIELD_DECIMAL:
        return s && is_decimal(s, 0, 0) ? NULL : "a positive decimal as a string";
    case FIELD_AMOUNT:
        return s && is_decimal(s, 1, 1) ? NULL : "a decimal as a string";
    case FIELD_WORD:
        return s && is_word(s, strlen(s), f->words) ? NULL : f->words;
    case FIELD_WORDS:
        return s && all_of(s, f->words) ? NULL : f->words;
    case FIELD_INTS:
        return s && all_of(s, NULL) ? NULL : "a comma list of at most 10 whole numbers";
    case FIELD_TIME:
        return s && is_time(s) ? NULL : "a time such as 2026-01-02T03:04:05Z";
    case FIELD_NUMBER:
        return (s && *s) || json_is_number(value) ? NULL : "a value";
    case FIELD_OBJECT:
        return json_is_object(value) ? NULL : "an object";
    case FIELD_LIST:
        return json_is_array(value) && json_array_size(value) > 0 ? NULL : "a list";
    }
    return NULL;
}

static void fault_line(const char *name, char *field, text *why, const char *fmt, const char *what)
{
    if (!*field)
        snprintf(field, SCHEMA_FIELD, "%s", name);
    text_add(why, "field \"%s\" ", name);
    text_add(why, fmt, what);
    text_add(why, "\n");
}

int schema_check_fields(const schema_field *fields, const json_t *said, int is_form, char *field,
                        text *why)
{
    int n = 0;
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)said, key, value)
    {
        const schema_field *f = fields;
        while (f->name && strcmp(f->name, key) != 0)
            f++;
        const char *should = f->name ? value_fault(f, value, is_form) : NULL;
        if (!f->name) {
            fault_line(key, field, why, "is unknown%s", "");
            n++;
        } else if (should) {
            char *text_of = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            fault_line(key, field, why, "is %s, ", text_of ? text_of : "?");
            free(text_of);
            why->n--; /* the line goes on */
            text_add(why, "not %s\n", should);
            n++;
        }
    }
    for (const schema_field *f = fields; f->name; f++)
        if (f->is_needed && !json_object_get(said, f->name)) {
            fault_line(f->name, field, why, "is missing%s", "");
            n++;
        }
    return n;
}

int schema_check(const schema_call *call, const json_t *said, int is_form, char *field, text *why)
{
    *field = 0;
    int n = schema_check_fields(call->fields, said, is_form, field, why);
    char what[SCHEMA_WHY] = "", which[SCHEMA_FIELD] = "";
    if (n == 0 && call->rule && !call->rule(said, which, what)) {
        snprintf(field, SCHEMA_FIELD, "%s", which);
        text_add(why, "%s\n", what);
        n++;
    }
    return n;
}
