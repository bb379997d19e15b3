/* A simulated market with a planted edge.
 *
 * Bar t + 1 of market s: r = m + sigma z, where z mixes a common and an own shock, both a
 * two-variance mixture of normals (kurtosis 4.9), and sigma^2 is a GARCH(1,1) of the market's own
 * shocks. The mean is m = edge * sigma * g(u, v) / G g = -clip(u, 2) * (0.6 - 0.9 * clip(v *
 * sign(u), 1)) with u the market's last eight returns and v the leader's (market 0's) last four,
 * each over the sigma of the coming bar and the root of its length. So a market that moved against
 * or without its leader overreacted and comes back; one that the leader took along runs on a
 * little. A linear model sees only the mean of the two; the edge outlives a bar or two of delay. */
#include "wick/synthetic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "wick/clock.h"
#include "wick/math.h"
#include "wick/rng.h"

enum { INTRABAR = 12, STREAMS = 8, OWN_BARS = 8, LEADER_BARS = 4 };
enum { DRAW_COMMON, DRAW_COMMON_WIDTH, DRAW_OWN, DRAW_OWN_WIDTH, DRAW_PATH, DRAW_VOLUME };

static const double ALPHA = 0.07, BETA = 0.91, VARIANCE_CAP = 25.0;
static const double LEADER_LOAD = 0.95, OTHER_LOAD = 0.75; /* correlation with the common shock */
/* Root mean squares of sigma * g over that of sigma without an edge, measured over 2 M bars; with
 * them the correlation of mean and return is the edge. */
static const double G_LEADER = 0.40, G_OTHER = 0.52;
static const double PRICE_SCALE = 1e6, VOLUME_SCALE = 1e3; /* six and three decimals */

typedef struct {
    double log_price, close, variance; /* variance: of the coming bar */
    double returns[OWN_BARS];          /* newest first */
} market;

static double clip(double x, double bound)
{
    return x > bound ? bound : x < -bound ? -bound : x;
}

static uint64_t stream_of(size_t s, int draw)
{
    return (uint64_t)s * STREAMS + (uint64_t)draw;
}

/* Unit variance with fat tails: four bars in five are calm. */
static double fat_normal(uint64_t seed, size_t s, int draw, uint64_t t)
{
    int calm = wk_rng_uniform(seed, stream_of(s, draw + 1), t) < 0.8;
    return wk_rng_normal(seed, stream_of(s, draw), t) * sqrt(calm ? 0.6 : 2.6);
}

/* The last n returns together, over the root of n. */
static double recent(const market *m, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += m->returns[i];
    return sum / sqrt((double)n);
}

static double planted(const market *m, const market *leader, int is_leader)
{
    double sigma = sqrt(m->variance);
    double u = recent(m, OWN_BARS) / sigma,
           v = recent(leader, LEADER_BARS) / sqrt(leader->variance);
    double toward = u < 0 ? -v : v;
    return -clip(u, 2) * (0.6 - 0.9 * clip(toward, 1)) / (is_leader ? G_LEADER : G_OTHER);
}

/* An integer over a power of ten, as the number's decimal text would be read; at least the
 * smallest. */
