/* Configuration tables: values, defaults, the place named in every message, overrides, and the dump
 * that reads back to the same struct. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "wick/clock.h"
#include "wick/config.h"
#include "wick/rng.h"

typedef struct {
    int64_t horizon_bars;
    double bound;
} target_config;

typedef struct {
    double coverage;
    int policy;
    bool compound;
    int64_t slots;
    double base; /* NaN: not given */
} trade_config;

typedef struct {
    const char *name;
    int64_t from_ns, timeframe_ns;
    wk_strings symbols;
    wk_reals lags;
    trade_config trade;
    wk_sections targets;
} run_config;

static const wk_cfg_row target_rows[] = {{"horizon_bars", WK_CFG_INT,
                                          offsetof(target_config, horizon_bars), "bars", NULL, 1,
                                          1000, .doc = "How far ahead."},
                                         {"bound", WK_CFG_REAL, offsetof(target_config, bound),
                                          NULL, "0.005", 0, INFINITY, .doc = "Width."},
                                         {0}};
static const wk_cfg_table target_table = {"target", "One label.", sizeof(target_config),
                                          target_rows};

static const wk_cfg_row trade_rows[] = {
    {"coverage", WK_CFG_REAL, offsetof(trade_config, coverage), "share", "0.05", 0, 1,
     .doc = "Share traded."},
    {"policy", WK_CFG_ENUM, offsetof(trade_config, policy), NULL, "\"quantile\"",
     .choices = "quantile|expected_value|threshold", .doc = "When to enter."},
    {"compound", WK_CFG_BOOL, offsetof(trade_config, compound), NULL, "true", .doc = "Reinvest."},
    {"slots", WK_CFG_INT, offsetof(trade_config, slots), NULL, "10", .doc = "Positions."},
    {"base", WK_CFG_REAL, offsetof(trade_config, base), NULL, "null", -1, 1, .doc = "Start."},
    {0}};
static const wk_cfg_table trade_table = {"trade", "The policy.", sizeof(trade_config), trade_rows};

static const wk_cfg_row run_rows[] = {
    {"name", WK_CFG_STRING, offsetof(run_config, name), NULL, "\"run\"", .doc = "Title."},
    {"from", WK_CFG_TIME, offsetof(run_config, from_ns), NULL, "null", .doc = "First bar."},
    {"timeframe", WK_CFG_TIMEFRAME, offsetof(run_config, timeframe_ns), NULL, "\"1h\"",
     .doc = "Grid."},
    {"symbols", WK_CFG_STRINGS, offsetof(run_config, symbols), NULL, "[\"BTCUSD\"]",
     .doc = "Markets."},
    {"lags", WK_CFG_REALS, offsetof(run_config, lags), "bars", "[1, 2.5]", 0, 100,
     .doc = "Ladder."},
    {"trade", WK_CFG_SECTION, offsetof(run_config, trade), .sub = &trade_table},
    {"targets", WK_CFG_SECTIONS, offsetof(run_config, targets), .sub = &target_table,
     .doc = "Labels."},
    {0}};
static const wk_cfg_table run_table = {"run", "A run.", sizeof(run_config), run_rows};

typedef struct {
    wk_arena arena;
    run_config config;
    wk_err err;
} fixture;

