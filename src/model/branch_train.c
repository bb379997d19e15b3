/* Training a branch over whole sequences of the panel. */
#include "branch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wick/split.h"

static bool family_wanted(const wk_strings *families, const char *family)
{
    for (size_t i = 0; i < families->n; i++)
        if (strcmp(families->v[i], family) == 0)
            return true;
    return false;
}

wk_status wk_branch_columns(const wk_branch_config *config, const wk_dataset *dataset,
                            wk_arena *arena, uint32_t **columns, size_t *n, wk_err *err)
{
    size_t F = dataset->table.F, count = 0;
    uint32_t *chosen = wk_arena_array(arena, uint32_t, F);
    for (size_t i = 0; i < F; i++)
        if (family_wanted(&config->families, dataset->feature_families[i]))
            chosen[count++] = (uint32_t)i;
    if (count == 0)
        return wk_fail(err, WK_E_CONFIG,
                       "branch %s sees no feature: none of its families is among features.families",
                       config->name);
    *columns = chosen;
    *n = count;
    return WK_OK;
}

/* Mean and standard deviation of each input over the valid rows of steps [begin, end). */
static void fit_scaler(const wk_columns *data, size_t begin, size_t end, wk_branch *branch)
{
    size_t S = data->table->S;
    for (size_t i = 0; i < branch->n_inputs; i++) {
        double sum = 0, square = 0;
        size_t n = 0;
        for (size_t r = begin * S; r < end * S; r++) {
            double x = (double)wk_columns_value(data, r, branch->columns[i]);
            if (!data->table->valid[r] || isnan(x))
                continue;
            sum += x;
            square += x * x;
            n++;
        }
        double mean = n ? sum / (double)n : 0;
        double variance = n ? square / (double)n - mean * mean : 0;
        branch->mean[i] = (float)mean;
        branch->scale[i] = variance > 1e-12 ? (float)(1.0 / sqrt(variance)) : 0.0f;
    }
}

/* The training sequence of market s over the span; arrays in the arena. */
static wk_nn_sequence make_sequence(const wk_branch *branch, const wk_columns *data,
                                    const wk_targets *targets, size_t s, const wk_branch_span *span,
                                    wk_arena *arena)
{
    size_t S = data->table->S, T = span->valid_end - span->begin;
    float *X = wk_arena_array(arena, float, T * branch->n_inputs);
    int8_t *direction = wk_arena_array(arena, int8_t, T);
    float *magnitude = wk_arena_array(arena, float, T);
    float *volatility = wk_arena_array(arena, float, T);
    float *weight = wk_arena_array(arena, float, T);
    uint8_t *in_train = wk_arena_array(arena, uint8_t, T);
    uint8_t *in_valid = wk_arena_array(arena, uint8_t, T);
    for (size_t i = 0; i < T; i++) {
        size_t t = span->begin + i, r = t * S + s;
        size_t block_end = t < span->valid_begin ? span->valid_begin : span->valid_end;
        wk__branch_standardise(branch, data, r, X + i * branch->n_inputs);
        direction[i] = -1;
        magnitude[i] = volatility[i] = NAN;
        weight[i] = targets->uniqueness[r];
        if (!data->table->valid[r])
            continue;
        bool any = false;
        if (wk_split_keeps(targets->direction.end[r], span->embargo, block_end)) {
            direction[i] = (int8_t)targets->direction.y[r];
            any = true;
        }
        if (wk_split_keeps(targets->magnitude.end[r], span->embargo, block_end)) {
            magnitude[i] = targets->magnitude.y[r];
            any = true;
        }
        if (wk_split_keeps(targets->volatility.end[r], span->embargo, block_end)) {
            volatility[i] = targets->volatility.y[r];
            any = true;
        }
        in_train[i] = any && t < span->valid_begin;
        in_valid[i] = any && t >= span->valid_begin;
    }
    return (wk_nn_sequence){.T = T,
                            .X = X,
                            .direction = direction,
                            .magnitude = magnitude,
                            .volatility = volatility,
                            .weight = weight,
                            .in_train = in_train,
                            .in_valid = span->valid_end > span->valid_begin ? in_valid : NULL};
}

/* The root of the inverse class frequency over the training rows: half way to equal classes. */
static void class_weights(const wk_nn_sequence *sequences, size_t n, float weight[3])
{
    double count[3] = {0}, total = 0;
    for (size_t q = 0; q < n; q++)
        for (size_t i = 0; i < sequences[q].T; i++)
            if (sequences[q].in_train[i] && sequences[q].direction[i] >= 0) {
                count[sequences[q].direction[i]]++;
                total++;
            }
    for (int k = 0; k < 3; k++)
        weight[k] = count[k] > 0 ? (float)sqrt(total / (3 * count[k])) : 1.0f;
}

wk_status wk_branch_train(const char *name, const wk_sections *layers,
                          const wk_nn_train_config *train, const wk_columns *data,
                          const uint32_t *columns, size_t n_columns, const wk_targets *targets,
                          const wk_branch_span *span, wk_branch *out, wk_err *err)
{
    wk_branch branch = {.n_inputs = n_columns};
    size_t S = data->table->S;
    wk_status status;
    wk_arena arena;
    wk_arena_init(&arena);
    snprintf(branch.name, sizeof branch.name, "%s", name);
    branch.columns = calloc(n_columns, sizeof *branch.columns);
    branch.mean = calloc(n_columns, sizeof *branch.mean);
    branch.scale = calloc(n_columns, sizeof *branch.scale);
    if (!branch.columns || !branch.mean || !branch.scale) {
        status = wk_fail(err, WK_E_NOMEM, "out of memory");
        goto done;
    }
    memcpy(branch.columns, columns, n_columns * sizeof *columns);
    fit_scaler(data, span->begin, span->valid_begin, &branch);
    status =
        wk_nn_create(layers->v, layers->n, n_columns, WK_NN_HEADS, span->seed, &branch.nn, err);
    if (status != WK_OK)
        goto done;
    wk_nn_sequence *sequences = wk_arena_array(&arena, wk_nn_sequence, S);
    for (size_t s = 0; s < S; s++)
        sequences[s] = make_sequence(&branch, data, targets, s, span, &arena);
    float weights[3];
    class_weights(sequences, S, weights);
    wk_nn_train_config seeded = *train;
    seeded.seed = (int64_t)(span->seed >> 1);
    status =
        wk_nn_train(branch.nn, &seeded, sequences, S, weights, span->threads, &branch.log, err);
done:
    wk_arena_finish(&arena);
    if (status != WK_OK) {
        wk_branch_finish(&branch);
        return wk_fail_prefix(err, "network %s", name);
    }
    *out = branch;
    return WK_OK;
}
