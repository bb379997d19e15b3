/* Networks as causal stream models: they see whole sequences in time order and give an output at
 * every bar; training is truncated back-propagation with carried state; inference is one step a
 * bar.
 *
 * A network is a stack of layers, f32, with one linear head of n_outputs at its end; or branches,
 * which are stacks side by side over the same input, concatenated and followed by such a stack:
 *   dense(n) | conv1d(n, kernel, dilation; causal) | lstm(n) | gru(n) | tcn(n, kernel, dilation; a
 * residual block of two weight-normed causal convolutions) | layer_norm | batch_norm | dropout(p;
 * locked: one mask a sequence) | relu | tanh | mean(n) (causal running mean over the last n
 * outputs) Gate order i, f, g, o (LSTM) and r, z, n (GRU) as PyTorch. */
#ifndef WICK_NN_H
#define WICK_NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wick/arena.h"
#include "wick/config.h"
#include "wick/err.h"

typedef enum {
    WK_NN_DENSE,
    WK_NN_CONV1D,
    WK_NN_LSTM,
    WK_NN_GRU,
    WK_NN_TCN,
    WK_NN_LAYER_NORM,
    WK_NN_DROPOUT,
    WK_NN_RELU,
    WK_NN_TANH,
    WK_NN_MEAN,
    WK_NN_BATCH_NORM
} wk_nn_layer_kind;

typedef struct {
    int kind;      /* wk_nn_layer_kind; in JSON "type" */
    int64_t units; /* dense, conv1d, lstm, gru, tcn; window of mean */
    int64_t kernel, dilation;
    double dropout; /* dropout, inside tcn, and of the state that lstm and gru carry (locked) */
    bool plain;     /* tcn: convolutions without weight norm */
    bool locked;    /* dropout: one mask for all bars of a sequence */
} wk_nn_layer_config;
extern const wk_cfg_table wk_nn_layer_config_table;

typedef struct {
    const char *name;   /* begins the names of its tensors: "lstm.0.weight_ih" */
    wk_sections layers; /* of wk_nn_layer_config */
} wk_nn_branch_config;

typedef struct {
    wk_sections branches; /* of wk_nn_branch_config; none: `layers` see the input */
    wk_sections layers;   /* after the branches' outputs beside each other; then the head */
} wk_nn_config;
extern const wk_cfg_table wk_nn_config_table;

/* The network that benchmarks and peers run: three branches over 32 inputs, 151,109 parameters with
 * WK_NN_HEADS outputs; as a window over 64 bars. */
enum { WK_NN_REFERENCE_INPUTS = 32, WK_NN_REFERENCE_BARS = 64 };
extern const wk_nn_config wk_nn_reference;

typedef struct wk_nn wk_nn; /* parameters, f32, canonical layout */

/* A network for F inputs and n_outputs, initialised by seed (uniform fan-in as PyTorch; forget-gate
 * bias 1). */
WK_MUST_CHECK wk_status wk_nn_create(const wk_nn_layer_config *layers, size_t n_layers, size_t F,
                                     size_t n_outputs, uint64_t seed, wk_nn **out, wk_err *err);
/* The same with branches; tensors of the common stack are then named "trunk.0.weight". */
WK_MUST_CHECK wk_status wk_nn_create_graph(const wk_nn_config *config, size_t F, size_t n_outputs,
                                           uint64_t seed, wk_nn **out, wk_err *err);
void wk_nn_destroy(wk_nn *nn);
size_t wk_nn_n_inputs(const wk_nn *nn);
size_t wk_nn_n_outputs(const wk_nn *nn);
size_t wk_nn_n_params(const wk_nn *nn);
/* Bars after which the output no longer depends on older input for convolutional stacks; for
 * recurrent layers the stated warm-up (4 x the truncation length by default). */
size_t wk_nn_receptive(const wk_nn *nn);

/* Named parameters, for golden tests and interchange: "0.weight_ih", "head.bias", ... */
size_t wk_nn_n_tensors(const wk_nn *nn);
void wk_nn_tensor(wk_nn *nn, size_t i, const char **name, float **values, size_t shape[3],
                  size_t *rank);

/* ---- the three heads of a trading branch ----
 * Outputs [5]: direction logits 0..2, magnitude, log-volatility. */
enum { WK_NN_HEADS = 5 };

