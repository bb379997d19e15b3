/* After freeze the streaming step computes and does nothing else: allocations and locks are counted
 * at the linker (--wrap in meson.build), system calls by a seccomp filter in a process of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wick/nn.h"
#include "wick/rng.h"

#if defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED
#endif
#elif defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED
#endif

/* A sanitizer makes a bar some thirty times dearer; its builds look at fewer. */
#ifdef SANITIZED
enum { BARS = 50000 };
#else
enum { BARS = 1000000 };
#endif
enum { F = 7, OUT = 5, INPUTS = 1024, WINDOW = 20, EVERY = 1000, FEW = 3000 };

/* Every kind of layer, in branches and after them. */
static wk_nn_layer_config a[] = {{WK_NN_DENSE, .units = 9},
                                 {WK_NN_RELU},
                                 {WK_NN_CONV1D, .units = 5, .kernel = 3, .dilation = 2},
                                 {WK_NN_TANH},
                                 {WK_NN_MEAN, .units = 8}};
static wk_nn_layer_config b[] = {{WK_NN_LSTM, .units = 6}, {WK_NN_LAYER_NORM}};
static wk_nn_layer_config c[] = {{WK_NN_GRU, .units = 4}, {WK_NN_DROPOUT, .dropout = 0.3}};
static wk_nn_layer_config d[] = {{WK_NN_TCN, .units = 6, .kernel = 3, .dilation = 4}, {WK_NN_RELU}};
static wk_nn_layer_config trunk[] = {{WK_NN_CONV1D, .units = 6, .kernel = 2, .dilation = 1},
                                     {WK_NN_RELU},
                                     {WK_NN_LSTM, .units = 17}};
static wk_nn_branch_config branches[] = {
    {"a", {a, 5}}, {"b", {b, 2}}, {"c", {c, 2}}, {"d", {d, 2}}};
static const wk_nn_config every_kind = {{branches, 4}, {trunk, 3}};

/* ---- the counters ---- */

static size_t allocations, locks;

/* Each real one under its own name, and the one that the linker puts in its place. */
#define WRAP(count, result, name, parameters, arguments)                                           \
    result __real_##name parameters;                                                               \
    result __wrap_##name parameters;                                                               \
    result __wrap_##name parameters                                                                \
    {                                                                                              \
        count++;                                                                                   \
        return __real_##name arguments;                                                            \
    }
WRAP(allocations, void *, malloc, (size_t n), (n))
WRAP(allocations, void *, calloc, (size_t n, size_t size), (n, size))
WRAP(allocations, void *, realloc, (void *p, size_t n), (p, n))
WRAP(allocations, void *, aligned_alloc, (size_t align, size_t n), (align, n))
WRAP(allocations, int, posix_memalign, (void **p, size_t align, size_t n), (p, align, n))
WRAP(locks, int, pthread_mutex_lock, (pthread_mutex_t * m), (m))
WRAP(locks, int, pthread_rwlock_rdlock, (pthread_rwlock_t * l), (l))
WRAP(locks, int, pthread_rwlock_wrlock, (pthread_rwlock_t * l), (l))

void __real_free(void *p);
void __wrap_free(void *p);
void __wrap_free(void *p)
{
    allocations++;
    __real_free(p);
}

/* ---- the stream ---- */

/* What is done wrong in the middle, to see that it is noticed. */
typedef enum { NOTHING, ALLOCATION, LOCK, CALL, LARGE_ALLOCATION } plant;

typedef struct {
    wk_nn *nn;
    wk_arena arena;
    wk_nn_plan *plan;
    wk_nn_state *state, *copy;
    wk_nn_window *window;
    float X[INPUTS * F];
} stream;

