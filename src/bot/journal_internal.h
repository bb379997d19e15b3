/* The journal's own state. */
#ifndef WICK_BOT_JOURNAL_INTERNAL_H
#define WICK_BOT_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "wick/journal.h"
#include "wick/ring.h"

enum { WK__JOURNAL_VERSION = 2, WK__JOURNAL_MARKETS_MAX = 512 };

typedef struct {
    uint64_t seq;
    wk_journal_record record;
} wk__entry;

struct wk_journal {
    sqlite3 *db;  /* of the writer's thread */
    sqlite3 *own; /* of the callers of the blocking functions */
    sqlite3_stmt *insert;
    char *path;
    wk_ring *ring;
    wk__entry *batch;
    uint64_t seq_base; /* of the rows that were there at the start */
    uint64_t seq;      /* put by this run */
    atomic_uint_least64_t durable;
    _Atomic int64_t market_ids[WK__JOURNAL_MARKETS_MAX];
    pthread_t thread;
    bool runs;
    atomic_bool stop;
    _Atomic int64_t stop_ns;
    pthread_mutex_t lock;
    char problem[200];
};

uint8_t wk__journal_reason(const char *name);
extern const char *const wk__journal_kinds[]; /* by wk_journal_kind */
/* The bot's index of a row's market; UINT32_MAX: it has none. */
uint32_t wk__journal_index(const wk_journal *journal, int64_t market_id);
WK_MUST_CHECK wk_status wk__journal_sql(wk_journal *journal, const char *sql, wk_err *err);

#endif
