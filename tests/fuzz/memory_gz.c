/* Files of zlib in memory. Each is copied to a piece of exact size, so that a read past its end is
 * caught. */
#include "memory_gz.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

typedef struct {
    const uint8_t *bytes;
    size_t n;
    int is_damaged;
} piece;

typedef struct {
    char *bytes;
    size_t n, at;
    int is_damaged, code;
} opened;

static piece pieces[2];

void memory_gz_set(int file, const uint8_t *bytes, size_t n, int is_damaged)
{
    pieces[file] = (piece){bytes, n, is_damaged};
}

gzFile gzopen(const char *path, const char *mode)
{
    (void)mode;
    const piece *from = &pieces[strcmp(path, "/dev/null") != 0];
    opened *f = calloc(1, sizeof *f);
    if (!f || !from->bytes) {
        free(f);
        return NULL;
    }
    *f = (opened){.n = from->n, .is_damaged = from->is_damaged};
    f->bytes = malloc(f->n ? f->n : 1);
    if (!f->bytes)
        abort();
    memcpy(f->bytes, from->bytes, f->n);
    return (gzFile)(void *)f;
}

int gzbuffer(gzFile file, unsigned n)
{
    (void)file, (void)n;
    return 0;
}

int gzread(gzFile file, voidp to, unsigned n)
{
    opened *f = (opened *)(void *)file;
    size_t left = f->n - f->at;
    if (n > 0 && left == 0 && f->is_damaged) {
        f->code = f->n % 2 ? Z_BUF_ERROR : Z_DATA_ERROR; /* cut, damaged */
        return -1;
    }
    size_t got = n < left ? n : left;
    memcpy(to, f->bytes + f->at, got);
    f->at += got;
    return (int)got;
}

char *gzgets(gzFile file, char *to, int n)
{
    opened *f = (opened *)(void *)file;
    size_t left = f->n - f->at, room = (size_t)n - 1, got = left < room ? left : room;
    const char *end = memchr(f->bytes + f->at, '\n', got);
    if (end)
        got = (size_t)(end - (f->bytes + f->at)) + 1;
    gzread(file, to, (unsigned)got);
    if (!end && got < room && f->is_damaged) { /* the error lies within the line */
        gzread(file, to, 1);
        return NULL;
    }
    if (got == 0)
        return NULL;
    to[got] = 0;
    return to;
}

z_off_t gztell(gzFile file)
{
    return (z_off_t)((opened *)(void *)file)->at;
}

const char *gzerror(gzFile file, int *code)
{
    *code = ((opened *)(void *)file)->code;
    return "damaged";
}

int gzclose(gzFile file)
{
    opened *f = (opened *)(void *)file;
    free(f->bytes);
    free(f);
    return Z_OK;
}
