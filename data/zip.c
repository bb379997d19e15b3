/* PKWARE's APPNOTE 6.3: the central directory at the end lists the files; stored and deflated ones
 * are read. Archives past 4 GB (zip64) and encrypted ones are refused. */
#include "zip.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, COMMENT_MAX = 65535, PIECE = 1 << 16 };

typedef struct {
    const unsigned char *name;
    size_t name_bytes;
    unsigned flags, method;
    uint32_t crc, packed_bytes, plain_bytes, offset;
} entry;

struct wk__zip {
    FILE *file;
    char *path;
    z_stream stream;
    int is_inflating, is_stored;
    uint32_t crc, want_crc;
    uint64_t packed_left, plain_left;
    unsigned char *piece; /* [PIECE] */
};

static uint32_t get16(const unsigned char *p)
{
    return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const unsigned char *p)
{
    return get16(p) | get16(p + 2) << 16;
}

static wk_status damaged(const char *path, wk_err *err)
{
    return wk_fail(err, WK_E_PARSE, "%s: the zip file is damaged or cut off; fetch it again", path);
}

/* Reads the central directory; *out is malloc'ed. */
static wk_status read_directory(FILE *f, const char *path, unsigned char **out, size_t *size_bytes,
                                size_t *n_entries, wk_err *err)
{
    unsigned char *tail = malloc(END_BYTES + COMMENT_MAX);
    if (!tail)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    size_t n = size < 0                         ? 0
               : size < END_BYTES + COMMENT_MAX ? (size_t)size
                                                : END_BYTES + COMMENT_MAX;
    int ok = n >= END_BYTES && fseek(f, size - (long)n, SEEK_SET) == 0 && fread(tail, 1, n, f) == n;
    size_t at = n - END_BYTES;
    while (ok && (get32(tail + at) != 0x06054b50 || get16(tail + at + 20) > n - at - END_BYTES)) {
        ok = at > 0;
        at -= ok;
    }
    uint32_t entries = 0, bytes = 0, offset = 0;
    if (ok) {
        entries = get16(tail + at + 10);
        bytes = get32(tail + at + 12);
        offset = get32(tail + at + 16);
    }
    free(tail);
    if (ok && (entries == 0xffff || bytes == UINT32_MAX || offset == UINT32_MAX))
        return wk_fail(err, WK_E_PARSE, "%s: a zip64 archive; unpack it and import the files",
                       path);
    if (!ok || offset > (uint64_t)size || bytes > (uint64_t)size - offset)
        return damaged(path, err);
    unsigned char *directory = malloc(bytes ? bytes : 1);
    if (!directory)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    if (fseek(f, (long)offset, SEEK_SET) != 0 || fread(directory, 1, bytes, f) != bytes) {
        free(directory);
        return damaged(path, err);
    }
    *out = directory;
    *size_bytes = bytes;
    *n_entries = entries;
    return WK_OK;
}

/* The entry at *at, which moves on; 0 when the directory is not well-formed there. */
static int next_entry(const unsigned char *directory, size_t size_bytes, size_t *at, entry *out)
{
    const unsigned char *p = directory + *at;
    if (size_bytes - *at < ENTRY_BYTES || get32(p) != 0x02014b50)
        return 0;
    size_t name = get16(p + 28), whole = ENTRY_BYTES + name + get16(p + 30) + get16(p + 32);
    if (size_bytes - *at < whole)
        return 0;
    *out = (entry){p + ENTRY_BYTES, name,          get16(p + 8),  get16(p + 10),
                   get32(p + 16),   get32(p + 20), get32(p + 24), get32(p + 42)};
    *at += whole;
    return 1;
}

static int is_file(const entry *e)
{
    const unsigned char *base = e->name;
    for (size_t i = 0; i < e->name_bytes; i++) {
        if (e->name[i] == 0)
            return 0;
        if (e->name[i] == '/')
            base = e->name + i + 1;
    }
    size_t n = (size_t)(e->name + e->name_bytes - base);
    return n > 0 && base[0] != '.' && (e->name_bytes < 2 || memcmp(e->name, "__", 2) != 0);
}

static wk_status open_archive(const char *path, FILE **file, unsigned char **directory,
                              size_t *size_bytes, size_t *n_entries, wk_err *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f)
        return wk_fail(err, WK_E_IO, "cannot open %s: %s", path, strerror(errno));
    wk_status status = read_directory(f, path, directory, size_bytes, n_entries, err);
    if (status == WK_OK)
        *file = f;
    else
        fclose(f);
    return status;
}

wk_status wk__zip_names(const char *path, char ***names, size_t *n, wk_err *err)
{
    FILE *f;
    unsigned char *directory;
    size_t size_bytes, n_entries, at = 0, count = 0;
    WK_TRY(open_archive(path, &f, &directory, &size_bytes, &n_entries, err));
    fclose(f);
    char **list = calloc(n_entries ? n_entries : 1, sizeof *list);
    wk_status status = list ? WK_OK : wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    for (size_t i = 0; status == WK_OK && i < n_entries; i++) {
        entry e;
        if (!next_entry(directory, size_bytes, &at, &e))
            status = damaged(path, err);
        else if (is_file(&e) && !(list[count++] = strndup((const char *)e.name, e.name_bytes)))
            status = wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    }
    free(directory);
    if (status != WK_OK) {
        for (size_t i = 0; list && i < count; i++)
            free(list[i]);
        free(list);
        return status;
    }
    *names = list;
    *n = count;
    return WK_OK;
}

