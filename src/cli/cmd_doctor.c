/* wick doctor: can this machine run wick well, and if not, why? */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli_internal.h"
#include "wick/clock.h"
#include "wick/cpu.h"

typedef enum { OK, WARN, FAIL } verdict;

typedef struct {
    const char *name;
    verdict verdict;
    char value[256];
    const char *hint; /* what to do about a WARN or FAIL */
} check;

enum { CHECKS_MAX = 32 };
typedef struct {
    size_t n;
    check v[CHECKS_MAX];
} checks;

static check *add(checks *list, const char *name, verdict found, const char *hint)
{
    WK_ASSERT(list->n < CHECKS_MAX);
    check *c = &list->v[list->n++];
    *c = (check){.name = name, .verdict = found, .hint = hint};
    return c;
}

static void check_cpu(checks *list)
{
    static const struct {
        uint32_t flag;
        const char *name;
    } names[] = {{WK_CPU_AVX2, "avx2"},
                 {WK_CPU_FMA, "fma"},
                 {WK_CPU_AVX512F, "avx512f"},
                 {WK_CPU_AVX512BW, "avx512bw"},
                 {WK_CPU_AVX512DQ, "avx512dq"},
                 {WK_CPU_AVX512VL, "avx512vl"},
                 {WK_CPU_AVX512VBMI, "avx512vbmi"},
                 {WK_CPU_AVX512BF16, "avx512bf16"},
                 {WK_CPU_AMX_BF16, "amx_bf16"},
                 {WK_CPU_NEON, "neon"}};
    uint32_t flags = wk_cpu_flags();
    check *c = add(list, "cpu", OK, NULL);
    snprintf(c->value, sizeof c->value, "%s", wk_cpu_name());
    bool fast = ((flags & WK_CPU_AVX2) && (flags & WK_CPU_FMA)) || flags & WK_CPU_NEON;
    c = add(list, "cpu_flags", fast ? OK : WARN,
            "without AVX2 and FMA, or NEON, the plain C kernels run, slowly");
    const char *cap = getenv("WICK_CPU");
    wk_text text = {0};
    wk_text_add(&text, flags ? "" : "none");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (flags & names[i].flag)
            wk_text_printf(&text, "%s%s", text.n ? " " : "", names[i].name);
    if (cap)
        wk_text_printf(&text, " (capped by WICK_CPU=%s)", cap);
    snprintf(c->value, sizeof c->value, "%s", text.s);
    free(text.s);
}

static void check_threads(checks *list, const wk_cli *cli)
{
    check *c = add(list, "threads", OK, NULL);
    snprintf(c->value, sizeof c->value, "%d", wk_cli_threads(cli));
}

/* The number after `key` in a /proc file, or -1. */
static double number_in_file(const char *path, const char *key)
{
    FILE *file = fopen(path, "re");
    char line[256];
    double x = -1;
    size_t n = strlen(key);
    while (file && x < 0 && fgets(line, sizeof line, file))
        if (strncmp(line, key, n) == 0 && sscanf(line + n, "%lf", &x) != 1)
            x = -1;
    if (file)
        fclose(file);
    return x;
}

static void check_memory(checks *list)
{
    double total = number_in_file("/proc/meminfo", "MemTotal:") * 1024;
    double free_bytes = number_in_file("/proc/meminfo", "MemAvailable:") * 1024;
    /* A container may hold less than the machine has. */
    double limit = number_in_file("/sys/fs/cgroup/memory.max", "");
    if (limit > 0 && limit < total) {
        double used = number_in_file("/sys/fs/cgroup/memory.current", "");
        total = limit;
        if (used >= 0 && limit - used < free_bytes)
            free_bytes = limit - used;
    }
    const double mib = 1048576;
    verdict v = free_bytes < 512 * mib ? WARN : OK;
    check *c = add(list, "memory", v, "less than 512 MiB free: train on fewer symbols or bars");
    if (total <= 0)
        snprintf(c->value, sizeof c->value, "unknown");
    else
        snprintf(c->value, sizeof c->value, "%.0f MiB free of %.0f MiB", free_bytes / mib,
                 total / mib);
}

/* The nearest parent of `path` that exists, into out. */
static void existing_parent(const char *path, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%s", path);
    while (access(out, F_OK) != 0) {
        char *slash = strrchr(out, '/');
        if (!slash) {
            snprintf(out, PATH_MAX, ".");
            return;
        }
        slash[slash == out] = 0;
    }
}

static void home(char out[PATH_MAX])
{
    const char *wick_home = getenv("WICK_HOME"), *user_home = getenv("HOME");
    if (wick_home && *wick_home)
        snprintf(out, PATH_MAX, "%s", wick_home);
    else
        snprintf(out, PATH_MAX, "%s/.wick", user_home ? user_home : "");
}

