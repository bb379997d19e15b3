/* The steps that a bot has seen, for models that come later: as records of a fixed size, the newest
 * of them in a file without a name. */
#ifndef WICK_BOT_RELOAD_HISTORY_H
#define WICK_BOT_RELOAD_HISTORY_H

#include "wick/features.h"

/* What a step's record holds: S markets with K outside columns each. */
typedef struct {
    size_t S, K, size_bytes;
} wk__step_layout;

wk__step_layout wk__step_layout_of(size_t S, size_t K);
/* `record` is 8-byte aligned and holds layout->size_bytes. Allocates nothing. */
void wk__step_pack(const wk__step_layout *layout, uint64_t seq, const wk_features_step *step,
                   void *record);
/* The step of a record, pointing into it. Returns its number. */
uint64_t wk__step_unpack(const wk__step_layout *layout, const void *record, wk_features_step *step);

typedef struct {
    wk__step_layout layout;
    int fd;
    bool is_part;                   /* of a file that several share */
    int64_t base;                   /* its place there */
    uint64_t capacity, first, next; /* steps [first, next) are there */
} wk__history;

/* A file in `dir` ("": the directory for temporary files), which never shows it. */
WK_MUST_CHECK wk_status wk__history_file(const char *dir, int *fd, wk_err *err);
WK_MUST_CHECK wk_status wk__history_open(const char *dir, const wk__step_layout *layout,
                                         uint64_t capacity, wk__history *out, wk_err *err);
/* Part `slot` of the file of `whole`, which stays open longer: for many streams in one file. */
void wk__history_part(const wk__history *whole, size_t slot, wk__history *out);
void wk__history_close(wk__history *history);
/* Appends; a record that does not follow the newest begins anew. */
WK_MUST_CHECK wk_status wk__history_append(wk__history *history, const void *record, wk_err *err);
WK_MUST_CHECK wk_status wk__history_read(const wk__history *history, uint64_t seq, void *record,
                                         wk_err *err);

#endif
