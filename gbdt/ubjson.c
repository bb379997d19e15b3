/* UBJSON, as much of it as XGBoost writes: big-endian numbers, arrays with a count and perhaps one
 * type, and objects that end with a brace. Lengths are believed only as far as there are bytes for
 * them. */
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "wick/text.h"

#define DEPTH_MAX 32

typedef struct {
    const unsigned char *bytes;
    size_t n, at;
    const char *name;
    wk_err *err;
} feed;

static json_t *refuse(feed *f, const char *what)
{
    (void)wk_fail(f->err, WK_E_PARSE, "%s: byte %zu: %s; is this an XGBoost UBJSON model?", f->name,
                  f->at, what);
    return NULL;
}

static size_t size_of(int type)
{
    switch (type) {
    case 'i':
    case 'U':
        return 1;
    case 'I':
        return 2;
    case 'l':
    case 'd':
        return 4;
    case 'L':
    case 'D':
        return 8;
    default:
        return 0;
    }
}

static uint64_t take_bits(feed *f, size_t n)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < n; i++)
        bits = bits << 8 | f->bytes[f->at++];
    return bits;
}

/* NaN, which JSON does not have, becomes the string "-". */
static json_t *real_of(double x)
{
    json_t *value = json_real(x);
    return value ? value : json_string("-");
}

/* A number whose bytes are there. */
static json_t *take_number(feed *f, int type)
{
    uint64_t bits = take_bits(f, size_of(type));
    float single;
    double wide;
    uint32_t low = (uint32_t)bits;
    switch (type) {
    case 'i':
        return json_integer((int8_t)(uint8_t)bits);
    case 'U':
        return json_integer((uint8_t)bits);
    case 'I':
        return json_integer((int16_t)(uint16_t)bits);
    case 'l':
        return json_integer((int32_t)low);
    case 'L':
        return json_integer((int64_t)bits);
    case 'd':
        memcpy(&single, &low, sizeof single);
        return real_of((double)single);
    default:
        memcpy(&wide, &bits, sizeof wide);
        return real_of(wide);
    }
}

static int take_type(feed *f)
{
    return f->at < f->n ? f->bytes[f->at++] : 0;
}

/* A length, with its type before it, that is at most the bytes left. */
static bool take_length(feed *f, size_t *length)
{
    int type = take_type(f);
    size_t size = size_of(type);
    if (size == 0 || type == 'd' || type == 'D' || f->n - f->at < size)
        return false;
    uint64_t bits = take_bits(f, size);
    uint64_t sign = type == 'U' ? 0 : bits >> (8 * size - 1);
    *length = (size_t)bits;
    return !sign && bits <= f->n - f->at;
}

static json_t *take_value(feed *f, int type, int depth);

static json_t *take_string(feed *f)
{
    size_t length;
    if (!take_length(f, &length))
        return refuse(f, "bad length of a string");
    json_t *value = json_stringn((const char *)f->bytes + f->at, length);
    f->at += length;
    return value ? value : refuse(f, "a string that is not UTF-8");
}

