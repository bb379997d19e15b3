/* Gates and elementwise functions of one instruction set; included by ops_<isa>.c. */

/* Block of 16 units at unit j of row b: their gates i, f, g, o stand 16 apart. */
#define GATES(b, j) (gates + ((b)*H + (j)) * 4)

static void lstm_cell(size_t B, size_t H, wk_real *gates, const wk_real *c_prev, wk_real *c,
                      wk_real *tanh_c, wk_real *h)
{
    for (size_t b = 0; b < B; b++)
        for (size_t j = 0; j < H; j += WK__LANES)
            for (size_t v = 0; v < WK__LANES; v += VW) {
                wk_real *q = GATES(b, j) + v;
                size_t at = b * H + j + v;
                V di = wk__vsigmoid_below(LD(q)), df = wk__vsigmoid_below(LD(q + WK__LANES));
                V dg, ng = wk__vtanh_parts(LD(q + 2 * WK__LANES), &dg);
                V d_o = wk__vsigmoid_below(LD(q + 3 * WK__LANES));
                V f = DIV(SET1(1), df);
                V now = FMA(f, LD(c_prev + at), DIV(ng, MUL(di, dg)));
                V dc, nc = wk__vtanh_parts(now, &dc);
                ST(c + at, now);
                ST(h + at, DIV(nc, MUL(d_o, dc)));
                if (!tanh_c)
                    continue;
                ST(q, DIV(SET1(1), di));
                ST(q + WK__LANES, f);
                ST(q + 2 * WK__LANES, DIV(ng, dg));
                ST(q + 3 * WK__LANES, DIV(SET1(1), d_o));
                ST(tanh_c + at, DIV(nc, dc));
            }
}

/* s (1 - s), the slope of the sigmoid from its value. */
static inline V sigmoid_slope(V s)
{
    return MUL(s, SUB(SET1(1), s));
}

/* 1 - t^2, the slope of tanh from its value. */
static inline V tanh_slope(V t)
{
    return SUB(SET1(1), MUL(t, t));
}

static void lstm_cell_back(size_t B, size_t H, wk_real *gates, const wk_real *c_prev,
                           const wk_real *tanh_c, const wk_real *dh, wk_real *dc)
{
    for (size_t b = 0; b < B; b++)
        for (size_t j = 0; j < H; j += WK__LANES)
            for (size_t v = 0; v < WK__LANES; v += VW) {
                wk_real *q = GATES(b, j) + v;
                size_t at = b * H + j + v;
                V i = LD(q), f = LD(q + WK__LANES), g = LD(q + 2 * WK__LANES);
                V o = LD(q + 3 * WK__LANES), t = LD(tanh_c + at), up = LD(dh + at);
                V cell = FMA(MUL(up, o), tanh_slope(t), LD(dc + at));
                ST(q, MUL(MUL(cell, g), sigmoid_slope(i)));
                ST(q + WK__LANES, MUL(MUL(cell, LD(c_prev + at)), sigmoid_slope(f)));
                ST(q + 2 * WK__LANES, MUL(MUL(cell, i), tanh_slope(g)));
                ST(q + 3 * WK__LANES, MUL(MUL(up, t), sigmoid_slope(o)));
                ST(dc + at, MUL(cell, f));
            }
}

static void gru_cell(size_t B, size_t H, wk_real *gx, const wk_real *gh, const wk_real *h_prev,
                     wk_real *h)
{
    for (size_t b = 0; b < B; b++)
        for (size_t j = 0; j < H; j += VW) {
            wk_real *x = gx + b * 3 * H + j;
            const wk_real *u = gh + b * 3 * H + j;
            size_t at = b * H + j;
            V r = wk__vsigmoid(ADD(LD(x), LD(u))), z = wk__vsigmoid(ADD(LD(x + H), LD(u + H)));
            V n = wk__vtanh(FMA(r, LD(u + 2 * H), LD(x + 2 * H)));
            ST(x, r);
            ST(x + H, z);
            ST(x + 2 * H, n);
            ST(h + at, FMA(z, SUB(LD(h_prev + at), n), n));
        }
}

