/* A generation of a model from disk, checked against what it is to replace. */
#ifndef WICK_BOT_RELOAD_LOAD_H
#define WICK_BOT_RELOAD_LOAD_H

#include "bot_internal.h"
#include "generation.h"

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

/* Loads a generation of the bot's model k from `dir` and plans it. It must have the timeframe, the
 * outside columns and at least the markets of `before`, and in an ensemble its labels. Any thread.
 */
WK_MUST_CHECK wk_status wk__generation_load(const wk_bot *bot, size_t k, const char *dir,
                                            const wk_run_config *before, wk__generation **out,
                                            wk_err *err);
void wk__generation_free(wk__generation *generation);

#endif
