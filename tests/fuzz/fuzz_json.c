/* libFuzzer target over the JSON scanner: tokens of what it accepts must nest and stay inside the
 * text, and strings must decode; the rest must be refused with a reason. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../data/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_tokens(const wk__json *json, size_t n_tokens, size_t n)
{
    static const char *const names[] = {"price", "qty", "symbol"};
    for (uint32_t i = 0; i < n_tokens; i++) {
        const wk__json_token *t = &json->tokens[i];
        check(t->next > i && t->next <= n_tokens && t->start <= n && t->n <= n - t->start);
        if (t->kind == WK__JSON_STRING) {
            char text[64], small[4];
            size_t length = wk__json_decode(json, i, text, sizeof text);
            check(length == SIZE_MAX || (length < sizeof text && length <= t->n));
            (void)wk__json_decode(json, i, small, sizeof small);
            check(memchr(small, 0, sizeof small) != NULL);
            (void)wk__json_equals(json, i, "price");
        } else if (t->kind == WK__JSON_OBJECT) {
            uint32_t values[3];
            uint32_t repeated = wk__json_members(json, i, names, 3, values);
            for (int k = 0; k < 3; k++)
                check(values[k] == WK__JSON_ABSENT || (values[k] > i && values[k] < t->next));
            check(repeated == WK__JSON_ABSENT || (repeated > i && repeated < t->next));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum { TOKENS = 512 };
    static wk__json_token tokens[TOKENS];
    /* A copy of exact size, so that a read past the text is caught. */
    char *text = malloc(n ? n : 1);
    if (!text)
        return 0;
    if (n > 0)
        memcpy(text, bytes, n);
    size_t n_tokens, at = SIZE_MAX;
    const char *reason = NULL;
    wk__json_result result =
        wk__json_scan(text, n, tokens, n % 2 ? TOKENS : 8, &n_tokens, &reason, &at);
    if (result == WK__JSON_OK)
        check_tokens(&(wk__json){text, tokens}, n_tokens, n);
    else
        check(result == WK__JSON_FULL || (reason && at <= n));
    free(text);
    return 0;
}
