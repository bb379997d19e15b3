#include "wick/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "wick/clock.h"

static wk_log_level level_max = WK_LOG_INFO;

void wk_log_set_level(wk_log_level level)
{
    level_max = level;
}

void wk_log_write(wk_log_level level, const char *topic, const char *fmt, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > level_max)
        return;
    char line[2048], ts[32];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    fprintf(stderr, "ts=%s level=%s topic=%s %s\n", wk_time_format(wk_clock_wall_ns(), ts),
            names[level], topic, line);
}

void wk_progress(const char *what, uint64_t done, uint64_t total)
{
    static const char *current;
    static int64_t start_ns, shown_ns;
    int64_t now = wk_clock_monotonic_ns();
    if (what != current || done == 0) {
        current = what;
        start_ns = now;
        shown_ns = 0;
    }
    double elapsed_s = (double)(now - start_ns) * 1e-9;
    if (elapsed_s < 2.0 || !isatty(STDERR_FILENO))
        return;
    if (now - shown_ns < WK_NS_PER_S / 5 && done != total)
        return;
    shown_ns = now;
    double rate = (double)done / elapsed_s;
    fprintf(stderr, "\r%s %llu/%llu  %.4g/s  %.0f s left \033[K%s", what, (unsigned long long)done,
            (unsigned long long)total, rate, rate > 0 ? (double)(total - done) / rate : 0.0,
            done == total ? "\n" : "");
}
