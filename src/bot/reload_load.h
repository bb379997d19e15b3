/* A generation of a model from disk, checked against what it is to replace. */
#ifndef WICK_BOT_RELOAD_LOAD_H
#define WICK_BOT_RELOAD_LOAD_H

#include "bot_internal.h"

typedef struct {
    wk_arena arena; /* config and member */
    wk_model loaded;
    wk_model *model; /* &loaded, or that of a bot's start */
    const wk_run_config *config;
    wk_engine_member *member;
    uint64_t version;
    char version_text[65];
    int64_t number;   /* of the publication, 0: it was never published */
    uint64_t next;    /* number of the step that the member wants next, while it warms */
    uint64_t n_steps; /* that it has seen */
    bool is_complete; /* it began with the bot's first step */
} wk__generation;

/* Changes when any file of the directory does; 0: there is no model. Cheap. */
uint64_t wk__model_fingerprint(const char *dir);
/* Was it published, so that its checksums tell whether it is whole? */
bool wk__model_is_published(const char *dir);

/* The first 16 digits of the version that the directory has, or would have if it were published. */
WK_MUST_CHECK wk_status wk__model_version(const char *dir, uint64_t *version, char text[65],
                                          int64_t *number, wk_err *err);

/* Loads model k of the bot anew and plans it. It must have the timeframe, the outside columns and
 * at least the markets of `before`. Any thread. */
WK_MUST_CHECK wk_status wk__generation_load(const wk_bot *bot, size_t k,
                                            const wk_run_config *before, wk__generation **out,
                                            wk_err *err);
void wk__generation_free(wk__generation *generation);

#endif