static int setup(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    wk_arena_init(&f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    fixture *f = *state;
    wk_arena_finish(&f->arena);
    free(f);
    return 0;
}

static wk_status parse_set(fixture *f, const char *text, const char *set)
{
    return wk_config_parse(&run_table, "configs/demo.json", text, &set, set != NULL, &f->arena,
                           &f->config, &f->err);
}

/* The text is refused with exactly this message and the output stays as it was. */
static void assert_refused_set(fixture *f, const char *text, const char *set, const char *message)
{
    memset(&f->config, 0x5a, sizeof f->config);
    run_config before = f->config;
    assert_int_equal(parse_set(f, text, set), WK_E_CONFIG);
    assert_string_equal(f->err.msg, message);
    assert_memory_equal(&f->config, &before, sizeof before);
}

static void assert_refused(fixture *f, const char *text, const char *message)
{
    assert_refused_set(f, text, NULL, message);
}

static void test_defaults_fill_what_is_absent(void **state)
{
    fixture *f = *state;
    wk_config_defaults(&run_table, &f->arena, &f->config);
    const run_config *c = &f->config;
    assert_string_equal(c->name, "run");
    assert_true(c->from_ns == 0 && c->timeframe_ns == 3600 * WK_NS_PER_S);
    assert_int_equal(c->symbols.n, 1);
    assert_string_equal(c->symbols.v[0], "BTCUSD");
    assert_true(c->lags.n == 2 && c->lags.v[1] == 2.5);
    assert_true(c->trade.coverage == 0.05 && c->trade.policy == 0 && c->trade.compound);
    assert_int_equal(c->trade.slots, 10);
    assert_true(isnan(c->trade.base));
    assert_int_equal(c->targets.n, 0);
}

static void test_every_type_is_read(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        parse_set(f,
                  "{\"name\": \"é\\n\", \"from\": \"2024-06-30\", \"timeframe\": \"15m\","
                  "\"symbols\": [], \"lags\": [3],"
                  "\"trade\": {\"coverage\": 1, \"policy\": \"threshold\", \"compound\":"
                  "false, \"slots\": 1e3},"
                  "\"targets\": [{\"horizon_bars\": 3}, {\"horizon_bars\": 9, \"bound\": 2}]}",
                  NULL),
        WK_OK);
    const run_config *c = &f->config;
    assert_string_equal(c->name, "é\n");
    assert_true(c->from_ns == INT64_C(1719705600) * WK_NS_PER_S);
    assert_true(c->timeframe_ns == 900 * WK_NS_PER_S);
    assert_true(c->symbols.n == 0 && c->lags.n == 1 && c->lags.v[0] == 3);
    assert_true(c->trade.coverage == 1 && c->trade.policy == 2 && !c->trade.compound);
    assert_int_equal(c->trade.slots, 1000);
    const target_config *targets = c->targets.v;
    assert_int_equal(c->targets.n, 2);
    assert_true(targets[0].horizon_bars == 3 && targets[0].bound == 0.005);
    assert_true(targets[1].horizon_bars == 9 && targets[1].bound == 2);
}

static void test_unknown_key_names_its_line_and_the_nearest(void **state)
{
    fixture *f = *state;
    assert_refused(
        f, "{\n  \"name\": \"{\\\"trade\\\":\",\n  \"trade\": {\n\n    \"coverag\": 0.1\n  }\n}",
        "configs/demo.json:5: trade.coverag: unknown key; did you mean \"coverage\"?");
    assert_refused(
        f, "{\n\"zzz\": 1}",
        "configs/demo.json:2: zzz: unknown key; keys here: name, from, timeframe, symbols, "
        "lags, trade, targets");
    assert_refused(
        f, "{\"targets\": [\n{\"horizon_bars\": 1},\n{\"horizon_bars\": 1,\n\"bounds\": 1}]}",
        "configs/demo.json:4: targets.1.bounds: unknown key; did you mean \"bound\"?");
}

static void test_wrong_types_are_refused(void **state)
{
    fixture *f = *state;
    assert_refused(f, "{\n\"trade\": {\"coverage\": \"high\"}}",
                   "configs/demo.json:2: trade.coverage must be a number, got text (\"high\")");
    assert_refused(f, "{\"trade\": {\"slots\": 1.1}}",
                   "configs/demo.json:1: trade.slots must be an integer, got a real number (1.1)");
    assert_refused(f, "{\"trade\": {\"coverage\": null}}",
                   "configs/demo.json:1: trade.coverage must be a number, got null");
    assert_refused(f, "{\"trade\": {\"compound\": 1}}",
                   "configs/demo.json:1: trade.compound must be true or false, got an integer (1)");
    assert_refused(f, "{\"trade\": []}",
                   "configs/demo.json:1: trade must be an object, got a list");
    assert_refused(f, "{\"name\": null}", "configs/demo.json:1: name must be text, got null");
    assert_refused(f, "{\"symbols\": [\"a\",\n7]}",
                   "configs/demo.json:2: symbols.1 must be text, got an integer (7)");
    assert_refused(f, "{\"targets\": {}}",
                   "configs/demo.json:1: targets must be a list of objects, got an object");
    assert_refused(f, "[]", "configs/demo.json:1: the configuration must be an object, got a list");
    assert_refused(f, "{\"from\": \"June\"}",
                   "configs/demo.json:1: from: not a time: \"June\"; write 2024-06-30 or "
                   "2024-06-30T23:45:00Z");
}

