/* Files written whole or not at all, and read whole. */
#ifndef WICK_FILE_H
#define WICK_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "wick/err.h"

/* Reads a whole file into malloc'ed memory with a 0 byte after it; the caller frees *out. */
WK_MUST_CHECK wk_status wk_file_read(const char *path, char **out, size_t *size_bytes, wk_err *err);

/* Writes beside the target, fsyncs, renames, fsyncs the directory: a crash leaves the old file or
 * the new one. On failure nothing is left behind. */
WK_MUST_CHECK wk_status wk_file_write_atomic(const char *path, const void *bytes, size_t size_bytes,
                                             wk_err *err);

/* The same for a file that is written piece by piece: print to `stream`, then publish, which fails
 * when any of it could not be written. Either call closes the draft; discard accepts a zeroed one.
 */
typedef struct {
    FILE *stream;
    char *path, *beside; /* owned */
} wk_draft;

WK_MUST_CHECK wk_status wk_draft_open(const char *path, wk_draft *out, wk_err *err);
WK_MUST_CHECK wk_status wk_draft_publish(wk_draft *draft, wk_err *err);
void wk_draft_discard(wk_draft *draft);

/* Creates the directory and its parents; an existing directory is fine. */
WK_MUST_CHECK wk_status wk_dir_create(const char *path, wk_err *err);

bool wk_file_exists(const char *path);

#endif