static json_t *take_array(feed *f, int depth)
{
    int type = 0, mark = take_type(f);
    size_t count;
    if (mark == '$') {
        type = take_type(f);
        mark = take_type(f);
        if (size_of(type) == 0)
            return refuse(f, "an array of an unknown type");
    }
    if (mark != '#' || !take_length(f, &count) || (type && count > (f->n - f->at) / size_of(type)))
        return refuse(f, "bad length of an array");
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++) {
        json_t *value = type ? take_number(f, type) : take_value(f, take_type(f), depth + 1);
        if (!value || json_array_append_new(array, value) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static json_t *take_object(feed *f, int depth)
{
    json_t *object = json_object();
    while (object) {
        size_t length;
        if (f->at < f->n && f->bytes[f->at] == '}') {
            f->at++;
            return object;
        }
        if (!take_length(f, &length))
            break;
        const char *key = (const char *)f->bytes + f->at;
        f->at += length;
        json_t *value = take_value(f, take_type(f), depth + 1);
        if (!value || json_object_setn_new(object, key, length, value) != 0) {
            json_decref(object);
            return f->err && f->err->msg[0] ? NULL : refuse(f, "a bad key");
        }
    }
    json_decref(object);
    return refuse(f, "bad length of a key");
}

static json_t *take_value(feed *f, int type, int depth)
{
    if (depth > DEPTH_MAX)
        return refuse(f, "nested too deeply");
    if (size_of(type) > 0)
        return f->n - f->at < size_of(type) ? refuse(f, "the file ends within a number")
                                            : take_number(f, type);
    switch (type) {
    case '{':
        return take_object(f, depth);
    case '[':
        return take_array(f, depth);
    case 'S':
        return take_string(f);
    case 'T':
        return json_true();
    case 'F':
        return json_false();
    case 'Z':
        return json_null();
    default:
        return refuse(f, "an unknown type");
    }
}

bool wk__gbdt_is_ubjson(const char *bytes, size_t size_bytes)
{
    return size_bytes >= 2 && bytes[0] == '{' && memchr("LiUIl", bytes[1], 5) != NULL;
}

wk_status wk__gbdt_parse_ubjson(const char *bytes, size_t size_bytes, const char *name,
                                json_t **out, wk_err *err)
{
    wk_err own = {0};
    feed f = {.bytes = (const unsigned char *)bytes, .n = size_bytes, .name = name, .err = &own};
    json_t *value = take_value(&f, take_type(&f), 0);
    if (value && f.at < f.n) {
        json_decref(value);
        value = refuse(&f, "something follows the model");
    }
    if (!value)
        return wk_fail(err, WK_E_PARSE, "%s",
                       own.msg[0] ? own.msg : "out of memory reading a UBJSON model");
    *out = value;
    return WK_OK;
}

/* ---- writing ---- */

static void put_bits(wk_text *out, uint64_t bits, size_t n)
{
    char bytes[8];
    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(uint8_t)(bits >> (8 * (n - 1 - i)));
    wk_text_add_bytes(out, bytes, n);
}

static void put_length(wk_text *out, size_t length)
{
    wk_text_add_bytes(out, "L", 1);
    put_bits(out, length, 8);
}

static void put_value(wk_text *out, const json_t *value)
{
    json_t *element;
    const char *key;
    size_t i;
    float single;
    uint32_t bits;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        wk_text_add_bytes(out, "{", 1);
        json_object_foreach((json_t *)(uintptr_t)value, key, element)
        {
            put_length(out, strlen(key));
            wk_text_add_bytes(out, key, strlen(key));
            put_value(out, element);
        }
        wk_text_add_bytes(out, "}", 1);
        break;
    case JSON_ARRAY:
        wk_text_add_bytes(out, "[#", 2);
        put_length(out, json_array_size(value));
        json_array_foreach(value, i, element) put_value(out, element);
        break;
    case JSON_STRING:
        wk_text_add_bytes(out, "S", 1);
        put_length(out, json_string_length(value));
        wk_text_add_bytes(out, json_string_value(value), json_string_length(value));
        break;
    case JSON_REAL:
        single = (float)json_real_value(value);
        memcpy(&bits, &single, sizeof bits);
        wk_text_add_bytes(out, "d", 1);
        put_bits(out, bits, 4);
        break;
    case JSON_INTEGER: {
        int64_t number = json_integer_value(value);
        bool narrow = number >= INT32_MIN && number <= INT32_MAX;
        wk_text_add_bytes(out, narrow ? "l" : "L", 1);
        put_bits(out, (uint64_t)number, narrow ? 4 : 8);
        break;
    }
    case JSON_TRUE:
        wk_text_add_bytes(out, "T", 1);
        break;
    case JSON_FALSE:
        wk_text_add_bytes(out, "F", 1);
        break;
    case JSON_NULL:
        wk_text_add_bytes(out, "Z", 1);
        break;
    }
}

char *wk__gbdt_dump_ubjson(const json_t *value, size_t *size_bytes)
{
    wk_text out = {0};
    put_value(&out, value);
    *size_bytes = out.n;
    return out.s;
}