static void gru_cell_back(size_t B, size_t H, wk_real *gx, wk_real *gh, const wk_real *h_prev,
                          wk_real *dh)
{
    for (size_t b = 0; b < B; b++)
        for (size_t j = 0; j < H; j += VW) {
            wk_real *x = gx + b * 3 * H + j, *u = gh + b * 3 * H + j;
            size_t at = b * H + j;
            V r = LD(x), z = LD(x + H), n = LD(x + 2 * H), up = LD(dh + at);
            V dn = MUL(MUL(up, SUB(SET1(1), z)), tanh_slope(n));
            V dz = MUL(MUL(up, SUB(LD(h_prev + at), n)), sigmoid_slope(z));
            V dr = MUL(MUL(dn, LD(u + 2 * H)), sigmoid_slope(r));
            ST(x, dr);
            ST(x + H, dz);
            ST(x + 2 * H, dn);
            ST(u, dr);
            ST(u + H, dz);
            ST(u + 2 * H, MUL(dn, r));
            ST(dh + at, MUL(up, z));
        }
}

static void relu(size_t n, const wk_real *x, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, MAX(SET1(0), LD(x + i)));
}

static void relu_back(size_t n, const wk_real *y, const wk_real *dy, wk_real *dx)
{
    for (size_t i = 0; i < n; i += VW) {
        V v = LD(dy + i);
        ST(dx + i, WHERE_POSITIVE(LD(y + i), v));
    }
}

static void tanh_all(size_t n, const wk_real *x, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, wk__vtanh(LD(x + i)));
}

static void tanh_back(size_t n, const wk_real *y, const wk_real *dy, wk_real *dx)
{
    for (size_t i = 0; i < n; i += VW)
        ST(dx + i, MUL(LD(dy + i), tanh_slope(LD(y + i))));
}

static void sigmoid_all(size_t n, const wk_real *x, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, wk__vsigmoid(LD(x + i)));
}

static void exp_all(size_t n, const wk_real *x, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, wk__vexp(LD(x + i)));
}

static void add_to(size_t n, const wk_real *x, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, ADD(LD(y + i), LD(x + i)));
}

static void add_relu(size_t n, const wk_real *x, const wk_real *r, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, MAX(SET1(0), ADD(LD(r + i), LD(x + i))));
}

/* The definition, and what is left of the vectors. */
static void adamw_rest(size_t n, const wk__adamw_step *s, const wk_real *g, wk_real *m, wk_real *v,
                       wk_real *p)
{
    const wk_real tiny = (wk_real)1e-30;
    for (size_t i = 0; i < n; i++) {
        wk_real gi = g[i] * s->scale, mi = s->b1 * m[i] + s->c1 * gi,
                vi = s->b2 * v[i] + s->c2 * gi * gi;
        mi = mi < tiny && mi > -tiny ? 0 : mi;
        vi = vi < tiny ? 0 : vi;
        m[i] = mi;
        v[i] = vi;
        p[i] = p[i] * s->keep - s->step * mi / (wk__sqrt(vi) * s->root + s->eps);
    }
}

static void adamw(size_t n, const wk__adamw_step *s, const wk_real *g, wk_real *m, wk_real *v,
                  wk_real *p)
{
    const size_t whole = n / VW * VW;
    const V tiny = SET1((wk_real)1e-30);
    for (size_t i = 0; i < whole; i += VW) {
        V gi = MUL(LD(g + i), SET1(s->scale));
        V mi = ADD(MUL(SET1(s->b1), LD(m + i)), MUL(SET1(s->c1), gi));
        V vi = ADD(MUL(SET1(s->b2), LD(v + i)), MUL(MUL(SET1(s->c2), gi), gi));
        mi = WHERE_LESS(MAX(mi, SUB(SET1(0), mi)), tiny, mi);
        vi = WHERE_LESS(vi, tiny, vi);
        ST(m + i, mi);
        ST(v + i, vi);
        V below = ADD(MUL(SQRT(vi), SET1(s->root)), SET1(s->eps));
        ST(p + i, SUB(MUL(LD(p + i), SET1(s->keep)), DIV(MUL(SET1(s->step), mi), below)));
    }
    adamw_rest(n - whole, s, g + whole, m + whole, v + whole, p + whole);
}

static void mul_by(size_t n, const wk_real *x, const wk_real *m, wk_real *y)
{
    for (size_t i = 0; i < n; i += VW)
        ST(y + i, MUL(LD(x + i), LD(m + i)));
}

#define WK__NN_OPS(isa)                                                                            \
    {                                                                                              \
        isa, gemm, gemm_at, col_sum, lstm_cell, lstm_cell_back, gru_cell, gru_cell_back, relu,     \
            relu_back, tanh_all, tanh_back, sigmoid_all, exp_all, add_to, add_relu, mul_by,        \
            window_mean, adamw, peak                                                               \
    }
