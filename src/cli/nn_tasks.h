/* Tasks whose published results the experiments stand beside. */
#ifndef NN_TASKS_H
#define NN_TASKS_H

#include "wick/nn.h"

/* Training and test sequences of one task; the arrays are owned. */
typedef struct {
    wk_nn_array train, test;
    size_t n_classes; /* 0: real targets */
    float *memory[4];
} nn_task;

/* Adding problem (Hochreiter & Schmidhuber 1997 as Bai et al. 2018 run it): a channel of uniform
 * numbers, one that marks two of them, the target their sum. Predicting 1 scores 0.1667. */
WK_MUST_CHECK wk_status nn_task_adding(size_t bars, size_t n_train, size_t n_test, uint64_t seed,
                                       nn_task *out, wk_err *err);
/* Copy memory (Arjovsky et al. 2016 as Bai et al.): ten digits 1..8, `bars` - 1 zeros, eleven
 * nines; wanted are zeros and, at the end, the digits. Knowing nothing scores 10 ln 8 / (bars +
 * 20). */
WK_MUST_CHECK wk_status nn_task_copy(size_t bars, size_t n_train, size_t n_test, uint64_t seed,
                                     nn_task *out, wk_err *err);
/* DIR/NAME_TRAIN.csv.gz and _TEST: a label and the numbers of one channel in each line, as the UCR
 * archive has them. Labels become 0, 1, ... in ascending order. */
WK_MUST_CHECK wk_status nn_task_ucr(const char *dir, const char *name, nn_task *out, wk_err *err);
void nn_task_finish(nn_task *task);

/* Deals rows of classes y over folds: fold [N], each class evenly, in an order drawn once for all.
 */
void nn_folds(const float *y, size_t N, size_t n_classes, size_t folds, size_t *fold);

#endif