static void test_ranges_are_shown(void **state)
{
    fixture *f = *state;
    assert_refused(f, "{\"trade\":\n{\"coverage\": 1.5}}",
                   "configs/demo.json:2: trade.coverage is 1.5; it must be in 0..1 (share)");
    assert_refused(
        f, "{\"targets\": [{\"horizon_bars\": 0}]}",
        "configs/demo.json:1: targets.0.horizon_bars is 0; it must be in 1..1000 (bars)");
    assert_refused(f, "{\"targets\": [{\"horizon_bars\": 1,\n\"bound\": -1}]}",
                   "configs/demo.json:2: targets.0.bound is -1; it must be at least 0");
    assert_refused(f, "{\"lags\": [1,\n101]}",
                   "configs/demo.json:2: lags.1 is 101; it must be in 0..100 (bars)");
}

static void test_choices_are_listed(void **state)
{
    fixture *f = *state;
    assert_refused(f, "{\"trade\": {\"policy\": \"quantil\"}}",
                   "configs/demo.json:1: trade.policy is \"quantil\"; it must be one of quantile, "
                   "expected_value, threshold; did you mean \"quantile\"?");
}

static void test_missing_required_key_names_its_section(void **state)
{
    fixture *f = *state;
    assert_refused(
        f, "{\"targets\": [\n{\"bound\": 1}]}",
        "configs/demo.json:2: targets.0.horizon_bars is missing; it has no default (How far "
        "ahead.)");
}

static void test_syntax_errors_and_duplicates_have_line_and_column(void **state)
{
    fixture *f = *state;
    assert_refused(f, "{\"name\": \"a\",\n}",
                   "configs/demo.json:2:1: string or '}' expected near '}'");
    assert_refused(f, "{\"name\": \"a\",\n\"name\": \"b\"}",
                   "configs/demo.json:2:6: duplicate object key near '\"name\"'");
    assert_int_equal(parse_set(f, "", NULL), WK_E_CONFIG);
    assert_int_equal(parse_set(f, "{\"name\": \"\xff\"}", NULL), WK_E_CONFIG);
}

static void test_overrides_come_after_the_file(void **state)
{
    fixture *f = *state;
    static const char *const sets[] = {
        "trade.coverage=0.2", "trade.coverage=0.25",      "name=2024", "trade.policy=threshold",
        "targets.0.bound=7",  "targets.1.horizon_bars=5", "lags=[]",   "symbols=[\"a=b\"]"};
    assert_int_equal(wk_config_parse(&run_table, "x", "{\"targets\": [{\"horizon_bars\": 2}]}",
                                     sets, sizeof sets / sizeof *sets, &f->arena, &f->config,
                                     &f->err),
                     WK_OK);
    assert_true(f->config.trade.coverage == 0.25 && f->config.trade.policy == 2);
    assert_string_equal(f->config.name, "2024");
    assert_int_equal(f->config.targets.n, 2);
    const target_config *targets = f->config.targets.v;
    assert_true(targets[0].bound == 7 && targets[0].horizon_bars == 2);
    assert_true(targets[1].bound == 0.005 && targets[1].horizon_bars == 5);
    assert_int_equal(f->config.lags.n, 0);
    assert_string_equal(f->config.symbols.v[0], "a=b");
}

static void test_wrong_overrides_name_themselves(void **state)
{
    fixture *f = *state;
    assert_refused_set(
        f, "{}", "trade.coverag=1",
        "--set trade.coverag=1: trade.coverag: unknown key; did you mean \"coverage\"?");
    assert_refused_set(f, "{}", "trade.coverage=2",
                       "--set trade.coverage=2: trade.coverage is 2; it must be in 0..1 (share)");
    assert_refused_set(
        f, "{}", "trade.coverage=big",
        "--set trade.coverage=big: trade.coverage must be a number, got text (\"big\")");
    assert_refused_set(f, "{}", "coverage", "--set coverage: write --set section.key=value");
    assert_refused_set(f, "{}", "name.x=1",
                       "--set name.x=1: name is no section; it has no key \"x\"");
    assert_refused_set(
        f, "{}", "targets.3.bound=1",
        "--set targets.3.bound=1: targets has 0 elements; the highest index to set is 0");
    assert_refused_set(f, "{}", "targets.first.bound=1",
                       "--set targets.first.bound=1: targets is a list; write targets.0.KEY");
    assert_refused_set(f, "{\"trade\": 1}", "trade.slots=1",
                       "--set trade.slots=1: trade is not an object in the file");
    assert_refused_set(f, "{}", "targets.0=1",
                       "--set targets.0=1: name a key of targets.0, as in targets.0.KEY=value");
}

