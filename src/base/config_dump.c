/* From a struct back to JSON: every key in table order, numbers in their shortest exact form, so
 * that equal configurations give equal bytes. */
#include <math.h>
#include <string.h>

#include "config_internal.h"
#include "wick/clock.h"

static void dump_section(wk_text *out, const wk_cfg_table *table, const void *at, int depth);

static void new_line(wk_text *out, int depth)
{
    wk_text_printf(out, "\n%*s", 2 * depth, "");
}

static void dump_real(wk_text *out, double x)
{
    char number[32];
    wk_text_add(out, wk_double_format(x, number));
}

static void dump_time(wk_text *out, int64_t time_ns)
{
    char text[32];
    if (time_ns == 0) {
        wk_text_add(out, "null");
        return;
    }
    wk_time_format(time_ns, text);
    char *midnight = strstr(text, "T00:00:00Z");
    if (midnight)
        *midnight = 0;
    wk_text_add_json_string(out, text);
}

static void dump_timeframe(wk_text *out, int64_t ns)
{
    char text[16];
    if (ns == 0)
        wk_text_add(out, "null");
    else
        wk_text_add_json_string(out, wk_timeframe_format(ns, text));
}

static void dump_sections(wk_text *out, const wk_cfg_table *table, const wk_sections *list,
                          int depth)
{
    wk_text_add(out, "[");
    for (size_t i = 0; i < list->n; i++) {
        wk_text_add(out, i ? "," : "");
        new_line(out, depth + 1);
        dump_section(out, table, (const char *)list->v + i * table->struct_size, depth + 1);
    }
    if (list->n)
        new_line(out, depth);
    wk_text_add(out, "]");
}

static void dump_value(wk_text *out, const wk_cfg_row *row, const void *at, int depth)
{
    char choice[64];
    switch (row->type) {
    case WK_CFG_BOOL:
        wk_text_add(out, *(const bool *)at ? "true" : "false");
        break;
    case WK_CFG_INT:
        wk_text_printf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case WK_CFG_REAL:
        if (isnan(*(const double *)at) && wk__cfg_is_nullable(row))
            wk_text_add(out, "null");
        else
            dump_real(out, *(const double *)at);
        break;
    case WK_CFG_STRING:
        wk_text_add_json_string(out, *(const char *const *)at);
        break;
    case WK_CFG_ENUM:
        WK_ASSERT(wk__cfg_choice(row->choices, *(const int *)at, choice));
        wk_text_add_json_string(out, choice);
        break;
    case WK_CFG_TIME:
        dump_time(out, *(const int64_t *)at);
        break;
    case WK_CFG_TIMEFRAME:
        dump_timeframe(out, *(const int64_t *)at);
        break;
    case WK_CFG_STRINGS:
        wk_text_add(out, "[");
        for (size_t i = 0; i < ((const wk_strings *)at)->n; i++) {
            wk_text_add(out, i ? ", " : "");
            wk_text_add_json_string(out, ((const wk_strings *)at)->v[i]);
        }
        wk_text_add(out, "]");
        break;
    case WK_CFG_REALS:
        wk_text_add(out, "[");
        for (size_t i = 0; i < ((const wk_reals *)at)->n; i++) {
            wk_text_add(out, i ? ", " : "");
            dump_real(out, ((const wk_reals *)at)->v[i]);
        }
        wk_text_add(out, "]");
        break;
    case WK_CFG_SECTION:
        dump_section(out, row->sub, at, depth);
        break;
    case WK_CFG_SECTIONS:
        dump_sections(out, row->sub, at, depth);
        break;
    }
}

static void dump_section(wk_text *out, const wk_cfg_table *table, const void *at, int depth)
{
    wk_text_add(out, "{");
    for (const wk_cfg_row *row = table->rows; row->key; row++) {
        wk_text_add(out, row == table->rows ? "" : ",");
        new_line(out, depth + 1);
        wk_text_add_json_string(out, row->key);
        wk_text_add(out, ": ");
        dump_value(out, row, (const char *)at + row->offset, depth + 1);
    }
    if (table->rows->key)
        new_line(out, depth);
    wk_text_add(out, "}");
}

char *wk_config_dump(const wk_cfg_table *table, const void *in)
{
    wk_text out = {0};
    dump_section(&out, table, in, 0);
    wk_text_add(&out, "\n");
    return out.s;
}
