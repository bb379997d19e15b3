/* Reading: a directory is its files in the order of their names, which are dates. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "recording_internal.h"
#include "wick/recording.h"

/* A clock's offset can be added to it. */
#define RECEIVE_NS_MAX INT64_C(6000000000000000000)

struct wk_recording {
    char **paths;
    size_t n_paths, path;
    gzFile file;
    char *bytes;
    size_t capacity;
    int64_t receive_ns; /* of the last message: time never runs backwards */
    char connection[32];
};

static int is_recording_name(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && ((n > 7 && strcmp(e->d_name + n - 7, ".wkr.gz") == 0) ||
                                   (n > 4 && strcmp(e->d_name + n - 4, ".wkr") == 0));
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static wk_status add_path(wk_recording *recording, const char *dir, const char *name, wk_err *err)
{
    char **grown = realloc(recording->paths, (recording->n_paths + 1) * sizeof *grown);
    if (!grown)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    recording->paths = grown;
    char *path = malloc(strlen(dir) + strlen(name) + 2);
    if (!path)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    sprintf(path, "%s%s%s", dir, name[0] ? "/" : "", name);
    recording->paths[recording->n_paths++] = path;
    return WK_OK;
}

static wk_status add_directory(wk_recording *recording, const char *path, wk_err *err)
{
    struct dirent **entries;
    int n = scandir(path, &entries, is_recording_name, by_bytes);
    if (n < 0)
        return wk_fail(err, WK_E_IO, "%s: %s", path, strerror(errno));
    wk_status status = WK_OK;
    for (int i = 0; i < n; i++) {
        if (status == WK_OK)
            status = add_path(recording, path, entries[i]->d_name, err);
        free(entries[i]);
    }
    free(entries);
    if (status == WK_OK && n == 0)
        status = wk_fail(err, WK_E_NOT_FOUND,
                         "no recording (*.wkr.gz) in %s; record one with keep_raw", path);
    return status;
}

wk_status wk_recording_open(const char *path, wk_recording **out, wk_err *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return wk_fail(err, WK_E_IO, "%s: %s", path, strerror(errno));
    wk_recording *recording = calloc(1, sizeof *recording);
    if (!recording)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = S_ISDIR(st.st_mode) ? add_directory(recording, path, err)
                                           : add_path(recording, path, "", err);
    if (status != WK_OK) {
        wk_recording_close(recording);
        return status;
    }
    *out = recording;
    return WK_OK;
}

static wk_status broken(const wk_recording *recording, const char *what, wk_err *err)
{
    return wk_fail(err, WK_E_PARSE, "%s: %s at byte %lld of the text; is it a recording of wick?",
                   recording->paths[recording->path], what, (long long)gztell(recording->file));
}

/* 1: read, 0: the file ends here (maybe cut by a crash), -1: damaged. */
static int read_exactly(wk_recording *recording, char *bytes, size_t n)
{
    size_t done = 0;
    while (done < n) {
        int got = gzread(recording->file, bytes + done, (unsigned)(n - done));
        if (got < 0) {
            int code;
            gzerror(recording->file, &code);
            return code == Z_BUF_ERROR ? 0 : -1;
        }
        if (got == 0)
            return 0;
        done += (size_t)got;
    }
    return 1;
}

/* "receive_ns connection direction bytes" */
static const char *parse_head(wk_recording *recording, const char *line, wk_recorded *out)
{
    int end = 0;
    long long receive_ns;
    unsigned long long n;
    char direction;
    if (sscanf(line, "%19lld %31[^ \n] %c %9llu%n", &receive_ns, recording->connection, &direction,
               &n, &end) != 4 ||
        line[end])
        return "no head of a message";
    if (receive_ns < recording->receive_ns)
        return "time runs backwards";
    if (receive_ns > RECEIVE_NS_MAX)
        return "a time after the year 2160";
    if (n > WK__RECORD_BYTES_MAX)
        return "a message is too long";
    if (direction != '<' && direction != '>' && direction != '!')
        return "an unknown direction";
    *out = (wk_recorded){.receive_ns = receive_ns, .direction = direction, .n = n};
    memcpy(out->connection, recording->connection, sizeof out->connection);
    return NULL;
}

/* As read_exactly, into recording->bytes. A head may lie: room is made as the bytes come. */
static int read_message(wk_recording *recording, size_t n, wk_err *err)
{
    enum { STEP = 1 << 16 };
    int got = 1;
    for (size_t done = 0; got > 0 && done < n;) {
        size_t more = n - done < STEP ? n - done : STEP;
        if (done + more > recording->capacity) {
            size_t capacity = 2 * done + more + 4096;
            char *grown = realloc(recording->bytes, capacity);
            if (!grown) {
                wk_fail(err, WK_E_NOMEM, "out of memory");
                return -1;
            }
            recording->bytes = grown;
            recording->capacity = capacity;
        }
        got = read_exactly(recording, recording->bytes + done, more);
        done += more;
    }
    if (got < 0)
        broken(recording, "damaged data", err);
    return got;
}

/* 1: *out is the next message of the open file; 0: none is left; -1: err says what is wrong. */
static int next_of_file(wk_recording *recording, wk_recorded *out, wk_err *err)
{
    char line[128];
    size_t n = 0;
    for (;; n++) {
        int got = n < sizeof line - 1 ? read_exactly(recording, line + n, 1) : -1;
        if (got == 0)
            return 0;
        if (got < 0) {
            broken(recording, n < sizeof line - 1 ? "damaged data" : "no head of a message", err);
            return -1;
        }
        if (line[n] == '\n')
            break;
    }
    line[n] = 0;
    const char *problem =
        memchr(line, 0, n) ? "no head of a message" : parse_head(recording, line, out);
    if (problem) {
        broken(recording, problem, err);
        return -1;
    }
    int got = read_message(recording, out->n + 1, err);
    if (got <= 0)
        return got;
    if (recording->bytes[out->n] != '\n') {
        broken(recording, "a message does not end where it should", err);
        return -1;
    }
    recording->bytes[out->n] = 0;
    out->bytes = recording->bytes;
    recording->receive_ns = out->receive_ns;
    return got;
}

wk_status wk_recording_next(wk_recording *recording, wk_recorded *out, wk_err *err)
{
    while (recording->path < recording->n_paths) {
        if (!recording->file) {
            recording->file = gzopen(recording->paths[recording->path], "rbe");
            if (!recording->file)
                return wk_fail(err, WK_E_IO, "%s: %s", recording->paths[recording->path],
                               strerror(errno));
            gzbuffer(recording->file, 1 << 17);
        }
        wk_recorded next;
        int got = next_of_file(recording, &next, err);
        if (got < 0)
            return err ? err->code : WK_E_PARSE;
        if (got > 0) {
            *out = next;
            return WK_OK;
        }
        gzclose(recording->file);
        recording->file = NULL;
        recording->path++;
    }
    return wk_fail(err, WK_E_NOT_FOUND, "the recording has ended");
}

void wk_recording_close(wk_recording *recording)
{
    if (!recording)
        return;
    if (recording->file)
        gzclose(recording->file);
    for (size_t i = 0; i < recording->n_paths; i++)
        free(recording->paths[i]);
    free(recording->paths);
    free(recording->bytes);
    free(recording);
}
