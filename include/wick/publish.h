/* Publishing a model: a directory copied beside its target, with the checksum of every file in
 * manifest.json, verified, synced, and put into place by one exchange of names; the one it replaces
 * stays as DEST.previous. */
#ifndef WICK_PUBLISH_H
#define WICK_PUBLISH_H

#include <stdbool.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct {
    char version[65]; /* SHA-256 over names and checksums */
    int64_t number;   /* of the publications to this target, from 1; 0: it was there before */
    int64_t n_files, size_bytes;
} wk_published;

/* Checks a directory against its manifest.json: WK_E_MODEL names the first file that is missing,
 * damaged or not listed; WK_E_NOT_FOUND: there is no manifest. *out may be NULL. */
WK_MUST_CHECK wk_status wk_publish_verify(const char *dir, wk_published *out, wk_err *err);

/* Publishes `model` to `dest`. A crash leaves the old model or the new one at `dest`, whole. One
 * publisher at a time. */
WK_MUST_CHECK wk_status wk_publish(const char *model, const char *dest, wk_published *out,
                                   wk_err *err);

/* Exchanges `dest` and dest.previous, after checking the latter; a second call goes forward again.
 */
WK_MUST_CHECK wk_status wk_publish_rollback(const char *dest, wk_published *out, wk_err *err);

#endif
