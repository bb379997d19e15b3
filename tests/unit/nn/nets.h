/* Networks that several tests run. */
#ifndef WK_TEST_NN_NETS_H
#define WK_TEST_NN_NETS_H

#include "wick/nn.h"

/* Small branches of odd widths, an empty one among them, with layers that remember in the trunk. */
static wk_nn_layer_config odd_a[] = {
    {WK_NN_RELU}, {WK_NN_CONV1D, .units = 5, .kernel = 3, .dilation = 2}, {WK_NN_TANH}};
static wk_nn_layer_config odd_b[] = {{WK_NN_GRU, .units = 3},
                                     {WK_NN_LAYER_NORM},
                                     {WK_NN_TCN, .units = 4, .kernel = 2, .dilation = 3}};
static wk_nn_layer_config odd_c[] = {{WK_NN_DROPOUT, .dropout = 0.3}};
static wk_nn_layer_config odd_trunk[] = {
    {WK_NN_CONV1D, .units = 6, .kernel = 2, .dilation = 2}, {WK_NN_RELU}, {WK_NN_MEAN, .units = 3}};
static wk_nn_branch_config odd_branches[] = {
    {"a", {odd_a, 3}}, {"b", {odd_b, 3}}, {"empty", {NULL, 0}}, {"c", {odd_c, 1}}};
static const wk_nn_config odd_net = {{odd_branches, 4}, {odd_trunk, 3}};

#endif
