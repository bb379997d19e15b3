/* What training multiplies in. With bf16 the weights stay in f32: every update makes their bf16
 * halves anew, products round the activations on the way, sums and everything else are f32. */
#ifndef WK_NN_PRECISION_H
#define WK_NN_PRECISION_H

#include "nn/gang.h"
#include "nn/kernels/low.h"
#include "nn/net.h"

typedef struct {
    const wk__nn_ops *f32;
    wk__nn_ops ops;              /* with the products of the precision */
    const wk__low_ops *products; /* NULL: f32 */
    wk__low *low;                /* [n_workers], or NULL */
} wk__precision;

/* precision as in wk_nn_fit_config. packed [net->n_packed] is what wk__net_pack fills. */
void wk__precision_build(wk_arena *arena, const wk__net *net, int precision, const float *packed,
                         size_t n_workers, wk__precision *out);
/* After every wk__net_pack. */
void wk__precision_pack(const wk__precision *precision, wk__gang *gang);
/* Products of a worker in training; outside of it f32. */
void wk__precision_use(const wk__precision *precision, bool training, size_t worker, wk__run *run);

#endif
