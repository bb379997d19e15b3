/* JSON Schema 2020-12 of a table, for editors and other people's validators. */
#include <math.h>
#include <stdlib.h>

#include "config_internal.h"

static void section(wk_text *out, const wk_cfg_table *table, int depth);

static void new_line(wk_text *out, int depth)
{
    wk_text_printf(out, "\n%*s", 2 * depth, "");
}

static void range(wk_text *out, const wk_cfg_row *row)
{
    char number[32];
    if (!wk__cfg_has_range(row))
        return;
    if (isfinite(row->min))
        wk_text_printf(out, ", \"minimum\": %s", wk_double_format(row->min, number));
    if (isfinite(row->max))
        wk_text_printf(out, ", \"maximum\": %s", wk_double_format(row->max, number));
}

static void choices(wk_text *out, const wk_cfg_row *row)
{
    char choice[64];
    wk_text_add(out, "\"enum\": [");
    for (int k = 0; wk__cfg_choice(row->choices, k, choice); k++) {
        wk_text_add(out, k ? ", " : "");
        wk_text_add_json_string(out, choice);
    }
    wk_text_add(out, "]");
}

/* The keywords of one value, without its braces. Patterns say what wk_time_parse and
 * wk_timeframe_parse accept. */
static void keywords(wk_text *out, const wk_cfg_row *row, int depth)
{
    switch (row->type) {
    case WK_CFG_BOOL:
        wk_text_add(out, "\"type\": \"boolean\"");
        break;
    case WK_CFG_INT:
        wk_text_add(out, "\"type\": \"integer\"");
        range(out, row);
        break;
    case WK_CFG_REAL:
        wk_text_add(out, wk__cfg_is_nullable(row) ? "\"type\": [\"number\", \"null\"]"
                                                  : "\"type\": \"number\"");
        range(out, row);
        break;
    case WK_CFG_STRING:
        wk_text_add(out, "\"type\": \"string\"");
        break;
    case WK_CFG_ENUM:
        choices(out, row);
        break;
    case WK_CFG_TIME:
        wk_text_add(out, "\"type\": [\"string\", \"null\"], \"pattern\": "
                         "\"^([0-9]{4}-[0-9]{2}-[0-9]{2}"
                         "([T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?Z?)?$\"");
        break;
    case WK_CFG_TIMEFRAME:
        wk_text_add(out, "\"type\": [\"string\", \"null\"], \"pattern\": \"^([0-9]+[smhdw])?$\"");
        break;
    case WK_CFG_STRINGS:
        wk_text_add(out, "\"type\": \"array\", \"items\": {\"type\": \"string\"}");
        break;
    case WK_CFG_REALS:
        wk_text_add(out, "\"type\": \"array\", \"items\": {\"type\": \"number\"");
        range(out, row);
        wk_text_add(out, "}");
        break;
    case WK_CFG_SECTIONS:
        wk_text_add(out, "\"type\": \"array\", \"items\": ");
        section(out, row->sub, depth);
        break;
    case WK_CFG_SECTION:
        break; /* a section is its own object, see property() */
    }
}

static void property(wk_text *out, const wk_cfg_row *row, int depth)
{
    new_line(out, depth);
    wk_text_add_json_string(out, row->key);
    wk_text_add(out, ": ");
    if (row->type == WK_CFG_SECTION) {
        section(out, row->sub, depth);
        return;
    }
    wk_text_add(out, "{");
    keywords(out, row, depth);
    if (row->dflt)
        wk_text_printf(out, ", \"default\": %s", row->dflt);
    if (row->doc || row->unit) {
        wk_text doc = {0};
        wk_text_printf(&doc, "%s%s%s%s", row->doc ? row->doc : "", row->unit ? " [" : "",
                       row->unit ? row->unit : "", row->unit ? "]" : "");
        wk_text_add(out, ", \"description\": ");
        wk_text_add_json_string(out, doc.s);
        free(doc.s);
    }
    wk_text_add(out, "}");
}

/* Is the key without a default, or a section that holds such a key? */
static bool is_required(const wk_cfg_row *row)
{
    if (row->type == WK_CFG_SECTIONS)
        return false;
    if (row->type != WK_CFG_SECTION)
        return !row->dflt;
    for (const wk_cfg_row *sub = row->sub->rows; sub->key; sub++)
        if (is_required(sub))
            return true;
    return false;
}

static void section_body(wk_text *out, const wk_cfg_table *table, int depth)
{
    wk_text_add(out, "\"type\": \"object\",");
    if (table->doc) {
        new_line(out, depth + 1);
        wk_text_add(out, "\"description\": ");
        wk_text_add_json_string(out, table->doc);
        wk_text_add(out, ",");
    }
    new_line(out, depth + 1);
    wk_text_add(out, "\"additionalProperties\": false,");
    bool any = false;
    for (const wk_cfg_row *row = table->rows; row->key; row++) {
        if (!is_required(row))
            continue;
        if (!any)
            new_line(out, depth + 1);
        wk_text_add(out, any ? ", " : "\"required\": [");
        wk_text_add_json_string(out, row->key);
        any = true;
    }
    wk_text_add(out, any ? "]," : "");
    new_line(out, depth + 1);
    wk_text_add(out, "\"properties\": {");
    for (const wk_cfg_row *row = table->rows; row->key; row++) {
        wk_text_add(out, row == table->rows ? "" : ",");
        property(out, row, depth + 2);
    }
    new_line(out, depth + 1);
    wk_text_add(out, "}");
    new_line(out, depth);
    wk_text_add(out, "}");
}

static void section(wk_text *out, const wk_cfg_table *table, int depth)
{
    wk_text_add(out, "{");
    new_line(out, depth + 1);
    section_body(out, table, depth);
}

char *wk_config_schema(const wk_cfg_table *table)
{
    wk_text out = {0};
    wk_text_add(
        &out, "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": ");
    wk_text_add_json_string(&out, table->name);
    wk_text_add(&out, ",\n  ");
    section_body(&out, table, 0);
    wk_text_add(&out, "\n");
    return out.s;
}
