#include "nn/precision.h"

#include "wick/nn.h"

enum { PACK_ROWS = 1024 }; /* of a task */

/* The deepest sum of a layer's products, forward or backward. */
static size_t depth_of(const wk__layer *l)
{
    const size_t kernel = l->config.kind == WK_NN_CONV1D || l->config.kind == WK_NN_TCN
                              ? (size_t)l->config.kernel
                              : 1,
                 gates = 4 * wk__pad(l->out), in = wk__pad(l->in);
    return kernel * ((gates > in ? gates : in) + WK__LOW_DEEP);
}

void wk__precision_build(wk_arena *arena, const wk__net *net, int precision, const float *packed,
                         size_t n_workers, wk__precision *out)
{
    wk__precision p = {.f32 = wk__nn_ops_best()};
    p.ops = *p.f32;
    if (precision != WK_NN_FP32) {
        wk__low low = {.base = packed, .n = net->n_packed};
        for (int k = 0; k < 2; k++) {
            low.high[k] = wk_arena_array(arena, uint16_t, net->n_packed + WK__LOW_SPARE);
            if (precision == WK_NN_BF16X3)
                low.low[k] = wk_arena_array(arena, uint16_t, net->n_packed + WK__LOW_SPARE);
        }
        for (size_t i = 0; i < net->n_layers; i++) {
            const size_t n = wk__low_scratch(depth_of(&net->layers[i]));
            low.n_scratch = n > low.n_scratch ? n : low.n_scratch;
        }
        p.products = wk__low_ops_at(0);
        p.ops.name = p.products->name;
        p.ops.gemm = p.products->gemm;
        p.ops.gemm_at = p.products->gemm_at;
        p.low = wk_arena_array(arena, wk__low, n_workers);
        for (size_t i = 0; i < n_workers; i++) {
            p.low[i] = low;
            p.low[i].scratch = wk_arena_array(arena, uint16_t, 2 * low.n_scratch);
        }
    }
    *out = p;
}

static void pack_part(void *context, size_t i, size_t worker)
{
    (void)worker;
    const wk__precision *p = context;
    const size_t first = i * PACK_ROWS, rows = p->low->n / WK__LANES,
                 end = first + PACK_ROWS < rows ? first + PACK_ROWS : rows;
    p->products->pack(p->low, first, end);
}

void wk__precision_pack(const wk__precision *p, wk__gang *gang)
{
    if (p->low)
        wk__gang_run(gang, (p->low->n / WK__LANES + PACK_ROWS - 1) / PACK_ROWS, pack_part,
                     (void *)p);
}

void wk__precision_use(const wk__precision *p, bool training, size_t worker, wk__run *run)
{
    const bool low = training && p->low;
    run->ops = low ? &p->ops : p->f32;
    run->low = low ? &p->low[worker] : NULL;
}

const char *wk_nn_fit_kernels(int precision)
{
    return precision == WK_NN_FP32 ? wk__nn_ops_best()->name : wk__low_ops_at(0)->name;
}
