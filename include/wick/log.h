/* Log lines on stderr: ts=... level=info topic=data.import key=value. Results go to stdout, never
 * here. */
#ifndef WICK_LOG_H
#define WICK_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "wick/err.h"

typedef enum { WK_LOG_ERROR, WK_LOG_WARN, WK_LOG_INFO, WK_LOG_DEBUG } wk_log_level;

void wk_log_set_level(wk_log_level level);
void wk_log_write(wk_log_level level, const char *topic, const char *fmt, ...) WK_PRINTF(3, 4);

/* From here on lines go through a queue to a thread that writes them: nobody waits for stderr,
 * which may be a pipe that nobody reads or a disk that stalls. A line longer than 615 bytes is
 * written at once; where the queue is full (256 lines in 20 ms) lines are lost and counted. Other
 * threads that log must have ended before wk_log_stop, which writes what waits; then lines are
 * direct again. */
WK_MUST_CHECK wk_status wk_log_start(wk_err *err);
void wk_log_stop(void);

/* A progress line on a terminal: what, how far, rate and time left. Silent when stderr is none, or
 * in the first two seconds. Call from one thread. done == total ends the line. */
void wk_progress(const char *what, uint64_t done, uint64_t total);

#endif
