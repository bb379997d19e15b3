/* The list of a published model's files with their checksums: manifest.json in its directory. */
#ifndef WICK_MANIFEST_H
#define WICK_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct {
    char version[65]; /* SHA-256 over names and checksums */
    int64_t number;   /* of the publications to this target, from 1; 0: it was there before */
    int64_t n_files, size_bytes;
} wk_manifest;

/* Hashes the files of `dir` and writes dir/manifest.json. */
WK_MUST_CHECK wk_status wk_manifest_write(const char *dir, int64_t number, wk_manifest *out,
                                          wk_err *err);

/* Checks a directory against its manifest: WK_E_MODEL names the first file that is missing, damaged
 * or not listed; WK_E_NOT_FOUND: there is no manifest. *out may be NULL. wk_model_load does this.
 */
WK_MUST_CHECK wk_status wk_manifest_verify(const char *dir, wk_manifest *out, wk_err *err);

/* The version that the files of `dir` have, published or not; nothing is checked or written. The
 * number is that of its manifest, 0 without one. */
WK_MUST_CHECK wk_status wk_manifest_of(const char *dir, wk_manifest *out, wk_err *err);

/* Where publication `number` to `dest` lies, if a publisher kept it: DEST.previous or
 * DEST.g<number>. `out` holds 4096 bytes; false: nowhere. */
bool wk_publish_find(const char *dest, int64_t number, char *out);

#endif
