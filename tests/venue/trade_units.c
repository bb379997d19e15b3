/* Decimals of the venues, exactly, and replies made of them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "trading.h"

int units_of(const char *text_of, int decimals, int64_t *out)
{
    int64_t value = 0;
    int places = -1, digits = 0;
    for (const char *c = text_of; *c; c++) {
        if (*c == '.' && places < 0) {
            places = 0;
        } else if (isdigit((unsigned char)*c)) {
            if (places >= decimals) {
                if (*c != '0')
                    return 0;
                continue;
            }
            if (__builtin_mul_overflow(value, (int64_t)10, &value) ||
                __builtin_add_overflow(value, (int64_t)(*c - '0'), &value))
                return 0;
            places += places >= 0;
            digits++;
        } else {
            return 0;
        }
    }
    for (int i = places < 0 ? 0 : places; i < decimals; i++)
        if (__builtin_mul_overflow(value, (int64_t)10, &value))
            return 0;
    *out = value;
    return digits > 0;
}

const char *short_of(int64_t units, int decimals, char out[40])
{
    text t = {0};
    text_add_short(&t, units, decimals, 0);
    snprintf(out, 40, "%s", t.data);
    text_finish(&t);
    return out;
}

const char *fixed_of(int64_t units, int decimals, char out[40])
{
    text t = {0};
    text_add_fixed(&t, units, decimals);
    snprintf(out, 40, "%s", t.data);
    text_finish(&t);
    return out;
}

json_t *json_short(int64_t units, int decimals)
{
    char word[40];
    return json_string(short_of(units, decimals, word));
}

json_t *json_fixed(int64_t units, int decimals)
{
    char word[40];
    return json_string(fixed_of(units, decimals, word));
}

void reply_json(request *r, json_t *taken)
{
    char *out = json_dumps(taken, JSON_COMPACT);
    if (!out)
        abort();
    text_clear(&r->body);
    text_add(&r->body, "%s", out);
    free(out);
    json_decref(taken);
}
