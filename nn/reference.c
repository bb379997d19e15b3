#include "wick/nn.h"

static wk_nn_layer_config cnn[] = {{WK_NN_CONV1D, .units = 64, .kernel = 3, .dilation = 1},
                                   {WK_NN_RELU},
                                   {WK_NN_CONV1D, .units = 64, .kernel = 3, .dilation = 1},
                                   {WK_NN_RELU},
                                   {WK_NN_MEAN, .units = WK_NN_REFERENCE_BARS}};
static wk_nn_layer_config lstm[] = {{WK_NN_LSTM, .units = 64}};
static wk_nn_layer_config tcn[] = {
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 1, .plain = true},
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 2, .plain = true},
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 4, .plain = true},
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 8, .plain = true}};
static wk_nn_layer_config trunk[] = {{WK_NN_DENSE, .units = 64}, {WK_NN_RELU}};
static wk_nn_branch_config branches[] = {{"cnn", {cnn, sizeof cnn / sizeof *cnn}},
                                         {"lstm", {lstm, sizeof lstm / sizeof *lstm}},
                                         {"tcn", {tcn, sizeof tcn / sizeof *tcn}}};

const wk_nn_config wk_nn_reference = {{branches, sizeof branches / sizeof *branches},
                                      {trunk, sizeof trunk / sizeof *trunk}};