static int open_stream(void **out)
{
    static stream s;
    wk_err err;
    s = (stream){0};
    wk_arena_init(&s.arena);
    if (wk_nn_create_graph(&every_kind, F, OUT, 3, &s.nn, &err) != WK_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(wk_nn_plan_build(&s.arena, s.nn, &s.plan, NULL), WK_OK);
    assert_int_equal(wk_nn_window_build(&s.arena, s.plan, WINDOW, &s.window, NULL), WK_OK);
    s.state = wk_nn_state_create(&s.arena, s.plan);
    s.copy = wk_nn_state_create(&s.arena, s.plan);
    wk_arena_freeze(&s.arena);
    for (size_t i = 0; i < INPUTS * F; i++)
        s.X[i] = (float)wk_rng_normal(8, 0, i);
    *out = &s;
    return 0;
}

static int close_stream(void **state)
{
    stream *s = *state;
    wk_arena_finish(&s->arena);
    wk_nn_destroy(s->nn);
    return 0;
}

static void do_wrong(plant what)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    void *volatile memory = NULL; /* the compiler must not leave a pair of malloc and free out */
    if (what == ALLOCATION || what == LARGE_ALLOCATION)
        memory = malloc(what == ALLOCATION ? 1 : 16 << 20);
    if (what == LOCK) {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
    if (what == CALL)
        syscall(SYS_getppid);
    if (memory)
        free(memory);
}

/* Bars one at a time, a few when something is planted; now and then the other things that are
 * promised to compute only. */
static float run(stream *s, plant wrong)
{
    float y[WINDOW * OUT], sum = 0;
    const size_t bars = wrong ? FEW : BARS;
    for (size_t t = 0; t < bars; t++) {
        const float *x = s->X + t % INPUTS * F;
        wk_nn_step(s->plan, s->state, x, y);
        sum += y[0];
        if (t == bars / 2)
            do_wrong(wrong);
        if (t % EVERY)
            continue;
        wk_nn_state_copy(s->plan, s->copy, s->state);
        wk_nn_answer(s->plan, s->copy, x, y);
        wk_nn_prepare(s->plan, s->copy);
        wk_nn_window_forward(s->plan, s->window, s->X + t % (INPUTS - WINDOW) * F, y);
        wk_nn_sequence_forward(s->plan, s->copy, s->X, WINDOW, y);
        wk_nn_state_reset(s->plan, s->copy);
    }
    return sum;
}

static void test_a_million_bars_take_no_memory_and_no_lock(void **state)
{
    const size_t memory = allocations, locked = locks;
    assert_true(memory > 0); /* those of open_stream: the counter counts */
    const float sum = run(*state, NOTHING);
    assert_int_equal(allocations, memory);
    assert_int_equal(locks, locked);
    assert_true(sum != 0 && sum == sum);
}

static void test_one_planted_allocation_or_lock_is_counted(void **state)
{
    size_t memory = allocations, locked = locks;
    run(*state, ALLOCATION);
    assert_int_equal(allocations, memory + 2); /* malloc and free */
    assert_int_equal(locks, locked);
    memory = allocations;
    run(*state, LOCK);
    assert_int_equal(allocations, memory);
    assert_int_equal(locks, locked + 1);
}

/* Not under sanitizers: their runtimes make system calls of their own inside the checked code. */
#ifndef SANITIZED
enum { NO_FILTER = -2, NO_CALL = -1 };

/* Between parent and child: the first system call of the loop. */
static volatile int *call;

static void on_call(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    *call = info->si_syscall;
    syscall(SYS_exit_group, 1);
}

/* Every system call of this process but its end traps from here on. */
static int allow_no_calls(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP)};
    const struct sock_fprog program = {sizeof code / sizeof *code, code};
    const struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
    if (sigaction(SIGSYS, &action, NULL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* The first system call that the stream makes, or NO_CALL. */
static int first_call(stream *s, plant wrong)
{
    *call = NO_CALL;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (allow_no_calls()) {
            *call = NO_FILTER;
            _exit(1);
        }
        run(s, wrong);
        syscall(SYS_exit_group, 0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 0) != (*call != NO_CALL))
        fail_msg("the child ended with status %#x, system call %d", (unsigned)status, *call);
    return *call;
}

static void test_a_million_bars_make_no_system_call(void **state)
{
    call = mmap(NULL, sizeof *call, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(call != MAP_FAILED);
    const int clean = first_call(*state, NOTHING);
    if (clean == NO_FILTER) {
        munmap((void *)call, sizeof *call);
        print_message("this kernel takes no seccomp filter\n");
        skip();
    }
    if (clean != NO_CALL)
        fail_msg("the streaming step made system call %d", clean);
    /* What is planted is found, so the filter stood. */
    assert_int_equal(first_call(*state, CALL), SYS_getppid);
    assert_int_equal(first_call(*state, LARGE_ALLOCATION), SYS_mmap);
    munmap((void *)call, sizeof *call);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_bars_take_no_memory_and_no_lock),
        cmocka_unit_test(test_one_planted_allocation_or_lock_is_counted),
#ifndef SANITIZED
        cmocka_unit_test(test_a_million_bars_make_no_system_call),
#endif
    };
    return cmocka_run_group_tests(tests, open_stream, close_stream);
}
