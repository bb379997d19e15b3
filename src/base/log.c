#include "wick/log.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wick/clock.h"
#include "wick/cpu.h"

static wk_log_level level_max = WK_LOG_INFO;

void wk_log_set_level(wk_log_level level)
{
    level_max = level;
}

static const char *const names[] = {"error", "warn", "info", "debug"};

static void write_line(wk_log_level level, int64_t time_ns, const char *topic, const char *line)
{
    char ts[32];
    fprintf(stderr, "ts=%s level=%s topic=%s %s\n", wk_time_format(time_ns, ts), names[level],
            topic, line);
}

/* ---- lines on a thread of their own: a bounded queue of many producers (D. Vyukov's) ---- */

enum { SLOTS = 256, LINE_BYTES = 616, TOPIC_BYTES = 32, LOOK_NS = 20000000 };

typedef struct {
    atomic_size_t turn; /* the position that may be written here; one more: may be read */
    int64_t time_ns;
    wk_log_level level;
    char topic[TOPIC_BYTES], line[LINE_BYTES];
} slot;

static struct {
    slot *slots;
    alignas(64) atomic_size_t head;
    alignas(64) size_t tail;
    atomic_uint_fast64_t lost;
    atomic_bool runs, stop;
    pthread_t thread;
} queue;

/* False when it is full: the line is lost, and counted. Never waits. */
static bool queue_put(wk_log_level level, const char *topic, const char *line, size_t n)
{
    size_t at = atomic_load_explicit(&queue.head, memory_order_relaxed);
    slot *s;
    for (;;) {
        s = &queue.slots[at % SLOTS];
        size_t turn = atomic_load_explicit(&s->turn, memory_order_acquire);
        if (turn == at) {
            if (atomic_compare_exchange_weak_explicit(&queue.head, &at, at + 1,
                                                      memory_order_relaxed, memory_order_relaxed))
                break;
        } else if (turn < at) {
            atomic_fetch_add_explicit(&queue.lost, 1, memory_order_relaxed);
            return false;
        } else {
            at = atomic_load_explicit(&queue.head, memory_order_relaxed);
        }
    }
    s->time_ns = wk_clock_wall_ns();
    s->level = level;
    snprintf(s->topic, sizeof s->topic, "%s", topic);
    memcpy(s->line, line, n + 1);
    atomic_store_explicit(&s->turn, at + 1, memory_order_release);
    return true;
}

static void queue_write(void)
{
    uint64_t lost = atomic_exchange_explicit(&queue.lost, 0, memory_order_relaxed);
    for (;; queue.tail++) {
        slot *s = &queue.slots[queue.tail % SLOTS];
        if (atomic_load_explicit(&s->turn, memory_order_acquire) != queue.tail + 1)
            break;
        write_line(s->level, s->time_ns, s->topic, s->line);
        atomic_store_explicit(&s->turn, queue.tail + SLOTS, memory_order_release);
    }
    if (lost)
        fprintf(stderr, "level=warn topic=log lost=%llu\n", (unsigned long long)lost);
}

/* It looks by itself, fifty times a second: to wake it would cost the others a system call. */
static void *writer(void *unused)
{
    wk_thread_background();
    while (!atomic_load(&queue.stop)) {
        queue_write();
        nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    queue_write();
    return unused;
}

wk_status wk_log_start(wk_err *err)
{
    WK_ASSERT(!atomic_load(&queue.runs));
    queue.slots = calloc(SLOTS, sizeof *queue.slots);
    if (!queue.slots)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    for (size_t i = 0; i < SLOTS; i++)
        atomic_init(&queue.slots[i].turn, i);
    atomic_store(&queue.head, 0);
    queue.tail = 0;
    atomic_store(&queue.stop, false);
    if (pthread_create(&queue.thread, NULL, writer, NULL) != 0) {
        free(queue.slots);
        return wk_fail(err, WK_E_IO, "cannot start the log's thread");
    }
    atomic_store(&queue.runs, true);
    return WK_OK;
}

void wk_log_stop(void)
{
    if (!atomic_exchange(&queue.runs, false))
        return;
    atomic_store(&queue.stop, true);
    pthread_join(queue.thread, NULL);
    free(queue.slots);
    queue.slots = NULL;
}

void wk_log_write(wk_log_level level, const char *topic, const char *fmt, ...)
{
    if (level > level_max)
        return;
    char line[2048];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (!atomic_load_explicit(&queue.runs, memory_order_acquire) || n < 0 || n >= LINE_BYTES)
        write_line(level, wk_clock_wall_ns(), topic, line);
    else
        queue_put(level, topic, line, (size_t)n);
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
