#include "wick/metrics.h"

#define DAY_NS (86400 * (int64_t)1000000000)

/* The day whose end a close at `close_ns` still belongs to, rounding down before 1970 as well. */
static int64_t day_of_close(int64_t close_ns)
{
    int64_t t = close_ns - 1;
    return t >= 0 ? t / DAY_NS : -((-t + DAY_NS - 1) / DAY_NS);
}

size_t wk_daily_count(int64_t first_close_ns, int64_t last_close_ns)
{
    return (size_t)(day_of_close(last_close_ns) - day_of_close(first_close_ns) + 1);
}

size_t wk_daily_returns(const int64_t *time_ns, const double *equity, size_t n, double start,
                        double *returns, int64_t *day_ns, double *equity_out)
{
    if (n == 0)
        return 0;
    int64_t first = day_of_close(time_ns[0]);
    size_t days = wk_daily_count(time_ns[0], time_ns[n - 1]), i = 0;
    double before = start > 0 ? start : 0;
    for (size_t d = 0; d < days; d++) {
        double now = before;
        for (; i < n && day_of_close(time_ns[i]) <= first + (int64_t)d; i++)
            now = now > 0 && equity[i] > 0 ? equity[i] : 0; /* ruin is for good */
        if (returns)
            returns[d] = before > 0 ? now / before - 1 : 0;
        if (day_ns)
            day_ns[d] = (first + (int64_t)d) * DAY_NS;
        if (equity_out)
            equity_out[d] = now;
        before = now;
    }
    return days;
}
