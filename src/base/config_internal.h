/* Shared by the config_*.c files only. */
#ifndef WICK_CONFIG_INTERNAL_H
#define WICK_CONFIG_INTERNAL_H

#include <jansson.h>

#include "wick/config.h"
#include "wick/text.h"

/* The line (1-based) of the value at the dotted `path` ("trade.coverage", "meta.targets.0.bound")
 * in `text`, which is valid JSON: the line of its key, or of an array element's first character.
 * The nearest enclosing value that exists answers for one that is absent. */
int wk__json_line(const char *text, const char *path);

const wk_cfg_row *wk__cfg_row_find(const wk_cfg_table *table, const char *key);

/* Text of the k-th of "a|b|c" into out; false when there is none. */
bool wk__cfg_choice(const char *choices, int k, char out[64]);
int wk__cfg_choice_index(const char *choices, const char *text); /* -1: none */

/* Is the default of this REAL null, so that null is NaN, "not given"? */
bool wk__cfg_is_nullable(const wk_cfg_row *row);

bool wk__cfg_has_range(const wk_cfg_row *row);
/* "0..1", "at least 1", "at most 5" */
char *wk__cfg_range_format(const wk_cfg_row *row, char out[96]);

/* `path: unknown key; did you mean "x"?` into a message without the place. */
void wk__cfg_unknown(const wk_cfg_table *table, const char *path, const char *key,
                     wk_text *message);

/* Puts one --set text into `root`, guided by the table; creates absent sections. On success *path
 * (the dotted path, malloc'ed) is the caller's. */
WK_MUST_CHECK wk_status wk__cfg_override(const wk_cfg_table *table, json_t *root, const char *text,
                                         char **path, wk_err *err);

/* Default of a row as JSON; a section's is an empty object or array. New reference; NULL: required.
 */
json_t *wk__cfg_default(const wk_cfg_row *row);

#endif
