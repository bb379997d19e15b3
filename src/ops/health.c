#include "health.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

wk_health wk_health_of(long pid)
{
    wk_health h = {0};
    char path[64], line[1024] = "";
    double up = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(line, 1, sizeof line - 1, f) : 0;
    if (f)
        fclose(f);
    line[n] = 0;
    /* The name stands in brackets and may hold anything; the numbers begin after the last one. */
    const char *name = strchr(line, '('), *rest = strrchr(line, ')');
    if (!name || !rest || strncmp(name + 1, "wick", 4) != 0)
        return h;
    unsigned long long user, system, start;
    long pages;
    if (sscanf(rest + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %*d %*d %llu "
               "%*u %ld",
               &user, &system, &start, &pages) != 4)
        return h;
    f = fopen("/proc/uptime", "re");
    if (!f || fscanf(f, "%lf", &up) != 1)
        up = 0;
    if (f)
        fclose(f);
    double tick = (double)sysconf(_SC_CLK_TCK), life = up - (double)start / tick;
    h.runs = true;
    h.cpu_s = (double)(user + system) / tick;
    h.uptime_s = life > 0 ? (int64_t)life : 0;
    h.cpu_share = life > 0 ? h.cpu_s / life : 0;
    h.rss_bytes = (int64_t)pages * sysconf(_SC_PAGESIZE);
    return h;
}