static wk_status find_entry(const char *path, const char *name, const unsigned char *directory,
                            size_t size_bytes, size_t n_entries, entry *out, wk_err *err)
{
    size_t at = 0, found = 0;
    for (size_t i = 0; i < n_entries; i++) {
        entry e;
        if (!next_entry(directory, size_bytes, &at, &e))
            return damaged(path, err);
        if (!is_file(&e) ||
            (name && (strlen(name) != e.name_bytes || memcmp(name, e.name, e.name_bytes) != 0)))
            continue;
        *out = e;
        found++;
    }
    if (found == 0)
        return wk_fail(err, WK_E_NOT_FOUND, "%s: the zip file has no %s", path,
                       name ? name : "file in it");
    if (found > 1)
        return wk_fail(err, WK_E_PARSE,
                       "%s: the zip file holds %zu files; name one as %s/NAME, or unpack it", path,
                       found, path);
    if (out->flags & 1)
        return wk_fail(err, WK_E_PARSE, "%s: the zip file is encrypted; unpack it", path);
    if (out->method != 0 && out->method != Z_DEFLATED)
        return wk_fail(err, WK_E_PARSE,
                       "%s: the zip file is packed by method %u; unpack it and import the files",
                       path, out->method);
    if (out->packed_bytes == UINT32_MAX || out->plain_bytes == UINT32_MAX ||
        out->offset == UINT32_MAX)
        return wk_fail(err, WK_E_PARSE, "%s: a zip64 archive; unpack it and import the files",
                       path);
    return WK_OK;
}

static wk_status start(wk__zip *z, const entry *e, wk_err *err)
{
    unsigned char local[LOCAL_BYTES];
    z->want_crc = e->crc;
    z->packed_left = e->packed_bytes;
    z->plain_left = e->plain_bytes;
    z->is_stored = e->method == 0;
    z->piece = malloc(PIECE);
    if (!z->piece)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", z->path);
    if (fseek(z->file, (long)e->offset, SEEK_SET) != 0 ||
        fread(local, 1, sizeof local, z->file) != sizeof local || get32(local) != 0x04034b50 ||
        fseek(z->file, (long)(get16(local + 26) + get16(local + 28)), SEEK_CUR) != 0)
        return damaged(z->path, err);
    if (!z->is_stored && inflateInit2(&z->stream, -MAX_WBITS) != Z_OK)
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", z->path);
    z->is_inflating = !z->is_stored;
    return WK_OK;
}

wk_status wk__zip_open(const char *path, const char *name, wk__zip **out, wk_err *err)
{
    unsigned char *directory;
    size_t size_bytes, n_entries;
    entry e = {0};
    wk__zip *z = calloc(1, sizeof *z);
    if (z)
        z->path = strdup(path);
    if (!z || !z->path) {
        free(z);
        return wk_fail(err, WK_E_NOMEM, "out of memory reading %s", path);
    }
    wk_status status = open_archive(path, &z->file, &directory, &size_bytes, &n_entries, err);
    if (status == WK_OK) {
        status = find_entry(path, name, directory, size_bytes, n_entries, &e, err);
        if (status == WK_OK)
            status = start(z, &e, err);
        free(directory);
    }
    if (status == WK_OK)
        *out = z;
    else
        wk__zip_close(z);
    return status;
}

/* More packed bytes into z->piece; 0 when there are none. */
static size_t next_piece(wk__zip *z)
{
    size_t n = z->packed_left < PIECE ? (size_t)z->packed_left : PIECE;
    n = fread(z->piece, 1, n, z->file);
    z->packed_left -= n;
    return n;
}

wk_status wk__zip_read(wk__zip *z, char *out, size_t n, size_t *got, wk_err *err)
{
    size_t made = 0;
    if (z->is_stored) {
        made = z->packed_left < n ? (size_t)z->packed_left : n;
        if (made > 0 && fread(out, 1, made, z->file) != made)
            return damaged(z->path, err);
        z->packed_left -= made;
    } else {
        z->stream.next_out = (unsigned char *)out;
        z->stream.avail_out = (unsigned)n;
        while (z->stream.avail_out == n) {
            if (z->stream.avail_in == 0) {
                z->stream.next_in = z->piece;
                z->stream.avail_in = (unsigned)next_piece(z);
            }
            int rc = inflate(&z->stream, Z_NO_FLUSH);
            if (rc == Z_STREAM_END)
                break;
            if (rc != Z_OK)
                return damaged(z->path, err);
        }
        made = n - z->stream.avail_out;
    }
    z->crc = (uint32_t)crc32(z->crc, (const unsigned char *)out, (unsigned)made);
    if (made > z->plain_left || (made == 0 && (z->plain_left > 0 || z->crc != z->want_crc)))
        return damaged(z->path, err);
    z->plain_left -= made;
    *got = made;
    return WK_OK;
}

void wk__zip_close(wk__zip *z)
{
    if (!z)
        return;
    if (z->is_inflating)
        inflateEnd(&z->stream);
    if (z->file)
        fclose(z->file);
    free(z->piece);
    free(z->path);
    free(z);
}
