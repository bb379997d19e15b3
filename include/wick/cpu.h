/* What this machine can run. WICK_CPU=c|avx2|avx512 in the environment caps the choice:
 * avx512 leaves out AMX; on ARM only c leaves anything out. */
#ifndef WICK_CPU_H
#define WICK_CPU_H

#include <stdbool.h>
#include <stdint.h>

enum {
    WK_CPU_AVX2 = 1u << 0,
    WK_CPU_FMA = 1u << 1,
    WK_CPU_AVX512F = 1u << 2,
    WK_CPU_AVX512BW = 1u << 3,
    WK_CPU_AVX512DQ = 1u << 4,
    WK_CPU_AVX512VL = 1u << 5,
    WK_CPU_AVX512VBMI = 1u << 6,
    WK_CPU_AVX512BF16 = 1u << 7,
    WK_CPU_AMX_BF16 = 1u << 8,
    WK_CPU_GFNI = 1u << 9,
    WK_CPU_NEON = 1u << 10 /* every 64-bit ARM has it */
};

/* Flags of this machine after the cap (CPUID and the operating system's XSAVE state both asked). */
uint32_t wk_cpu_flags(void);
/* Asks the operating system to let this process use AMX tiles, which it must before the first one.
 * False where there are none, or it says no. Threads may call it; a second time costs nothing. */
bool wk_cpu_allow_amx(void);
/* The processor's name, for benchmark lines. */
const char *wk_cpu_name(void);

/* The calling thread gives way: when it wakes it does not push a running thread off its processor,
 * as a trader's would be. For writers of journals and logs. */
void wk_thread_background(void);

/* No processor sleeps deeply while the handle that comes back is open: one that does loses its
 * caches and needs up to 100 us to wake. For the milliseconds in which an answer is due; it costs
 * power. Source: Linux, Documentation/power/pm_qos_interface.rst, /dev/cpu_dma_latency. -1 where
 * that may not be written (it takes root) or is not there: nothing happens then. */
int wk_cpu_keep_awake(void);
/* Lets them sleep again; -1 is allowed. */
void wk_cpu_let_sleep(int handle);

#endif
