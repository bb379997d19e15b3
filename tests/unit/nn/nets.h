/* Networks that several tests run. */
#ifndef WK_TEST_NN_NETS_H
#define WK_TEST_NN_NETS_H

#include "wick/nn.h"

/* The reference network of the design: three branches over 32 features, 151,109 parameters with
 * five outputs. */
static wk_nn_layer_config reference_cnn[] = {
    {WK_NN_CONV1D, .units = 64, .kernel = 3, .dilation = 1},
    {WK_NN_RELU},
    {WK_NN_CONV1D, .units = 64, .kernel = 3, .dilation = 1},
    {WK_NN_RELU},
    {WK_NN_MEAN, .units = 64}};
static wk_nn_layer_config reference_lstm[] = {{WK_NN_LSTM, .units = 64}};
static wk_nn_layer_config reference_tcn[] = {
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 1, .plain = true},
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 2, .plain = true},
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 4, .plain = true},
    {WK_NN_TCN, .units = 64, .kernel = 3, .dilation = 8, .plain = true}};
static wk_nn_layer_config reference_trunk[] = {{WK_NN_DENSE, .units = 64}, {WK_NN_RELU}};
static wk_nn_branch_config reference_branches[] = {
    {"cnn", {reference_cnn, 5}}, {"lstm", {reference_lstm, 1}}, {"tcn", {reference_tcn, 4}}};
static const wk_nn_config reference_net = {{reference_branches, 3}, {reference_trunk, 2}};

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
