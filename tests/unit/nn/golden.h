/* Reads the small safetensors files of tests/golden/nn; stops the test when something is missing.
 */
#ifndef WK_TEST_NN_GOLDEN_H
#define WK_TEST_NN_GOLDEN_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/file.h"

typedef struct {
    char *bytes;
    const char *data;
    json_t *header;
} golden;

static golden golden_open(const char *name)
{
    const char *folder = getenv("WICK_GOLDEN_NN");
    char path[512];
    golden g = {0};
    size_t size;
    wk_err err;
    snprintf(path, sizeof path, "%s/%s.safetensors", folder ? folder : ".", name);
    if (wk_file_read(path, &g.bytes, &size, &err) != WK_OK)
        fail_msg("%s", err.msg);
    uint64_t n;
    memcpy(&n, g.bytes, sizeof n);
    assert_true(n < size);
    g.header = json_loadb(g.bytes + 8, (size_t)n, 0, NULL);
    assert_non_null(g.header);
    g.data = g.bytes + 8 + n;
    return g;
}

static void golden_close(golden *g)
{
    json_decref(g->header);
    free(g->bytes);
}

static size_t golden_dim(const golden *g, const char *name, size_t i)
{
    const json_t *shape = json_object_get(json_object_get(g->header, name), "shape");
    if (!shape)
        fail_msg("no golden tensor %s", name);
    return i < json_array_size(shape) ? (size_t)json_integer_value(json_array_get(shape, i)) : 1;
}

/* The bytes may be unaligned: copied out. The caller frees. */
static float *golden_get(const golden *g, const char *name, size_t n)
{
    const json_t *at = json_object_get(json_object_get(g->header, name), "data_offsets");
    if (!at)
        fail_msg("no golden tensor %s", name);
    size_t begin = (size_t)json_integer_value(json_array_get(at, 0));
    size_t end = (size_t)json_integer_value(json_array_get(at, 1));
    if (end - begin != n * sizeof(float))
        fail_msg("golden tensor %s has %zu bytes, want %zu numbers", name, end - begin, n);
    float *v = malloc(n * sizeof *v);
    memcpy(v, g->data + begin, n * sizeof *v);
    return v;
}

#endif
