/* The forms of a model file. */
#ifndef WICK_GBDT_FORMATS_H
#define WICK_GBDT_FORMATS_H

#include <jansson.h>

#include "forest.h"

/* UBJSON as XGBoost writes it. The caller drops *out. */
bool wk__gbdt_is_ubjson(const char *bytes, size_t size_bytes);
WK_MUST_CHECK wk_status wk__gbdt_parse_ubjson(const char *bytes, size_t size_bytes,
                                              const char *name, json_t **out, wk_err *err);
/* Bytes of a value, malloc'ed; NULL when memory is out. Reals are written as f32. */
char *wk__gbdt_dump_ubjson(const json_t *value, size_t *size_bytes);

/* LightGBM's text. */
bool wk__gbdt_is_lightgbm(const char *bytes, size_t size_bytes);
WK_MUST_CHECK wk_status wk__gbdt_parse_lightgbm(const char *bytes, size_t size_bytes,
                                                const char *name, wk_forest **out, wk_err *err);

#endif