/* A random double of any magnitude within [0, 1] or so: its bits matter, not its size. */
static double random_real(uint64_t i)
{
    double x = wk_rng_uniform(11, 1, i);
    for (uint64_t k = wk_rng_below(11, 2, i, 40); k > 0; k--)
        x *= 0.03125;
    return x;
}

static void test_dump_reads_back_to_the_same_bits(void **state)
{
    fixture *f = *state;
    for (uint64_t i = 0; i < 500; i++) {
        double lags[3] = {random_real(3 * i), 100 * random_real(3 * i + 1), -0.0};
        const char *symbols[2] = {"A\"\\\n", "Ünï"};
        target_config targets[2] = {
            {1 + (int64_t)wk_rng_below(11, 3, i, 1000), 1e6 * random_real(i)},
            {7, random_real(i + 1)}};
        run_config in = {
            .name = i % 2 ? "" : "\x01 text",
            .from_ns = i % 3 ? (int64_t)wk_rng_below(11, 4, i, 4000000000u) * WK_NS_PER_S : 0,
            .timeframe_ns = (int64_t)(1 + wk_rng_below(11, 5, i, 100000)) * WK_NS_PER_S,
            .symbols = {symbols, wk_rng_below(11, 6, i, 3)},
            .lags = {lags, wk_rng_below(11, 7, i, 4)},
            .trade = {random_real(i), (int)(i % 3), i % 2, (int64_t)wk_rng_u64(11, 8, i),
                      i % 4 ? random_real(i + 2) : NAN},
            .targets = {targets, wk_rng_below(11, 9, i, 3)}};
        char *dump = wk_config_dump(&run_table, &in);
        if (parse_set(f, dump, NULL) != WK_OK)
            fail_msg("seed 11 case %llu: %s\n%s", (unsigned long long)i, f->err.msg, dump);
        char *again = wk_config_dump(&run_table, &f->config);
        assert_string_equal(again, dump);
        assert_true(i % 4 ? f->config.trade.base == in.trade.base : isnan(f->config.trade.base));
        assert_memory_equal(&f->config.trade.coverage, &in.trade.coverage, sizeof(double));
        assert_true(f->config.trade.slots == in.trade.slots && f->config.from_ns == in.from_ns);
        assert_true(f->config.timeframe_ns == in.timeframe_ns);
        assert_memory_equal(f->config.lags.v, lags, in.lags.n * sizeof(double));
        assert_memory_equal(f->config.targets.v, targets, in.targets.n * sizeof *targets);
        free(again);
        free(dump);
    }
}

/* Damaged texts are read or refused with a line of the file, and never more than that. */
static void test_damaged_texts_are_refused_with_a_line(void **state)
{
    static const char good[] =
        "{\n  \"name\": \"a \\\"b\\\" \\u00e9\",\n  \"from\": \"2024-06-30\",\n"
        "  \"lags\": [1, 2e1, 3.5],\n  \"symbols\": [\"A\", \"B\"],\n"
        "  \"trade\": {\"coverage\": 0.1, \"policy\": \"threshold\"},\n"
        "  \"targets\": [\n    {\"horizon_bars\": 3, \"bound\": 1e-3},\n"
        "    {\"horizon_bars\": 4}\n  ]\n}\n";
    static const char alphabet[] = "{}[]\",:\\ \n0123456789.-+eEtrufalsnbkey\xc3\xa9";
    fixture *f = *state;
    size_t refused = 0;
    for (uint64_t i = 0; i < 5000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint64_t k = 0; k <= wk_rng_below(3, 1, i, 3); k++)
            text[wk_rng_below(3, 2 + k, i, sizeof good - 1)] =
                alphabet[wk_rng_below(3, 9 + k, i, sizeof alphabet - 1)];
        wk_status status = parse_set(f, text, NULL);
        int line = 0;
        if (status == WK_OK)
            continue;
        refused++;
        if (status != WK_E_CONFIG || sscanf(f->err.msg, "configs/demo.json:%d:", &line) != 1 ||
            line < 1 || line > 15)
            fail_msg("seed 3 case %llu: %d %s\n%s", (unsigned long long)i, status, f->err.msg,
                     text);
    }
    assert_true(refused > 1000 && refused < 5000);
}

