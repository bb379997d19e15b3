/* What a model's directory says of the generation that lies there. Any thread. */
#ifndef WICK_BOT_GENERATION_H
#define WICK_BOT_GENERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "wick/err.h"

/* Changes when any file of the directory does; 0: there is no model. Cheap. */
uint64_t wk__model_fingerprint(const char *dir);
/* Was it published, so that its checksums tell whether it is whole? */
bool wk__model_is_published(const char *dir);

/* The first 16 digits of the version that the directory has, or would have if it were published. */
WK_MUST_CHECK wk_status wk__model_version(const char *dir, uint64_t *version, char text[65],
                                          int64_t *number, wk_err *err);

/* End of its training, 0 when the model does not say. */
int64_t wk__model_born(const char *dir);

#endif
