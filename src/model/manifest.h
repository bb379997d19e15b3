/* The list of a published model's files with their checksums. */
#ifndef WICK_MODEL_MANIFEST_H
#define WICK_MODEL_MANIFEST_H

#include "wick/publish.h"

/* Hashes the files of `dir` and writes dir/manifest.json. */
WK_MUST_CHECK wk_status wk__manifest_write(const char *dir, int64_t number, wk_published *out,
                                           wk_err *err);

#endif
