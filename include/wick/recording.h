/* Raw messages as they came, compressed, for replay: <dir>/<YYYY-MM-DD>.wkr.gz, one line a message:
 *   receive_ns connection direction bytes\n<bytes>\n       direction: < received, > sent, ! our own
 * note gzip members end at least every second of data, so that a crash loses no more and zcat
 * always works. */
#ifndef WICK_RECORDING_H
#define WICK_RECORDING_H

#include <stddef.h>
#include <stdint.h>

#include "wick/err.h"

typedef struct wk_recorder wk_recorder;

WK_MUST_CHECK wk_status wk_recorder_open(const char *dir, wk_recorder **out, wk_err *err);
WK_MUST_CHECK wk_status wk_recorder_put(wk_recorder *recorder, int64_t receive_ns,
                                        const char *connection, char direction, const char *bytes,
                                        size_t n, wk_err *err);
/* Makes what was put durable. */
WK_MUST_CHECK wk_status wk_recorder_sync(wk_recorder *recorder, wk_err *err);
void wk_recorder_close(wk_recorder *recorder);

typedef struct {
    int64_t receive_ns;
    char connection[32]; /* e.g. "kraken-1" */
    char direction;
    const char *bytes; /* borrowed until the next call */
    size_t n;
} wk_recorded;

typedef struct wk_recording wk_recording;

/* A file or a directory of them, in time order. A file cut by a crash reads up to its last whole
 * message. */
WK_MUST_CHECK wk_status wk_recording_open(const char *path, wk_recording **out, wk_err *err);
/* WK_E_NOT_FOUND at the end. */
WK_MUST_CHECK wk_status wk_recording_next(wk_recording *recording, wk_recorded *out, wk_err *err);
void wk_recording_close(wk_recording *recording);

#endif
