/* Inside of the training on arrays: what its files share. */
#ifndef WK_NN_FIT_H
#define WK_NN_FIT_H

#include "nn/adamw.h"
#include "nn/array_loss.h"
#include "nn/gang.h"
#include "nn/nn.h"
#include "nn/window.h"

enum { WK__FIT_ROWS = 16, WK__FIT_SHARDS = 8 };

/* Where a training stands after an epoch: all that resuming needs besides its configuration. */
typedef struct {
    size_t epoch, updates, best_epoch;
    double best_loss;
    double *train_loss, *valid_loss; /* [epoch] */
    size_t n;                        /* parameters */
    float *params, *m, *v, *best;    /* [n] */
    size_t n_tasks;                  /* of learned weights */
    wk__uncertainty tasks;
} wk__fit_state;

/* Shapes, numbers and targets that do not fit the network, and with `c` its loss; `name` is for
 * messages. */
WK_MUST_CHECK wk_status wk__fit_check_array(const wk_nn *nn, const wk_nn_fit_config *c,
                                            const wk_nn_array *a, const char *name, wk_err *err);
WK_MUST_CHECK wk_status wk__fit_check_config(const wk_nn_fit_config *c, wk_err *err);

/* `what` names the configuration and the data (a hash): another one refuses the file. */
WK_MUST_CHECK wk_status wk__fit_save(const wk__fit_state *s, const char *what, const char *path,
                                     wk_err *err);
/* Fills the arrays of *s, whose n and room for curves are given; *s is untouched on failure only in
 * its scalars. */
WK_MUST_CHECK wk_status wk__fit_load(wk__fit_state *s, size_t epochs_max, const char *what,
                                     const char *path, wk_err *err);
/* The same from the file's bytes; `path` is for messages. */
WK_MUST_CHECK wk_status wk__fit_parse(wk__fit_state *s, size_t epochs_max, const char *what,
                                      const char *path, const char *bytes, size_t size,
                                      wk_err *err);

#endif
