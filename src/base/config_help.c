/* The reference text of a table: one line a key. */
#include <stdlib.h>
#include <string.h>

#include "config_internal.h"

static const char *type_name(wk_cfg_type type)
{
    static const char *const names[] = {[WK_CFG_BOOL] = "bool",
                                        [WK_CFG_INT] = "integer",
                                        [WK_CFG_REAL] = "real",
                                        [WK_CFG_STRING] = "text",
                                        [WK_CFG_ENUM] = "choice",
                                        [WK_CFG_TIME] = "time",
                                        [WK_CFG_TIMEFRAME] = "timeframe",
                                        [WK_CFG_STRINGS] = "list of texts",
                                        [WK_CFG_REALS] = "list of reals",
                                        [WK_CFG_SECTION] = "section",
                                        [WK_CFG_SECTIONS] = "list of sections"};
    return names[type];
}

static void help_section(wk_text *out, const wk_cfg_table *table, const char *prefix);

static void help_row(wk_text *out, const wk_cfg_row *row, const char *prefix)
{
    char range[96];
    wk_text_printf(out, "  %s%s  %s", prefix, row->key, type_name(row->type));
    if (row->unit)
        wk_text_printf(out, " [%s]", row->unit);
    if (row->dflt)
        wk_text_printf(out, ", default %s", row->dflt);
    else if (row->type != WK_CFG_SECTIONS)
        wk_text_add(out, ", required");
    if (row->type == WK_CFG_ENUM)
        wk_text_printf(out, ", one of %s", row->choices);
    if (wk__cfg_has_range(row))
        wk_text_printf(out, ", %s", wk__cfg_range_format(row, range));
    wk_text_printf(out, ". %s\n", row->doc ? row->doc : "");
}

/* Plain keys first, then the sections below them, so that each heading stands over its own keys. */
static void help_section(wk_text *out, const wk_cfg_table *table, const char *prefix)
{
    size_t n = strlen(prefix); /* its last byte is a dot */
    wk_text_printf(out, "%s%.*s: %s\n", out->n ? "\n" : "",
                   n ? (int)n - 1 : (int)strlen(table->name), n ? prefix : table->name,
                   table->doc ? table->doc : "");
    for (const wk_cfg_row *row = table->rows; row->key; row++)
        if (row->type != WK_CFG_SECTION)
            help_row(out, row, prefix);
    for (const wk_cfg_row *row = table->rows; row->key; row++) {
        if (row->type != WK_CFG_SECTION && row->type != WK_CFG_SECTIONS)
            continue;
        wk_text below = {0};
        wk_text_printf(&below, "%s%s.%s", prefix, row->key,
                       row->type == WK_CFG_SECTIONS ? "N." : "");
        help_section(out, row->sub, below.s);
        free(below.s);
    }
}

char *wk_config_help(const wk_cfg_table *table)
{
    wk_text out = {0};
    help_section(&out, table, "");
    return out.s;
}
