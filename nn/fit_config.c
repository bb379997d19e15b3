#include <math.h>

#include "wick/nn.h"

#define OF(key) offsetof(wk_nn_fit_config, key)
static const wk_cfg_row rows[] = {
    {"loss", WK_CFG_ENUM, OF(loss), NULL, "\"cross_entropy\"", 0, 0,
     "cross_entropy|focal|mse|huber|pinball|gaussian|student_t|trading", NULL,
     "what is minimised; the first two learn classes, the last the three heads"},
    {"label_smoothing", WK_CFG_REAL, OF(label_smoothing), NULL, "0", 0, 0.9, NULL, NULL,
     "share of a class target spread over all classes, with cross_entropy"},
    {"focal_gamma", WK_CFG_REAL, OF(focal_gamma), NULL, "2", 0, 20, NULL, NULL,
     "how much focal turns away from what is certain already"},
    {"huber_delta", WK_CFG_REAL, OF(huber_delta), NULL, "1", 1e-6, 1e6, NULL, NULL,
     "where huber turns from square to linear"},
    {"degrees_of_freedom", WK_CFG_REAL, OF(degrees_of_freedom), NULL, "4", 0.1, 1e6, NULL, NULL,
     "of student_t"},
    {"quantiles", WK_CFG_REALS, OF(quantiles), NULL, "[0.1, 0.5, 0.9]", 1e-6, 0.999999, NULL, NULL,
     "of pinball"},
    {"balanced", WK_CFG_BOOL, OF(balanced), NULL, "false", 0, 0, NULL, NULL,
     "classes weigh the inverse of their share"},
    {"epochs", WK_CFG_INT, OF(epochs), NULL, "20", 1, 1000000, NULL, NULL,
     "passes over the training sequences"},
    {"batch", WK_CFG_INT, OF(batch), NULL, "64", 1, 65536, NULL, NULL, "sequences an update"},
    {"optimiser", WK_CFG_ENUM, OF(optimiser), NULL, "\"adamw\"", 0, 0, "adamw|rmsprop", NULL,
     "how the weights follow the gradient"},
    {"schedule", WK_CFG_ENUM, OF(schedule), NULL, "\"cosine\"", 0, 0, "constant|cosine|step", NULL,
     "how the learning rate falls after the warm-up"},
    {"learning_rate", WK_CFG_REAL, OF(learning_rate), NULL, "0.001", 1e-9, 10, NULL, NULL,
     "at the top of the schedule"},
    {"weight_decay", WK_CFG_REAL, OF(weight_decay), NULL, "0", 0, 10, NULL, NULL,
     "on matrices and kernels only"},
    {"clip_norm", WK_CFG_REAL, OF(clip_norm), NULL, "1", 0, 1e6, NULL, NULL,
     "longest gradient over all parameters; 0: not clipped"},
    {"warmup_fraction", WK_CFG_REAL, OF(warmup_fraction), NULL, "0", 0, 1, NULL, NULL,
     "share of the updates in which the learning rate rises linearly"},
    {"step_epochs", WK_CFG_INT, OF(step_epochs), NULL, "10", 1, 1000000, NULL, NULL,
     "epochs between the falls of schedule step"},
    {"step_factor", WK_CFG_REAL, OF(step_factor), NULL, "0.1", 1e-6, 1, NULL, NULL,
     "factor of each fall"},
    {"patience", WK_CFG_INT, OF(patience), NULL, "0", 0, 1000000, NULL, NULL,
     "epochs without a better validation loss before training stops; 0: never"},
    {"seed", WK_CFG_INT, OF(seed), NULL, "1", 0, 0, NULL, NULL,
     "of the first weights, dropout and the order of sequences"},
    {"shuffle", WK_CFG_BOOL, OF(shuffle), NULL, "true", 0, 0, NULL, NULL,
     "draw a new order of the sequences every epoch"},
    {"precision", WK_CFG_ENUM, OF(precision), NULL, "\"fp32\"", 0, 0, "fp32|bf16|bf16x3", NULL,
     "what products of training are made in; weights stay fp32, bf16x3 keeps nearly all of it"},
    {"task_weights", WK_CFG_REALS, OF(task_weights), NULL, "[]", 0, 1e6, NULL, NULL,
     "of the three heads, or of each target, in the loss; none: 1, 0.5, 0.2 of the heads"},
    {"learn_task_weights", WK_CFG_BOOL, OF(learn_task_weights), NULL, "false", 0, 0, NULL, NULL,
     "learn how much each task counts from its uncertainty"},
    {0},
};

const wk_cfg_table wk_nn_fit_config_table = {"fit", "how a network is trained on arrays",
                                             sizeof(wk_nn_fit_config), rows};

size_t wk_nn_fit_outputs(const wk_nn_fit_config *c, size_t n)
{
    switch (c->loss) {
    case WK_NN_PINBALL:
        return n * c->quantiles.n;
    case WK_NN_GAUSSIAN:
    case WK_NN_STUDENT_T:
        return 2 * n;
    case WK_NN_TRADING:
        return WK_NN_HEADS;
    default:
        return n;
    }
}
