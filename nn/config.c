#include "wick/nn.h"

#define OF(key) offsetof(wk_nn_layer_config, key)
static const wk_cfg_row layer_rows[] = {
    {"type", WK_CFG_ENUM, OF(kind), NULL, NULL, 0, 0,
     "dense|conv1d|lstm|gru|tcn|layer_norm|dropout|relu|tanh|mean|batch_norm", NULL,
     "what the layer computes"},
    {"units", WK_CFG_INT, OF(units), NULL, "32", 1, 4096, NULL, NULL,
     "output channels of dense, conv1d, lstm, gru and tcn; window of mean in bars"},
    {"kernel", WK_CFG_INT, OF(kernel), "bars", "3", 1, 64, NULL, NULL, "taps of conv1d and tcn"},
    {"dilation", WK_CFG_INT, OF(dilation), "bars", "1", 1, 4096, NULL, NULL,
     "bars between the taps of conv1d and tcn"},
    {"dropout", WK_CFG_REAL, OF(dropout), NULL, "0", 0, 0.95, NULL, NULL,
     "share of values dropped in training by dropout, inside tcn, and of the carried state by lstm "
     "and gru, there once for a sequence"},
    {"plain", WK_CFG_BOOL, OF(plain), NULL, "false", 0, 0, NULL, NULL,
     "tcn's convolutions without weight norm"},
    {"locked", WK_CFG_BOOL, OF(locked), NULL, "false", 0, 0, NULL, NULL,
     "dropout draws once for a sequence, not for every bar"},
    {0},
};
#undef OF

const wk_cfg_table wk_nn_layer_config_table = {"layer", "one layer of a network",
                                               sizeof(wk_nn_layer_config), layer_rows};

static const wk_cfg_row branch_rows[] = {
    {"name", WK_CFG_STRING, offsetof(wk_nn_branch_config, name), NULL, NULL, 0, 0, NULL, NULL,
     "begins the names of the branch's tensors"},
    {"layers", WK_CFG_SECTIONS, offsetof(wk_nn_branch_config, layers), NULL, "[]", 0, 0, NULL,
     &wk_nn_layer_config_table, "of the branch, first layer first"},
    {0},
};
static const wk_cfg_table branch_table = {"branch", "A stack of layers beside others.",
                                          sizeof(wk_nn_branch_config), branch_rows};

static const wk_cfg_row net_rows[] = {
    {"branches", WK_CFG_SECTIONS, offsetof(wk_nn_config, branches), NULL, "[]", 0, 0, NULL,
     &branch_table, "stacks side by side over the same input; none: layers see it"},
    {"layers", WK_CFG_SECTIONS, offsetof(wk_nn_config, layers), NULL, "[]", 0, 0, NULL,
     &wk_nn_layer_config_table, "after the branches' outputs beside each other, before the head"},
    {0},
};
const wk_cfg_table wk_nn_config_table = {"network", "Branches of layers.", sizeof(wk_nn_config),
                                         net_rows};

#define OF(key) offsetof(wk_nn_train_config, key)
static const wk_cfg_row train_rows[] = {
    {"epochs", WK_CFG_INT, OF(epochs), NULL, "12", 1, 10000, NULL, NULL,
     "passes over the training rows"},
    {"batch_sequences", WK_CFG_INT, OF(batch_sequences), NULL, "32", 1, 4096, NULL, NULL,
     "pieces of sequences that run side by side, each carrying its state"},
    {"truncation_bars", WK_CFG_INT, OF(truncation_bars), "bars", "64", 1, 4096, NULL, NULL,
     "bars of a chunk: gradients stop at its start, state does not"},
    {"learning_rate", WK_CFG_REAL, OF(learning_rate), NULL, "0.003", 1e-9, 10, NULL, NULL,
     "AdamW's, at the top of the schedule"},
    {"weight_decay", WK_CFG_REAL, OF(weight_decay), NULL, "0.01", 0, 10, NULL, NULL,
     "AdamW's, on matrices and kernels only"},
    {"clip_norm", WK_CFG_REAL, OF(clip_norm), NULL, "1", 0, 1e6, NULL, NULL,
     "longest gradient over all parameters; 0: not clipped"},
    {"warmup_fraction", WK_CFG_REAL, OF(warmup_fraction), NULL, "0.1", 0, 1, NULL, NULL,
     "share of the updates in which the learning rate rises linearly, before the cosine"},
    {"label_smoothing", WK_CFG_REAL, OF(label_smoothing), NULL, "0.05", 0, 0.9, NULL, NULL,
     "share of a direction target spread over all classes"},
    {"huber_delta", WK_CFG_REAL, OF(huber_delta), NULL, "1", 1e-6, 1e6, NULL, NULL,
     "where the magnitude's loss turns from square to linear"},
    {"weight_direction", WK_CFG_REAL, OF(weight_direction), NULL, "1", 0, 1e6, NULL, NULL,
     "of the cross-entropy in the loss"},
    {"weight_magnitude", WK_CFG_REAL, OF(weight_magnitude), NULL, "0.5", 0, 1e6, NULL, NULL,
     "of the Huber loss of the magnitude in the loss"},
    {"weight_volatility", WK_CFG_REAL, OF(weight_volatility), NULL, "0.2", 0, 1e6, NULL, NULL,
     "of the QLIKE of the volatility in the loss"},
    {"learn_weights", WK_CFG_BOOL, OF(learn_weights), NULL, "false", 0, 0, NULL, NULL,
     "learn how much each loss counts from its uncertainty, instead of the three weights"},
    {"patience", WK_CFG_INT, OF(patience), NULL, "3", 0, 10000, NULL, NULL,
     "epochs without a better validation loss before training stops; 0: never"},
    {"seed", WK_CFG_INT, OF(seed), NULL, "1", 0, 0, NULL, NULL,
     "of dropout and the order of pieces"},
    {"precision", WK_CFG_ENUM, OF(precision), NULL, "\"fp32\"", 0, 0, "fp32|bf16|bf16x3", NULL,
     "what products of training are made in; weights stay fp32, bf16x3 keeps nearly all of it"},
    {0},
};

const wk_cfg_table wk_nn_train_config_table = {"train", "how a network is trained",
                                               sizeof(wk_nn_train_config), train_rows};