static void test_schema_refuses_extra_keys_and_lists_required(void **state)
{
    (void)state;
    char *text = wk_config_schema(&run_table);
    json_error_t why;
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, &why);
    if (!schema)
        fail_msg("line %d: %s\n%s", why.line, why.text, text);
    assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
                        "https://json-schema.org/draft/2020-12/schema");
    assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
    assert_null(json_object_get(schema, "required"));
    json_t *properties = json_object_get(schema, "properties");
    assert_int_equal(json_object_size(properties), 7);
    json_t *trade = json_object_get(properties, "trade");
    assert_true(json_is_false(json_object_get(trade, "additionalProperties")));
    json_t *coverage = json_object_get(json_object_get(trade, "properties"), "coverage");
    assert_true(json_number_value(json_object_get(coverage, "maximum")) == 1);
    assert_true(json_number_value(json_object_get(coverage, "default")) == 0.05);
    json_t *policy = json_object_get(json_object_get(trade, "properties"), "policy");
    assert_int_equal(json_array_size(json_object_get(policy, "enum")), 3);
    json_t *items = json_object_get(json_object_get(properties, "targets"), "items");
    json_t *required = json_object_get(items, "required");
    assert_int_equal(json_array_size(required), 1);
    assert_string_equal(json_string_value(json_array_get(required, 0)), "horizon_bars");
    json_t *bound = json_object_get(json_object_get(items, "properties"), "bound");
    assert_non_null(json_object_get(bound, "minimum"));
    assert_null(json_object_get(bound, "maximum"));
    json_decref(schema);
    free(text);
}

static void test_help_has_a_line_for_each_key(void **state)
{
    (void)state;
    char *text = wk_config_help(&run_table);
    assert_non_null(strstr(text, "run: A run.\n  name  text, default \"run\". Title.\n"));
    assert_non_null(strstr(text,
                           "\ntrade: The policy.\n  trade.coverage  real [share], default 0.05, "
                           "0..1. Share traded.\n"));
    assert_non_null(strstr(text, "  trade.policy  choice, default \"quantile\", one of "
                                 "quantile|expected_value|threshold. When to enter.\n"));
    assert_non_null(strstr(text,
                           "\ntargets.N: One label.\n  targets.N.horizon_bars  integer [bars], "
                           "required, 1..1000. How far ahead.\n"));
    assert_non_null(strstr(text, "  targets.N.bound  real, default 0.005, at least 0. Width.\n"));
    free(text);
}

static void test_load_names_the_file_that_is_absent_or_binary(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        wk_config_load(&run_table, "no/such.json", NULL, 0, &f->arena, &f->config, &f->err),
        WK_E_IO);
    assert_string_equal(f->err.msg, "cannot open no/such.json: No such file or directory");
    char path[] = "/tmp/wick-test-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    assert_int_equal(fwrite("{}\0{", 1, 4, file), 4);
    fclose(file);
    wk_status status = wk_config_load(&run_table, path, NULL, 0, &f->arena, &f->config, &f->err);
    remove(path);
    assert_int_equal(status, WK_E_CONFIG);
    assert_non_null(strstr(f->err.msg, "holds a zero byte at offset 2"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults_fill_what_is_absent),
        TEST(test_every_type_is_read),
        TEST(test_unknown_key_names_its_line_and_the_nearest),
        TEST(test_wrong_types_are_refused),
        TEST(test_ranges_are_shown),
        TEST(test_choices_are_listed),
        TEST(test_missing_required_key_names_its_section),
        TEST(test_syntax_errors_and_duplicates_have_line_and_column),
        TEST(test_overrides_come_after_the_file),
        TEST(test_wrong_overrides_name_themselves),
        TEST(test_dump_reads_back_to_the_same_bits),
        TEST(test_damaged_texts_are_refused_with_a_line),
        TEST(test_schema_refuses_extra_keys_and_lists_required),
        TEST(test_help_has_a_line_for_each_key),
        TEST(test_load_names_the_file_that_is_absent_or_binary),
    };
    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
