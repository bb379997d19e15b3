#include "pace.h"

int64_t wk__pace_take(wk_pace *pace, double weight, int64_t now_ns)
{
    if (pace->time_ns == 0) {
        pace->level = pace->burst;
        pace->time_ns = now_ns;
    }
    if (now_ns > pace->time_ns) {
        pace->level += (double)(now_ns - pace->time_ns) * 1e-9 * pace->rate_per_s;
        if (pace->level > pace->burst)
            pace->level = pace->burst;
        pace->time_ns = now_ns;
    }
    pace->level -= weight; /* below zero: the debt is waited for */
    if (pace->level >= 0 || pace->rate_per_s <= 0)
        return 0;
    return (int64_t)(-pace->level / pace->rate_per_s * 1e9);
}

int64_t wk__pace_backoff(int n, int64_t base_ns, int64_t most_ns, int64_t asked_ns, double chance)
{
    int64_t wait_ns = base_ns;
    for (int i = 1; i < n && wait_ns < most_ns; i++)
        wait_ns *= 2;
    if (wait_ns > most_ns)
        wait_ns = most_ns;
    wait_ns = wait_ns / 2 + (int64_t)(chance * (double)(wait_ns - wait_ns / 2));
    if (asked_ns >= 0) {
        asked_ns += (int64_t)(chance * (double)base_ns / 10);
        if (asked_ns > wait_ns)
            wait_ns = asked_ns;
    }
    return wait_ns;
}
