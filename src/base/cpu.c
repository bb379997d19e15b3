#include "wick/cpu.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>

static uint64_t xcr0(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

static uint32_t detect(void)
{
    unsigned a, b, c, d, b7, c7, d7;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return 0;
    uint64_t os = xcr0();
    bool fma = c & bit_FMA;
    if ((os & 0x6) != 0x6 || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return 0;
    uint32_t flags = 0;
    if (b7 & bit_AVX2)
        flags |= WK_CPU_AVX2;
    if (fma)
        flags |= WK_CPU_FMA;
    if ((os & 0xe6) == 0xe6) {
        if (b7 & bit_AVX512F)
            flags |= WK_CPU_AVX512F;
        if (b7 & bit_AVX512BW)
            flags |= WK_CPU_AVX512BW;
        if (b7 & bit_AVX512DQ)
            flags |= WK_CPU_AVX512DQ;
        if (b7 & bit_AVX512VL)
            flags |= WK_CPU_AVX512VL;
        if (c7 & (1u << 1))
            flags |= WK_CPU_AVX512VBMI;
        if (c7 & (1u << 8))
            flags |= WK_CPU_GFNI;
        unsigned a1, b1, c1, d1;
        if (__get_cpuid_count(7, 1, &a1, &b1, &c1, &d1) && (a1 & (1u << 5)))
            flags |= WK_CPU_AVX512BF16;
    }
    if ((os & 0x60000) == 0x60000 && (d7 & (1u << 24)) && (d7 & (1u << 22)))
        flags |= WK_CPU_AMX_BF16;
    return flags;
}
#elif defined(__aarch64__)
static uint32_t detect(void)
{
    return WK_CPU_NEON;
}
#else
static uint32_t detect(void)
{
    return 0;
}
#endif

uint32_t wk_cpu_flags(void)
{
    uint32_t flags = detect();
    const char *cap = getenv("WICK_CPU");
    if (!cap)
        return flags;
    if (strcmp(cap, "c") == 0)
        return 0;
    if (strcmp(cap, "avx2") == 0)
        return flags & (WK_CPU_AVX2 | WK_CPU_FMA | WK_CPU_NEON);
    if (strcmp(cap, "avx512") == 0)
        return flags & ~(uint32_t)WK_CPU_AMX_BF16;
    return flags;
}

bool wk_cpu_allow_amx(void)
{
#if defined(__x86_64__) && defined(__linux__)
    /* Linux gives tiles to a process that asks (5.16, Documentation/arch/x86/xstate.rst). */
    enum { REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
    static _Atomic int answer; /* 0: not asked yet; the same answer whoever asks first */
    if (!answer)
        answer = detect() & WK_CPU_AMX_BF16 &&
                         syscall(SYS_arch_prctl, REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0
                     ? 1
                     : -1;
    return answer > 0;
#else
    return false;
#endif
}

const char *wk_cpu_name(void)
{
#if defined(__x86_64__)
    static char name[49];
    unsigned top, b, c, d;
    if (!name[0] && __get_cpuid(0x80000000u, &top, &b, &c, &d) && top >= 0x80000004u) {
        unsigned r[12];
        for (unsigned i = 0; i < 3; i++)
            __get_cpuid(0x80000002u + i, &r[4 * i], &r[4 * i + 1], &r[4 * i + 2], &r[4 * i + 3]);
        memcpy(name, r, sizeof r);
    }
    return name;
#else
    return "unknown";
#endif
}

void wk_thread_background(void)
{
    struct sched_param none = {0};
    (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

int wk_cpu_keep_awake(void)
{
    int32_t longest_us = 0;
    int handle = open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
    if (handle >= 0 && write(handle, &longest_us, sizeof longest_us) != sizeof longest_us) {
        close(handle);
        handle = -1;
    }
    return handle;
}

void wk_cpu_let_sleep(int handle)
{
    if (handle >= 0)
        close(handle);
}
