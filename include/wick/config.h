/* Configuration: JSON files described by tables. One row per key gives validation, --help, the JSON
 * Schema, the reference page and the resolved file that a run saves.
 *
 * A section is a C struct and a table of rows; a row's `offset` says where the value goes:
 *   WK_CFG_BOOL    bool                 WK_CFG_INT   int64_t       WK_CFG_REAL  double
 *   WK_CFG_STRING  const char *         WK_CFG_ENUM  int (index into `choices`)
 *   WK_CFG_TIME    int64_t ns ("2024-06-30")          WK_CFG_TIMEFRAME int64_t ns ("1h")
 *   WK_CFG_STRINGS wk_strings           WK_CFG_REALS wk_reals
 *   WK_CFG_SECTION the struct of `sub` embedded at `offset`
 *   WK_CFG_SECTIONS wk_sections (an array of the struct of `sub`)
 * A REAL whose default is null may be null: NaN. A TIME or TIMEFRAME may be null or "": 0, which
 * stands for "not given". min or max may be infinite: then the range has one end. Strings and
 * arrays live in the arena given to wk_config_parse. */
#ifndef WICK_CONFIG_H
#define WICK_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/err.h"

typedef struct {
    const char **v;
    size_t n;
} wk_strings;
typedef struct {
    double *v;
    size_t n;
} wk_reals;
typedef struct {
    void *v; /* n structs of sub->struct_size bytes */
    size_t n;
} wk_sections;

typedef enum {
    WK_CFG_BOOL,
    WK_CFG_INT,
    WK_CFG_REAL,
    WK_CFG_STRING,
    WK_CFG_ENUM,
    WK_CFG_TIME,
    WK_CFG_TIMEFRAME,
    WK_CFG_STRINGS,
    WK_CFG_REALS,
    WK_CFG_SECTION,
    WK_CFG_SECTIONS
} wk_cfg_type;

typedef struct wk_cfg_table wk_cfg_table;

typedef struct {
    const char *key;
    wk_cfg_type type;
    size_t offset;
    const char *unit; /* "s", "bps", "bars"; NULL when it has none */
    const char
        *dflt;       /* JSON text of the default; NULL = the key is required (never for sections) */
    double min, max; /* inclusive, for INT and REAL and the elements of REALS; both 0 = any */
    const char *choices; /* ENUM: "hold|quantile|expected_value" */
    const wk_cfg_table *sub;
    const char *doc; /* one line */
} wk_cfg_row;

struct wk_cfg_table {
    const char *name; /* of the section, for messages and the reference page */
    const char *doc;
    size_t struct_size;
    const wk_cfg_row *rows; /* ends with a row whose key is NULL */
};

/* Parses `text` (the content of `path`, which is used in messages only) into *out (struct_size
 * bytes), with defaults filled in. An unknown key, a wrong type or range is WK_E_CONFIG and names
 * file, line, the key's full path and, for an unknown key, the nearest known one. `overrides` are
 * "section.key=value" texts (value as JSON, or a bare word for strings), applied after the file; an
 * element of a list of sections goes by its index ("meta.targets.0.bound=1"), one past the end
 * appends. */
WK_MUST_CHECK wk_status wk_config_parse(const wk_cfg_table *table, const char *path,
                                        const char *text, const char *const *overrides,
                                        size_t n_overrides, wk_arena *arena, void *out,
                                        wk_err *err);

/* The same from a file. */
WK_MUST_CHECK wk_status wk_config_load(const wk_cfg_table *table, const char *path,
                                       const char *const *overrides, size_t n_overrides,
                                       wk_arena *arena, void *out, wk_err *err);

/* Fills *out with the defaults of all keys; stops the program if a key is required. */
void wk_config_defaults(const wk_cfg_table *table, wk_arena *arena, void *out);

/* The resolved configuration: every key with its value, in table order, as JSON text that parses
 * back to equal values. The caller frees. */
char *wk_config_dump(const wk_cfg_table *table, const void *in);

/* JSON Schema (2020-12) of the table. The caller frees. */
char *wk_config_schema(const wk_cfg_table *table);

/* Reference text for --help: one line a key: key, type, unit, default, range, doc. The caller
 * frees. */
char *wk_config_help(const wk_cfg_table *table);

#endif
