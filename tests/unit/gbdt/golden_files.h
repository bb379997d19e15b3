/* Golden tables and models, which are there. */
#ifndef WICK_TEST_GOLDEN_FILES_H
#define WICK_TEST_GOLDEN_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wick/gbdt.h"

static inline wk_gbdt_table read_table(const char *path)
{
    wk_gbdt_table table = {0};
    wk_err err;
    if (wk_gbdt_table_read(path, &table, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return table;
}

static inline wk_forest *load(const char *path)
{
    wk_forest *forest = NULL;
    wk_err err;
    if (wk_forest_load(path, &forest, &err) != WK_OK)
        fail_msg("%s", err.msg);
    return forest;
}

#endif