static void check_disk(checks *list, const char *where)
{
    char parent[PATH_MAX];
    struct statvfs fs;
    existing_parent(where, parent);
    check *c = add(list, "disk", OK, "less than 1 GiB free: point WICK_HOME to a larger disk");
    if (statvfs(parent, &fs) != 0) {
        c->verdict = FAIL;
        snprintf(c->value, sizeof c->value, "%.200s: %s", parent, strerror(errno));
        return;
    }
    double gib = (double)fs.f_bavail * (double)fs.f_frsize / 1073741824.0;
    c->verdict = gib < 1 ? WARN : OK;
    snprintf(c->value, sizeof c->value, "%.1f GiB free at %.200s", gib, where);
}

/* Does a file written there arrive? access() alone lies on read-only mounts. */
static void check_writable(checks *list, const char *name, const char *where, const char *hint)
{
    char parent[PATH_MAX], probe[PATH_MAX];
    existing_parent(where, parent);
    check *c = add(list, name, OK, hint);
    int fd = -1;
    if (snprintf(probe, sizeof probe, "%s/.wick-doctor-XXXXXX", parent) < (int)sizeof probe)
        fd = mkstemp(probe);
    else
        errno = ENAMETOOLONG;
    if (fd < 0) {
        c->verdict = FAIL;
        snprintf(c->value, sizeof c->value, "%.180s: %s", where, strerror(errno));
        return;
    }
    close(fd);
    unlink(probe);
    snprintf(c->value, sizeof c->value, "%.180s%s", where,
             strcmp(parent, where) == 0 ? "" : " (will be created)");
}

static void check_clock(checks *list)
{
    char text[32];
    int64_t now = wk_clock_wall_ns();
    bool sane = now > wk_civil_to_ns(2024, 1, 1);
    check *c =
        add(list, "clock", sane ? OK : FAIL, "the clock is wrong; candles would be misdated");
    snprintf(c->value, sizeof c->value, "%s", wk_time_format(now, text));
}

static void check_libraries(checks *list)
{
    for (const wk_cli_library *l = wk_cli_libraries; l->name; l++) {
        const char *version = l->version();
        check *c = add(list, l->name, version ? OK : FAIL,
                       "the library does not answer; run ./setup deps");
        snprintf(c->value, sizeof c->value, "%s", version ? version : "no version");
    }
}

static const char *const verdict_names[] = {"ok", "warn", "fail"};

static void print_text(const checks *list)
{
    for (size_t i = 0; i < list->n; i++) {
        const check *c = &list->v[i];
        printf("%-4s  %-10s  %s%s%s\n", verdict_names[c->verdict], c->name, c->value,
               c->verdict == OK ? "" : "; ", c->verdict == OK ? "" : c->hint);
    }
}

static void print_json(const checks *list)
{
    wk_text out = {0};
    wk_text_add(&out, "{\"checks\": [");
    for (size_t i = 0; i < list->n; i++) {
        const check *c = &list->v[i];
        wk_text_printf(&out,
                       "%s\n  {\"name\": \"%s\", \"status\": \"%s\", \"value\": ", i ? "," : "",
                       c->name, verdict_names[c->verdict]);
        wk_text_add_json_string(&out, c->value);
        if (c->verdict != OK) {
            wk_text_add(&out, ", \"hint\": ");
            wk_text_add_json_string(&out, c->hint);
        }
        wk_text_add(&out, "}");
    }
    printf("%s\n]}\n", out.s);
    free(out.s);
}

static int cmd_doctor(const wk_cli *cli, wk_err *err)
{
    checks list = {0};
    char where[PATH_MAX];
    home(where);
    check_cpu(&list);
    check_threads(&list, cli);
    check_memory(&list);
    check_disk(&list, where);
    check_writable(&list, "home", where, "set WICK_HOME to a directory you may write");
    check_writable(&list, "here", ".", "run in a directory you may write, or give --out elsewhere");
    check_clock(&list);
    check_libraries(&list);
    if (wk_cli_json(cli))
        print_json(&list);
    else
        print_text(&list);
    for (size_t i = 0; i < list.n; i++)
        if (list.v[i].verdict == FAIL)
            return wk_fail(err, WK_E_STATE, "%s: %s; %s", list.v[i].name, list.v[i].value,
                           list.v[i].hint);
    return WK_OK;
}

const wk_cli_command wk_cmd_doctor = {
    .name = "doctor",
    .usage = "",
    .summary = "checks this machine: processor, memory, disk, libraries, rights",
    .details =
        "Looks at $WICK_HOME (default ~/.wick) and the current directory. Exit code 1 when a check "
        "fails.",
    .example = "wick doctor",
    .run = cmd_doctor};
