/* `wick bench store.import` and `store.read`: candles into the store and out of it; JSON lines. */
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "wick/cli.h"
#include "wick/clock.h"
#include "wick/cpu.h"
#include "wick/file.h"
#include "wick/import.h"
#include "wick/rng.h"
#include "wick/store.h"
#include "wick/version.h"

#define MINUTE (60 * WK_NS_PER_S)
enum { IMPORT_ROWS = 10000000, READS = 200, YEAR_BARS = 35040 };

static double seconds_since(int64_t begin_ns)
{
    return (double)(wk_clock_monotonic_ns() - begin_ns) * 1e-9;
}

static double cpu_seconds(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (double)r.ru_utime.tv_sec + (double)r.ru_stime.tv_sec +
           1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

/* The common fields of DESIGN.md's bench lines; there is no peer for these. */
static void print_row(const char *name, double value, const char *unit, double p50, double p99,
                      const char *more)
{
    printf("{\"name\":\"%s\",\"value\":%.4f,\"unit\":\"%s\",\"p50\":%.4f,\"p99\":%.4f,"
           "\"allocs\":null,\"peer\":null,\"peer_version\":null,\"peer_value\":null,\"ratio\":null,"
           "\"threads\":1,\"cpu\":\"%s\",\"commit\":\"%s\"%s}\n",
           name, value, unit, p50, p99, wk_cpu_name(), wk_commit(), more);
    fflush(stdout);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A folder for this run, below the one given or $TMPDIR. */
static wk_status make_folder(const wk_cli *cli, char out[4096], wk_err *err)
{
    const char *given = wk_cli_option_value(cli, "dir"), *tmp = getenv("TMPDIR");
    snprintf(out, 4096, "%s/wick-bench-XXXXXX", given ? given : tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(out))
        return wk_fail(err, WK_E_IO, "cannot make a folder like %s; name another with --dir", out);
    return WK_OK;
}

static void remove_folder(const char *path)
{
    char command[4200];
    snprintf(command, sizeof command, "rm -rf -- '%s'", path);
    if (strstr(path, "wick-bench-") && !strchr(path, '\'') && system(command) != 0)
        fprintf(stderr, "could not remove %s\n", path);
}

/* Minute candles of a random walk in cents, volumes to 1e-8, as an exchange's export has them. */
static wk_status write_candles(const char *path, const char *mode, size_t rows, wk_err *err)
{
    gzFile f = gzopen(path, mode);
    char *buffer = malloc(1 << 20);
    if (!f || !buffer)
        return wk_fail(err, WK_E_IO, "cannot write %s; is there room?", path);
    gzbuffer(f, 1 << 20);
    int n = snprintf(buffer, 1 << 20, "time,open,high,low,close,volume\n");
    long last = 2000000;
    int ok = 1;
    for (size_t i = 0; i < rows && ok; i++) {
        uint32_t r = wk_rng_below(1, 0, i, UINT32_C(1) << 31),
                 v = wk_rng_below(1, 1, i, 2000000000);
        long open = last, close = open + (long)(r % 2001) - 1000;
        close = close < 100000 ? 100000 : close;
        long high = (open > close ? open : close) + (long)(r >> 11) % 500;
        long low = (open < close ? open : close) - (long)(r >> 20) % 500;
        last = close;
        n += snprintf(buffer + n, 256, "%lld,%ld.%02ld,%ld.%02ld,%ld.%02ld,%ld.%02ld,%u.%08u\n",
                      1230768000LL + (long long)i * 60, open / 100, open % 100, high / 100,
                      high % 100, low / 100, low % 100, close / 100, close % 100, v / 100000000,
                      v % 100000000);
        if (n > (1 << 20) - 256 || i + 1 == rows) {
            ok = gzwrite(f, buffer, (unsigned)n) == n;
            n = 0;
        }
    }
    free(buffer);
    ok = gzclose(f) == Z_OK && ok;
    return ok ? WK_OK : wk_fail(err, WK_E_IO, "cannot write %s; is there room?", path);
}

static wk_status time_import(const char *folder, const char *name, const char *mode, size_t rows,
                             const char *row, wk_err *err)
{
    char path[4200], store[4200], more[256];
    wk_series series;
    size_t added = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    snprintf(store, sizeof store, "%s/store-%s", folder, mode);
    WK_TRY(write_candles(path, mode, rows, err));
    double cpu = cpu_seconds();
    int64_t begin = wk_clock_monotonic_ns();
    WK_TRY(wk_import_candles(path, "bench", "BTCUSD", MINUTE, 0, &series, NULL, err));
    double parsed = seconds_since(begin);
    wk_status status = wk_store_merge(store, &series, &added, NULL, err);
    double whole = seconds_since(begin);
    cpu = cpu_seconds() - cpu;
    wk_series_finish(&series);
    unlink(path);
    if (status == WK_OK && added != rows)
        status = wk_fail(err, WK_E_DATA, "%zu of %zu bars arrived", added, rows);
    WK_TRY(status);
    snprintf(more, sizeof more,
             ",\"bars\":%zu,\"parse_s\":%.3f,\"store_s\":%.3f,\"cpu_s\":%.3f,\"bars_per_s\":%.0f",
             rows, parsed, whole - parsed, cpu, (double)rows / whole);
    print_row(row, whole, "s", whole, whole, more);
    return WK_OK;
}

static int cmd_bench_import(const wk_cli *cli, wk_err *err)
{
    const char *text = wk_cli_option_value(cli, "rows");
    char folder[4096], *end = NULL;
    unsigned long rows = text ? strtoul(text, &end, 10) : IMPORT_ROWS;
    if (text && (*end || rows < 2 || rows > 100000000))
        return wk_fail(err, WK_E_ARG, "--rows %s: give a number from 2 to 100000000", text);
    WK_TRY(make_folder(cli, folder, err));
    wk_status status = time_import(folder, "BTCUSD-1m.csv", "wbT", rows, "store.import", err);
    if (status == WK_OK)
        status = time_import(folder, "BTCUSD-1m.csv.gz", "wb6", rows, "store.import_gz", err);
    remove_folder(folder);
    return status;
}

/* The kernel gives up the pages of a file that it holds in memory. */
static int drop_pages(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    (void)about;
    (void)ftw;
    int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return 0;
    int failed = fdatasync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    return failed;
}

static size_t pages_held;

static int count_pages(const char *path, const struct stat *about, int type, struct FTW *ftw)
{
    (void)ftw;
    int fd = type == FTW_F && about->st_size ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    size_t size = (size_t)about->st_size, page = (size_t)sysconf(_SC_PAGESIZE);
    void *at = fd < 0 ? MAP_FAILED : mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    unsigned char *held = calloc(size / page + 1, 1);
    if (at != MAP_FAILED && held && mincore(at, size, held) == 0)
        for (size_t i = 0; i < (size + page - 1) / page; i++)
            pages_held += held[i] & 1;
    if (at != MAP_FAILED)
        munmap(at, size);
    free(held);
    if (fd >= 0)
        close(fd);
    return 0;
}

static wk_status forget(const char *store, size_t *held, wk_err *err)
{
    if (nftw(store, drop_pages, 16, FTW_PHYS) != 0)
        return wk_fail(err, WK_E_IO, "%s: the kernel keeps its files in memory", store);
    pages_held = 0;
    nftw(store, count_pages, 16, FTW_PHYS);
    *held = pages_held > *held ? pages_held : *held;
    return WK_OK;
}

static wk_status time_reads(const char *store, const char *name, bool is_cold, wk_err *err)
{
    double us[READS], first = 0, cpu = 0;
    size_t held = 0;
    for (int i = 0; i < READS; i++) {
        wk_series s;
        if (is_cold)
            WK_TRY(forget(store, &held, err));
        cpu -= cpu_seconds();
        int64_t begin = wk_clock_monotonic_ns();
        WK_TRY(wk_store_read(store, "bench", "BTCUSD", 15 * MINUTE, 0, 0, &s, err));
        us[i] = seconds_since(begin) * 1e6;
        cpu += cpu_seconds();
        first = i ? first : us[0];
        size_t n = s.n;
        wk_series_finish(&s);
        if (n != YEAR_BARS)
            return wk_fail(err, WK_E_DATA, "%zu of %d bars came back", n, YEAR_BARS);
    }
    qsort(us, READS, sizeof *us, by_size);
    char more[128], cold[48] = "";
    if (is_cold)
        snprintf(cold, sizeof cold, ",\"pages_in_memory\":%zu", held);
    snprintf(more, sizeof more, ",\"first\":%.1f,\"best\":%.1f,\"cpu_us\":%.1f,\"bars\":%d%s",
             first, us[0], cpu / READS * 1e6, YEAR_BARS, cold);
    print_row(name, us[READS / 2], "us", us[READS / 2], us[READS * 99 / 100], more);
    return WK_OK;
}

/* One year of 15-minute bars: all in the yearly file, then with the last day still fresh. */
static wk_status bench_read(const char *folder, wk_err *err)
{
    char path[4200], store[4200];
    wk_series minutes, series;
    snprintf(path, sizeof path, "%s/BTCUSD-1m.csv", folder);
    snprintf(store, sizeof store, "%s/store", folder);
    WK_TRY(write_candles(path, "wbT", YEAR_BARS * 15, err));
    WK_TRY(wk_import_candles(path, "bench", "BTCUSD", MINUTE, 0, &minutes, NULL, err));
    wk_status status = wk_series_resample(&minutes, 15 * MINUTE, &series, err);
    wk_series_finish(&minutes);
    WK_TRY(status);
    status = wk_store_merge(store, &series, NULL, NULL, err);
    if (status == WK_OK)
        status = time_reads(store, "store.read_cold", true, err);
    if (status == WK_OK)
        status = time_reads(store, "store.read", false, err);
    wk_fresh *f = NULL;
    if (status == WK_OK)
        status = wk_fresh_open(store, &f, err);
    for (size_t i = series.n - 96; status == WK_OK && i < series.n; i++) {
        wk_fresh_bar b = {series.bars[i], WK_PROV_TRADED, series.bars[i].time_ns + 15 * MINUTE};
        b.bar.volume += 1;
        status = wk_fresh_put_bars(f, "bench", "BTCUSD", 15 * MINUTE, &b, 1, NULL, NULL, err);
    }
    wk_fresh_close(f);
    wk_series_finish(&series);
    if (status == WK_OK)
        status = time_reads(store, "store.read_fresh", false, err);
    return status;
}

static int cmd_bench_read(const wk_cli *cli, wk_err *err)
{
    char folder[4096];
    WK_TRY(make_folder(cli, folder, err));
    wk_status status = bench_read(folder, err);
    remove_folder(folder);
    return status;
}

/* A page of a download is one durable transaction, a live bar another; then all move to the files.
 */
static wk_status bench_fresh(const char *folder, wk_err *err)
{
    enum { PAGES = 200, PAGE = 1000, LIVE = 200 };
    wk_fresh_bar *bars = calloc(PAGE, sizeof *bars);
    wk_fresh *f = NULL;
    double us[LIVE];
    wk_status status =
        bars ? wk_fresh_open(folder, &f, err) : wk_fail(err, WK_E_NOMEM, "no memory");
    int64_t begin = wk_clock_monotonic_ns(), t = 1600000000 * WK_NS_PER_S / MINUTE * MINUTE;
    for (int i = 0; status == WK_OK && i < PAGES + LIVE; i++) {
        size_t n = i < PAGES ? PAGE : 1;
        for (size_t k = 0; k < n; k++, t += MINUTE) {
            double p = 100 + (double)wk_rng_below(3, 0, (uint64_t)t / MINUTE, 10000) / 100;
            bars[k] = (wk_fresh_bar){{t, p, p + 1, p - 1, p + 0.5, 1}, WK_PROV_TRADED, t + MINUTE};
        }
        int64_t before = wk_clock_monotonic_ns();
        status = wk_fresh_put_bars(f, "bench", "BTCUSD", MINUTE, bars, n, NULL, NULL, err);
        if (i >= PAGES)
            us[i - PAGES] = seconds_since(before) * 1e6;
        if (i == PAGES - 1) {
            double rate = PAGES * PAGE / seconds_since(begin);
            print_row("store.put", rate, "bars/s", rate, rate, ",\"page\":1000");
        }
    }
    if (status == WK_OK) {
        qsort(us, LIVE, sizeof *us, by_size);
        print_row("store.put_one", us[LIVE / 2], "us", us[LIVE / 2], us[LIVE * 99 / 100], "");
        begin = wk_clock_monotonic_ns();
        status = wk_fresh_flush(f, 0, err);
    }
    if (status == WK_OK) {
        double rate = (PAGES * PAGE + LIVE) / seconds_since(begin);
        print_row("store.flush", rate, "bars/s", rate, rate, "");
    }
    wk_fresh_close(f);
    free(bars);
    return status;
}

static int cmd_bench_fresh(const wk_cli *cli, wk_err *err)
{
    char folder[4096];
    WK_TRY(make_folder(cli, folder, err));
    wk_status status = bench_fresh(folder, err);
    remove_folder(folder);
    return status;
}

static const wk_cli_option import_options[] = {
    {"rows", "N", "candles of one minute (default 10000000: 0.7 GB of disk, 0.6 GB of memory)"},
    {"dir", "DIR", "where to make the files; $TMPDIR or /tmp otherwise"},
    {NULL, NULL, NULL}};
static const wk_cli_option read_options[] = {
    {"dir", "DIR", "where to make the files; $TMPDIR or /tmp otherwise"}, {NULL, NULL, NULL}};

extern const wk_cli_command wk_cmd_bench_store_fresh, wk_cmd_bench_store_import,
    wk_cmd_bench_store_read;
const wk_cli_command wk_cmd_bench_store_fresh = {
    .name = "bench store.fresh",
    .usage = "[--dir DIR]",
    .summary = "times durable puts of fresh bars and their flush into yearly files",
    .details = "Prints three JSON lines: store.put in pages of 1000, store.put_one as live bars "
               "come, and\n"
               "store.flush. Every put is on the disk when it returns.",
    .example = "wick bench store.fresh",
    .options = read_options,
    .run = cmd_bench_fresh,
};
const wk_cli_command wk_cmd_bench_store_import = {
    .name = "bench store.import",
    .usage = "[--rows N] [--dir DIR]",
    .summary = "times candles from CSV and CSV.gz into the store",
    .details =
        "Prints two JSON lines, store.import and store.import_gz: seconds from the file to yearly "
        "files\nthat are safely on disk.",
    .example = "wick bench store.import --rows 200000",
    .options = import_options,
    .run = cmd_bench_import,
};
const wk_cli_command wk_cmd_bench_store_read = {
    .name = "bench store.read",
    .usage = "[--dir DIR]",
    .summary = "times opening and reading one year of 15-minute candles",
    .details =
        "Prints three JSON lines: store.read with the year in its file, store.read_cold when "
        "the kernel\nholds no page of that file (pages_in_memory counts them), and "
        "store.read_fresh with its last\nday in the database of fresh bars. Each of 200 "
        "reads opens the file anew; first is the\nprocess's first, with the library's own "
        "beginning.",
    .example = "wick bench store.read",
    .options = read_options,
    .run = cmd_bench_read,
};