/* One training sequence: a market's rows in time order. Borrowed. */
typedef struct {
    size_t T;
    const float *X;          /* [T, F], standardised, no NaN */
    const int8_t *direction; /* [T] 0..2, or -1: not in the loss */
    const float *magnitude;  /* [T] target in units of its scale, NaN: not in the loss */
    const float *volatility; /* [T] realised volatility > 0, NaN: not in the loss */
    const float *weight;     /* [T] sample weights or NULL */
    const uint8_t *in_train; /* [T] 1: loss counts in training */
    const uint8_t *in_valid; /* [T] 1: loss counts in validation; NULL: none */
} wk_nn_sequence;

/* What training multiplies in. Weights, sums, cells, losses and the optimiser are f32 throughout,
 * and validation and inference multiply in f32 whatever a network was trained in. The same bits on
 * every machine and for any number of threads; faster than f32 only where there is AMX. */
typedef enum {
    WK_NN_FP32,
    WK_NN_BF16,  /* operands rounded to bf16: relative errors of 2^-8 a term */
    WK_NN_BF16X3 /* operands split in two bf16 halves, three products: 2^-16 a term */
} wk_nn_precision;
/* The kernels of such products on this machine: "avx512", "avx2" or "c", and in bf16 "amx" too. */
const char *wk_nn_fit_kernels(int precision);

typedef struct {
    int64_t epochs, batch_sequences,
        truncation_bars; /* chunks of truncation_bars, state carried across them */
    double learning_rate, weight_decay, clip_norm,
        warmup_fraction; /* cosine schedule after a linear warm-up */
    double label_smoothing, huber_delta;
    double weight_direction, weight_magnitude,
        weight_volatility; /* of cross-entropy, Huber, QLIKE */
    bool learn_weights; /* as learn_task_weights of wk_nn_fit_config; the weights then are 1 each */
    int64_t patience;   /* epochs without a better validation loss; 0: off */
    int64_t seed;
    int precision; /* wk_nn_precision */
} wk_nn_train_config;
extern const wk_cfg_table wk_nn_train_config_table;

enum { WK_NN_TASKS_MAX = 16 };

typedef struct {
    size_t n;                        /* epochs done */
    double *train_loss, *valid_loss; /* [n]; valid_loss is NaN without validation targets */
    size_t best_epoch;               /* 1-based */
    size_t n_tasks;                  /* of learned weights, else 0 */
    double task_log_variance[WK_NN_TASKS_MAX]; /* at the end */
} wk_nn_log;
void wk_nn_log_finish(wk_nn_log *log);

/* Trains in place; with validation rows and patience the best weights are restored. class_weight
 * [3] or NULL. Same bits for any number of threads. Refuses NaN in X and says where. A diverging
 * loss is an error that helps, and on any failure the weights are those of before. log may be NULL.
 *   Each sequence's span from its first to its last in_train row is cut into pieces; about
 * batch_sequences of them run side by side. Validation pieces are warmed up by wk_nn_receptive
 * bars. Loss: weighted sum of softmax cross-entropy (class weights and smoothing as PyTorch),
 * Huber, and QLIKE r / v - log(r / v) - 1 with r = volatility^2, v = exp(2 out), out clamped to
 * [-20, 20]; each divided by its own sum of weights in the chunk. Output 4 thus is log volatility;
 * in the first training of a network its bias starts at the log of the training rows' root mean
 * square. AdamW: betas 0.9 and 0.999, eps 1e-8; matrices and kernels decay, biases, gains and norms
 * do not. */
WK_MUST_CHECK wk_status wk_nn_train(wk_nn *nn, const wk_nn_train_config *config,
                                    const wk_nn_sequence *sequences, size_t n_sequences,
                                    const float *class_weight, int threads, wk_nn_log *log,
                                    wk_err *err);

/* ---- training on arrays of one's own ---- */
typedef enum {
    WK_NN_CROSS_ENTROPY, /* outputs: logits of the classes */
    WK_NN_FOCAL,         /* the same; -(1 - p)^gamma log p (Lin et al. 2017) */
    WK_NN_MSE,           /* an output a target */
    WK_NN_HUBER,
    WK_NN_PINBALL,   /* an output a quantile of each target */
    WK_NN_GAUSSIAN,  /* mean and log of the deviation of each target: negative log-likelihood */
    WK_NN_STUDENT_T, /* the same with fixed degrees of freedom, without its constant */
    WK_NN_TRADING    /* the three heads: targets are direction, magnitude, volatility */
} wk_nn_loss_kind;

