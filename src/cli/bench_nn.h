/* What the benchmarks of the networks share. */
#ifndef BENCH_NN_H
#define BENCH_NN_H

#include "wick/cli.h"
#include "wick/nn.h"

/* One JSON line; sorts the samples. For rates ("windows/s") p99 is the slow end. cpu_us: processor
 * time of all threads for one unit of work, which other programs on the machine disturb less; 0:
 * not measured. allocs: calls of malloc and its kin on this thread during all samples, 0 being what
 * inference promises; -1: not counted. */
void bench_nn_print(const char *name, const char *what, const char *unit, double *samples, size_t n,
                    int threads, double cpu_us, int64_t allocs);
/* Processor time of this program so far. */
double bench_nn_cpu_us(void);
/* n normal numbers, NULL when memory is out; the caller frees. */
float *bench_nn_noise(size_t n, uint64_t stream);
WK_MUST_CHECK wk_status bench_nn_count(const wk_cli *cli, const char *option, unsigned long dflt,
                                       unsigned long max, unsigned long *out, wk_err *err);
/* The reference network as its seed draws it. */
WK_MUST_CHECK wk_status bench_nn_create(wk_nn **nn, wk_err *err);

#endif