static double rounded(double x, double scale)
{
    int64_t n = (int64_t)(x * scale + 0.5);
    return (double)(n < 1 ? 1 : n) / scale;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double tick_price(double log_price)
{
    return rounded(wk_exp(log_price), PRICE_SCALE);
}

/* A bridge of intrabar steps from 0 to r gives the extremes. */
static void walk_bar(const wk_synthetic_params *p, size_t s, uint64_t t, double r, double sigma,
                     market *m, wk_bar *bar)
{
    double steps[INTRABAR], sum = 0;
    double step_sigma = sigma / sqrt((double)INTRABAR);
    for (int i = 0; i < INTRABAR; i++) {
        steps[i] = step_sigma *
                   wk_rng_normal(p->seed, stream_of(s, DRAW_PATH), t * INTRABAR + (uint64_t)i);
        sum += steps[i];
    }
    double at = 0, high = r > 0 ? r : 0, low = r < 0 ? r : 0;
    for (int i = 0; i < INTRABAR; i++) {
        at += steps[i] + (r - sum) / INTRABAR;
        high = at > high ? at : high;
        low = at < low ? at : low;
    }
    bar->open = m->close;
    bar->high = tick_price(m->log_price + high);
    bar->low = tick_price(m->log_price + low);
    m->log_price += r;
    m->close = tick_price(m->log_price);
    bar->close = m->close;
    bar->high = larger(bar->high, larger(bar->open, bar->close));
    bar->low = smaller(bar->low, smaller(bar->open, bar->close));
    double activity = 0.5 + fabs(r) / sigma;
    double noise = wk_exp(0.4 * wk_rng_normal(p->seed, stream_of(s, DRAW_VOLUME), t));
    bar->volume = rounded(1000.0 * activity * noise * sigma / p->sigma_bar, VOLUME_SCALE);
}

static void simulate(const wk_synthetic_params *p, market *markets, wk_panel *panel, double *mean)
{
    double long_run = p->sigma_bar * p->sigma_bar;
    for (size_t t = 0; t < p->T; t++) {
        double common = fat_normal(p->seed, p->S, DRAW_COMMON, t);
        market leader = markets[0]; /* as it stood at the close before this bar */
        for (size_t s = 0; s < p->S; s++) {
            market *m = &markets[s];
            size_t cell = t * p->S + s;
            double load = s == 0 ? LEADER_LOAD : OTHER_LOAD;
            double z = load * common + sqrt(1 - load * load) * fat_normal(p->seed, s, DRAW_OWN, t);
            double sigma = sqrt(m->variance);
            double r = p->edge * sigma * planted(m, &leader, s == 0) + sigma * z;
            panel->bars[cell].time_ns = p->start_ns + (int64_t)t * p->timeframe_ns;
            walk_bar(p, s, t, r, sigma, m, &panel->bars[cell]);
            double shock = sigma * z;
            m->variance =
                (1 - ALPHA - BETA) * long_run + ALPHA * shock * shock + BETA * m->variance;
            m->variance = smaller(m->variance, VARIANCE_CAP * long_run);
            for (int i = OWN_BARS - 1; i > 0; i--)
                m->returns[i] = m->returns[i - 1];
            m->returns[0] = r;
        }
        for (size_t s = 0; mean && s < p->S; s++)
            mean[t * p->S + s] =
                p->edge * sqrt(markets[s].variance) * planted(&markets[s], &markets[0], s == 0);
    }
}

wk_status wk_synthetic_panel(const wk_synthetic_params *params, wk_panel *out, double *mean,
                             wk_err *err)
{
    const wk_synthetic_params *p = params;
    if (p->S < 1 || p->S > 10000 || p->T < 1 || p->T > (size_t)INT32_MAX ||
        p->timeframe_ns < WK_NS_PER_S)
        return wk_fail(err, WK_E_ARG,
                       "a simulated market of %zu symbols, %zu bars of %lld ns; choose 1 to 10000 "
                       "symbols, at least one bar and one second",
                       p->S, p->T, (long long)p->timeframe_ns);
    if (!(p->sigma_bar > 0 && p->sigma_bar <= 0.2) || !(fabs(p->edge) <= 1))
        return wk_fail(err, WK_E_ARG,
                       "simulated volatility %g and edge %g; choose above 0 to 0.2, and -1 to 1",
                       p->sigma_bar, p->edge);
    if (p->sigma_bar * sqrt((double)p->T) > 5)
        return wk_fail(
            err, WK_E_ARG,
            "%zu simulated bars of volatility %g would carry prices out of range; choose "
            "fewer or calmer ones",
            p->T, p->sigma_bar);
    wk_panel panel = {
        .T = p->T, .S = p->S, .timeframe_ns = p->timeframe_ns, .start_ns = p->start_ns};
    panel.symbols = calloc(p->S, sizeof *panel.symbols);
    panel.bars = calloc(p->T, p->S * sizeof *panel.bars);
    panel.provenance = calloc(p->T, p->S);
    market *markets = calloc(p->S, sizeof *markets);
    if (!panel.symbols || !panel.bars || !panel.provenance || !markets) {
        free(markets);
        wk_panel_finish(&panel);
        return wk_fail(err, WK_E_NOMEM, "out of memory for %zu simulated bars", p->T);
    }
    for (size_t s = 0; s < p->S; s++) {
        snprintf(panel.symbols[s], sizeof panel.symbols[s], "SYN%zu", s);
        markets[s].log_price = wk_log(100.0);
        markets[s].close = 100.0;
        markets[s].variance = p->sigma_bar * p->sigma_bar;
    }
    simulate(p, markets, &panel, mean);
    free(markets);
    *out = panel;
    return WK_OK;
}
