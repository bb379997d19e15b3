/* Oscillators with TA-Lib's values: RSI, MACD (in units of close times sigma), stochastics,
 * Williams %R, CCI, ROC, money flow and directional movement. */
#include "data/features/engine.h"
#include "data/features/indicator_flow.h"

enum { N_COLUMNS = 16 };

typedef struct {
    bool ready;
    wk_ind_rsi rsi7, rsi14, rsi28;
    wk_ind_macd macd;
    wk_ind_stoch stoch;
    wk_ind_willr willr;
    wk_ind_cci cci;
    wk_ind_roc roc10, roc30;
    wk_ind_mfi mfi;
    wk_ind_adx adx;
    double value[N_COLUMNS];
} oscillator;

static void columns(wk_features *f)
{
    static const char *const names[N_COLUMNS] = {
        "macd",    "macd_signal", "macd_hist", "rsi7",  "rsi14", "rsi28", "stoch_k", "stoch_d",
        "willr28", "cci14",       "roc10",     "roc30", "mfi14", "adx14", "pdi14",   "mdi14"};
    for (int i = 0; i < N_COLUMNS; i++)
        wk__column(f, "osc.%s", names[i]);
}

static void init(oscillator *m)
{
    wk_ind_rsi_init(&m->rsi7, 7);
    wk_ind_rsi_init(&m->rsi14, 14);
    wk_ind_rsi_init(&m->rsi28, 28);
    wk_ind_macd_init(&m->macd, 12, 26, 9);
    wk_ind_stoch_init(&m->stoch, 14, 3, 3);
    wk_ind_willr_init(&m->willr, 28);
    wk_ind_cci_init(&m->cci, 14);
    wk_ind_roc_init(&m->roc10, 10);
    wk_ind_roc_init(&m->roc30, 30);
    wk_ind_mfi_init(&m->mfi, 14);
    wk_ind_adx_init(&m->adx, 14);
    for (int i = 0; i < N_COLUMNS; i++)
        m->value[i] = NAN;
    m->ready = true;
}

static void update(const wk__cell *x, void *state, void *ring)
{
    oscillator *m = state;
    (void)ring;
    if (!m->ready)
        init(m);
    if (x->c != x->c)
        return;
    double h = x->h, l = x->l, c = x->c, *value = m->value;
    wk_ind_macd_value macd = wk_ind_macd_push(&m->macd, c);
    *value++ = macd.line;
    *value++ = macd.signal;
    *value++ = macd.histogram;
    *value++ = wk_ind_rsi_push(&m->rsi7, c);
    *value++ = wk_ind_rsi_push(&m->rsi14, c);
    *value++ = wk_ind_rsi_push(&m->rsi28, c);
    wk_ind_stoch_value stoch = wk_ind_stoch_push(&m->stoch, h, l, c);
    *value++ = stoch.k;
    *value++ = stoch.d;
    *value++ = wk_ind_willr_push(&m->willr, h, l, c);
    *value++ = wk_ind_cci_push(&m->cci, h, l, c);
    *value++ = wk_ind_roc_push(&m->roc10, c);
    *value++ = wk_ind_roc_push(&m->roc30, c);
    *value++ = wk_ind_mfi_push(&m->mfi, h, l, c, x->v);
    wk_ind_adx_value adx = wk_ind_adx_push(&m->adx, h, l, c);
    *value++ = adx.adx;
    *value++ = adx.plus;
    *value++ = adx.minus;
}

static void emit(const wk__cell *x, const void *state, const void *ring, const void *scratch,
                 double *row)
{
    const oscillator *m = state;
    (void)ring;
    (void)scratch;
    for (int i = 0; i < 3; i++)
        row[i] = m->value[i] / (x->c * x->sd);
    for (int i = 3; i < N_COLUMNS; i++)
        row[i] = x->c == x->c ? m->value[i] : NAN;
}

const wk__family wk__family_oscillator = {
    .name = "oscillator",
    .state_bytes = sizeof(oscillator),
    .columns = columns,
    .update = update,
    .emit = emit,
};
