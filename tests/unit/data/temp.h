/* Temporary directories and files for the data tests. */
#ifndef TESTS_DATA_TEMP_H
#define TESTS_DATA_TEMP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "wick/clock.h"
#include "wick/file.h"

#define HOUR (INT64_C(3600) * WK_NS_PER_S)

typedef struct {
    char path[256];
} temp_dir;

static inline int temp_setup(void **state)
{
    temp_dir *t = calloc(1, sizeof *t);
    const char *base = getenv("TMPDIR");
    snprintf(t->path, sizeof t->path, "%s/wick-test-XXXXXX", base && *base ? base : "/tmp");
    *state = t;
    return mkdtemp(t->path) ? 0 : -1;
}

static inline int temp_teardown(void **state)
{
    temp_dir *t = *state;
    char command[640];
    snprintf(command, sizeof command, "chmod -R u+rwX '%s' && rm -rf '%s'", t->path, t->path);
    int rc = system(command);
    free(t);
    return rc;
}

/* <dir>/<name> in one of 32 rotating buffers. */
static inline const char *temp_path(void **state, const char *name)
{
    static char paths[32][512];
    static int next;
    char *p = paths[next++ % 32];
    snprintf(p, sizeof paths[0], "%s/%s", ((temp_dir *)*state)->path, name);
    return p;
}

static inline const char *temp_write(void **state, const char *name, const char *text)
{
    const char *path = temp_path(state, name);
    wk_err err;
    assert_int_equal(wk_file_write_atomic(path, text, strlen(text), &err), WK_OK);
    return path;
}

static inline const char *temp_write_gz(void **state, const char *name, const char *text)
{
    const char *path = temp_path(state, name);
    gzFile f = gzopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(gzwrite(f, text, (unsigned)strlen(text)), (int)strlen(text));
    assert_int_equal(gzclose(f), Z_OK);
    return path;
}

static inline void assert_same_file(const char *a, const char *b)
{
    char *x, *y;
    size_t nx, ny;
    wk_err err = {0};
    assert_int_equal(wk_file_read(a, &x, &nx, &err), WK_OK);
    assert_int_equal(wk_file_read(b, &y, &ny, &err), WK_OK);
    if (nx != ny || memcmp(x, y, nx) != 0)
        fail_msg("%s and %s differ", a, b);
    free(x);
    free(y);
}

#define ASSERT_CONTAINS(text, part)                                                                \
    do {                                                                                           \
        if (!strstr((text), (part)))                                                               \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                            \
    } while (0)

#endif
