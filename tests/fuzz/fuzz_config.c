/* libFuzzer target over configurations: a file, and after form feeds values of --set. The table has
 * a row of every type. What is accepted lies in its ranges and, written, reads back the same; what
 * is refused has a reason and leaves the struct alone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "wick/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

typedef struct {
    const char *name;
    double weight;
} leg;

typedef struct {
    bool is_on;
    int64_t count, time_ns, frame_ns;
    double share, limit, from;
    const char *name;
    int mode;
    wk_strings names;
    wk_reals numbers;
    leg one;
    wk_sections legs;
} all;

static const wk_cfg_row leg_rows[] = {
    {"name", WK_CFG_STRING, offsetof(leg, name), NULL, NULL, 0, 0, NULL, NULL, "Needed."},
    {"weight", WK_CFG_REAL, offsetof(leg, weight), NULL, "0.5", 0, 1, NULL, NULL, "In a range."},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};
static const wk_cfg_table leg_table = {"leg", "A leg.", sizeof(leg), leg_rows};
static const wk_cfg_row one_rows[] = {
    {"name", WK_CFG_STRING, offsetof(leg, name), NULL, "\"x\"", 0, 0, NULL, NULL, "A name."},
    {"weight", WK_CFG_REAL, offsetof(leg, weight), "bps", "null", 0, 1, NULL, NULL, "May be null."},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};
static const wk_cfg_table one_table = {"one", "One.", sizeof(leg), one_rows};
static const wk_cfg_row rows[] = {
    {"is_on", WK_CFG_BOOL, offsetof(all, is_on), NULL, "true", 0, 0, NULL, NULL, "A switch."},
    {"count", WK_CFG_INT, offsetof(all, count), "bars", "3", -5, 1e6, NULL, NULL, "A count."},
    {"time", WK_CFG_TIME, offsetof(all, time_ns), NULL, "null", 0, 0, NULL, NULL, "A time."},
    {"frame", WK_CFG_TIMEFRAME, offsetof(all, frame_ns), NULL, "\"1h\"", 0, 0, NULL, NULL, "Bars."},
    {"share", WK_CFG_REAL, offsetof(all, share), NULL, "0.25", 0, 0, NULL, NULL, "Any number."},
    {"limit", WK_CFG_REAL, offsetof(all, limit), "s", "7", -INFINITY, 9, NULL, NULL, "At most."},
    {"from", WK_CFG_REAL, offsetof(all, from), "s", "7", 1, INFINITY, NULL, NULL, "At least."},
    {"name", WK_CFG_STRING, offsetof(all, name), NULL, "\"\"", 0, 0, NULL, NULL, "A text."},
    {"mode", WK_CFG_ENUM, offsetof(all, mode), NULL, "\"hold\"", 0, 0, "hold|quantile|value", NULL,
     "A choice."},
    {"names", WK_CFG_STRINGS, offsetof(all, names), NULL, "[\"a\"]", 0, 0, NULL, NULL, "Texts."},
    {"numbers", WK_CFG_REALS, offsetof(all, numbers), NULL, "[1, 2.5]", -10, 10, NULL, NULL,
     "List."},
    {"one", WK_CFG_SECTION, offsetof(all, one), NULL, NULL, 0, 0, NULL, &one_table, "A section."},
    {"legs", WK_CFG_SECTIONS, offsetof(all, legs), NULL, "[]", 0, 0, NULL, &leg_table, "Sections."},
    {NULL, 0, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};
static const wk_cfg_table table = {"all", "Every type.", sizeof(all), rows};

static void check(int holds)
{
    if (!holds)
        abort();
}

static void check_all(const all *c)
{
    check(c->count >= -5 && c->count <= 1000000 && c->mode >= 0 && c->mode < 3);
    check(isfinite(c->share) && c->limit <= 9 && c->from >= 1 && isfinite(c->from));
    check(c->name && c->one.name && !(c->one.weight < 0) && !(c->one.weight > 1));
    for (size_t i = 0; i < c->names.n; i++)
        check(c->names.v[i] != NULL);
    for (size_t i = 0; i < c->numbers.n; i++)
        check(fabs(c->numbers.v[i]) <= 10);
    const leg *legs = c->legs.v;
    for (size_t i = 0; i < c->legs.n; i++)
        check(legs[i].name && legs[i].weight >= 0 && legs[i].weight <= 1);
}

/* Written and read again it is the same; a zero that lost its sign may change the first writing. */
static void write_and_read(const all *c, wk_arena *arena)
{
    all again[2];
    wk_err err;
    char *text[3] = {wk_config_dump(&table, c)};
    for (int k = 0; k < 2; k++) {
        check(wk_config_parse(&table, "dump", text[k], NULL, 0, arena, &again[k], &err) == WK_OK);
        check_all(&again[k]);
        text[k + 1] = wk_config_dump(&table, &again[k]);
    }
    check(strcmp(text[1], text[2]) == 0 && again[0].time_ns == c->time_ns);
    check(again[0].share == c->share && again[0].count == c->count);
    for (int k = 0; k < 3; k++)
        free(text[k]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    enum { SETS_MAX = 4 };
    char *pieces[1 + SETS_MAX] = {NULL};
    size_t n_pieces = 0;
    for (size_t at = 0; n_pieces <= SETS_MAX && (at < n || n_pieces == 0);) {
        const uint8_t *end = n > at ? memchr(bytes + at, '\f', n - at) : NULL;
        size_t size = end ? (size_t)(end - bytes) - at : n - at;
        char *text = malloc(size + 1); /* of exact size, so that a read past the end is caught */
        if (!text)
            abort();
        memcpy(text, bytes + at, size);
        text[size] = 0;
        pieces[n_pieces++] = text;
        at += size + 1;
    }
    wk_arena arena;
    wk_arena_init(&arena);
    all c, untouched;
    memset(&c, 0x5a, sizeof c);
    memset(&untouched, 0x5a, sizeof untouched);
    wk_err err = {0};
    if (wk_config_parse(&table, "fuzz.json", pieces[0], (const char *const *)(pieces + 1),
                        n_pieces - 1, &arena, &c, &err) == WK_OK) {
        check_all(&c);
        write_and_read(&c, &arena);
    } else {
        check(err.msg[0] && memcmp(&c, &untouched, sizeof c) == 0);
    }
    wk_arena_finish(&arena);
    for (size_t i = 0; i < n_pieces; i++)
        free(pieces[i]);
    return 0;
}