typedef struct {
    int loss; /* wk_nn_loss_kind */
    double label_smoothing, focal_gamma, huber_delta, degrees_of_freedom;
    wk_reals quantiles;
    bool balanced; /* classes weigh 1 / their share */
    int64_t epochs, batch;
    int optimiser; /* 0 AdamW, 1 RMSprop */
    int schedule;  /* 0 constant, 1 cosine, 2 step */
    double learning_rate, weight_decay, clip_norm, warmup_fraction, step_factor;
    int64_t step_epochs, patience, seed;
    bool shuffle;
    int precision; /* wk_nn_precision */
    /* Tasks: the three heads of trading, or with one of these two keys each target of a regression.
     * The loss is the sum of each task's mean times its weight (none given: of the heads 1, 0.5,
     * 0.2). Learned (Kendall, Gal & Cipolla 2018): the gradient is that of the sum of weight (c
     * exp(-s) loss + s / 2) with a log variance s for each task from 0 on, in [-10, 10], c 1/2 for
     * mse and else 1; the weights are then 1 unless given, and the losses told are without s. */
    wk_reals task_weights;
    bool learn_task_weights;
} wk_nn_fit_config;
extern const wk_cfg_table wk_nn_fit_config_table;

/* N sequences of T bars. Borrowed. */
typedef struct {
    size_t N, T, F; /* F as the network's inputs */
    const float *X; /* [N, T, F], no NaN */
    size_t S, K;    /* S: 1, targets of a sequence's last bar, or T, of each bar; K targets */
    const float *y; /* [N, S, K]; NaN: not in the loss. With classes K = 1 and y is 0, 1, ... */
    const float *weight; /* [N] or NULL */
    size_t first;        /* what messages call sequence 0: its place in the caller's data */
} wk_nn_array;

/* Outputs that a network needs for `n` targets, or classes. */
size_t wk_nn_fit_outputs(const wk_nn_fit_config *config, size_t n);

typedef struct {
    size_t epoch, epochs, batches; /* done; of them; batches done in all */
    double train_loss, valid_loss; /* of the epoch; NaN without validation */
    double learning_rate;          /* of the last batch */
} wk_nn_fit_progress;

typedef struct {
    int threads;
    bool all_positions;     /* compute what no output needs too: to measure what that costs */
    const char *checkpoint; /* file written after every epoch, or NULL */
    bool resume;            /* go on from the checkpoint if there is one */
    size_t batches_max;     /* stop after so many batches; 0: no limit */
    void (*on_batch)(void *context, size_t batch, double loss); /* may be NULL */
    void (*on_epoch)(void *context, const wk_nn_fit_progress *progress);
    void *context;
} wk_nn_fit_options;

/* Trains in place on whole windows from fresh states. Same bits for any number of threads, and for
 * a training that was killed and resumed from its checkpoint. With validation and patience the
 * weights of the best epoch are restored. Refuses NaN in X, targets out of range and shapes that do
 * not fit, and says where; a diverging loss is an error, and on any failure the weights are those
 * of before. log may be NULL. */
WK_MUST_CHECK wk_status wk_nn_fit(wk_nn *nn, const wk_nn_fit_config *config,
                                  const wk_nn_array *train, const wk_nn_array *valid,
                                  const wk_nn_fit_options *options, wk_nn_log *log, wk_err *err);
/* Outputs of sequences: out [N, S, n_outputs], S 1 or T. */
WK_MUST_CHECK wk_status wk_nn_apply(const wk_nn *nn, const wk_nn_array *data, int threads,
                                    float *out, wk_err *err);
/* Mean loss over an array. */
WK_MUST_CHECK wk_status wk_nn_evaluate(const wk_nn *nn, const wk_nn_fit_config *config,
                                       const wk_nn_array *data, int threads, double *loss,
                                       wk_err *err);

/* ---- inference ---- */
typedef struct wk_nn_plan
    wk_nn_plan; /* packed weights and chosen kernels; immutable; many threads */
typedef struct wk_nn_state wk_nn_state; /* carried state of one stream */

WK_MUST_CHECK wk_status wk_nn_plan_build(wk_arena *arena, const wk_nn *nn, wk_nn_plan **out,
                                         wk_err *err);
/* The instruction set of the chosen kernels: "avx512", "avx2" or "c". All give equal bits. */
const char *wk_nn_plan_kernels(const wk_nn_plan *plan);
wk_nn_state *wk_nn_state_create(wk_arena *arena, const wk_nn_plan *plan);
/* The same in a quarter of the memory or less, for a stream that goes bar by bar: a sequence gives
 * the same bits, only more slowly. */
