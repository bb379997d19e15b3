/* A network trained on arrays, as a directory: network.json (what its outputs mean and how inputs
 * are scaled), weights.safetensors, training.json (curves), config.json (resolved). */
#ifndef NN_MODEL_H
#define NN_MODEL_H

#include "wick/config.h"
#include "wick/nn.h"

typedef struct {
    const char *x, *y;
    int targets; /* 0 auto, 1 of a sequence, 2 of each bar */
    double valid_fraction;
    bool standardize;
    wk_nn_config network;
    wk_nn_fit_config fit;
} nn_train_config;
extern const wk_cfg_table nn_train_config_table;

typedef struct {
    wk_nn *nn; /* owned */
    wk_nn_fit_config fit;
    size_t F, K;
    bool each_bar;
    size_t n_classes;
    double *classes;     /* [n_classes] labels in the order of the outputs */
    float *mean, *scale; /* [F] x becomes (x - mean) / scale */
    const char *x;       /* name of the inputs in an HDF5 file */
} nn_model;

/* Everything but nn lies in `arena`. */
WK_MUST_CHECK wk_status nn_model_save(const nn_model *model, const nn_train_config *config,
                                      const wk_nn_log *log, const char *dir, wk_err *err);
WK_MUST_CHECK wk_status nn_model_load(const char *dir, wk_arena *arena, nn_model *out, wk_err *err);
/* Scales X [n, F] in place. */
void nn_model_scale(const nn_model *model, float *X, size_t n);

#endif