wk_nn_state *wk_nn_stepper_create(wk_arena *arena, const wk_nn_plan *plan);
void wk_nn_state_reset(const wk_nn_plan *plan, wk_nn_state *state);
void wk_nn_state_copy(const wk_nn_plan *plan, wk_nn_state *to, const wk_nn_state *from);
/* One bar: x [F] -> out [n_outputs]. No allocation, lock or system call. */
void wk_nn_step(const wk_nn_plan *plan, wk_nn_state *state, const float *x, float *out);
/* The same in two parts: what the answer waits for, and what can be done before the next bar. Every
 * wk_nn_answer must be followed by wk_nn_prepare before anything else is done with the state. */
void wk_nn_answer(const wk_nn_plan *plan, wk_nn_state *state, const float *x, float *out);
void wk_nn_prepare(const wk_nn_plan *plan, wk_nn_state *state);
/* A whole sequence from a fresh state: equal bit for bit to stepping. X [T, F] -> out [T,
 * n_outputs]. */
void wk_nn_sequence_forward(const wk_nn_plan *plan, wk_nn_state *state, const float *X, size_t T,
                            float *out);

/* Fixed windows of T bars: only the positions that the last bar's output needs are computed. Equal
 * bit for bit to the last output of wk_nn_sequence_forward. The scratch belongs to one caller at a
 * time. */
typedef struct wk_nn_window wk_nn_window;
WK_MUST_CHECK wk_status wk_nn_window_build(wk_arena *arena, const wk_nn_plan *plan, size_t T,
                                           wk_nn_window **out, wk_err *err);
/* X [T, F] -> out [n_outputs]. No allocation, lock or system call. */
void wk_nn_window_forward(const wk_nn_plan *plan, wk_nn_window *window, const float *X, float *out);

/* ---- what a plan chose ----
 * Flops: a multiply-add of the layers' matrices is two, an addition of a mean one, over unpadded
 * shapes; biases, norms and functions are left out. Those of a window count the positions that are
 * computed. */
typedef struct {
    char name[96],
        shape[64]; /* "tcn.0" as its tensors begin; "tcn(64, 3, 1)": units, kernel, dilation */
    const char *kernels;      /* "gemm, lstm_cell"; "c": plain loops; "copy": nothing to compute */
    size_t in, out, n_params; /* channels */
    size_t packed_bytes;      /* padded, and with what training reads */
    size_t positions;         /* computed in a window */
    size_t flops_step, flops_window;
} wk_plan_layer;

typedef struct {
    const char *isa; /* as wk_nn_plan_kernels */
    size_t F, n_outputs, n_params, T, n_layers, packed_bytes;
    size_t plan_bytes, state_bytes, window_bytes; /* of their arenas */
    size_t flops_step, flops_window;              /* a bar in a stream; the last bar of a window */
    const wk_plan_layer *layers; /* [n_layers] in the order they run, the head last */
} wk_plan_description;

/* For windows of T bars; 0: none, and what concerns windows is 0. The layers lie in `arena`. */
WK_MUST_CHECK wk_status wk_plan_describe(wk_arena *arena, const wk_nn_plan *plan, size_t T,
                                         wk_plan_description *out, wk_err *err);

/* safetensors with the layer list in __metadata__. A file that is cut, overlaps, does not match its
 * layers or holds numbers that are not finite is refused, and the message names the tensor. */
WK_MUST_CHECK wk_status wk_nn_save(const wk_nn *nn, const char *path, wk_err *err);
WK_MUST_CHECK wk_status wk_nn_load(const char *path, wk_nn **out, wk_err *err);

/* As ONNX (IR 8, opset 17). Inputs X [N, T, F] and outputs Y [N, n_outputs] of the last bar, or
 * with every_bar [N, T, n_outputs]; or one bar, X [N, F] and Y [N, n_outputs], where each state is
 * an input NAME and an output NAME.next, and zeros are a fresh stream. N and T are free. Dropout is
 * left out and weight norm folded. */
typedef struct {
    const float *mean, *scale; /* [F]: the graph sees (x - mean) / scale; NULL: x */
    size_t
        n_classes; /* so many outputs, the first ones, are logits: the graph gives probabilities */
    const bool *logs; /* [n_outputs]: the graph gives the exponential of these; NULL: of none */
    bool every_bar;
} wk_nn_onnx;
/* options may be NULL: raw outputs of the last bar. */
WK_MUST_CHECK wk_status wk_nn_save_onnx_window(const wk_nn *nn, const wk_nn_onnx *options,
                                               const char *path, wk_err *err);
WK_MUST_CHECK wk_status wk_nn_save_onnx_step(const wk_nn *nn, const wk_nn_onnx *options,
                                             const char *path, wk_err *err);

#endif
