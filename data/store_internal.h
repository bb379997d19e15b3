/* Folders and locks of the store. */
#ifndef WK_DATA_STORE_INTERNAL_H
#define WK_DATA_STORE_INTERNAL_H

#include <limits.h>
#include <stdint.h>

#include "wick/err.h"

/* In the name of a file that a repair moved aside. */
#define WK__DAMAGED ".h5.damaged"

/* <root>/<venue>/<symbol>/<timeframe>, with room behind it for a file's name. */
WK_MUST_CHECK wk_status wk__store_directory(const char *root, const char *venue, const char *symbol,
                                            int64_t timeframe_ns, char out[PATH_MAX], wk_err *err);
WK_MUST_CHECK wk_status wk__store_values_directory(const char *root, const char *venue,
                                                   const char *symbol, const char *name,
                                                   char out[PATH_MAX], wk_err *err);

/* Is it the name of a year's file that was never finished? */
int wk__store_is_leftover(const char *name);

/* Makes the folder if need be and waits until no other writer is in it, then deletes what
 * interrupted ones left; close *fd to let go. */
WK_MUST_CHECK wk_status wk__store_lock(const char *directory, int *fd, wk_err *err);
WK_MUST_CHECK wk_status wk__store_sync_directory(const char *directory, wk_err *err);

/* Would wk_store_check complain about this year's file? */
int wk__store_has_problem(const char *path, int year, const char *venue, const char *symbol,
                          const char *timeframe);

/* Called for each directory <root>/<venue>/<symbol>/<timeframe or name of values>. */
typedef wk_status wk__store_visitor(void *ctx, const char *directory, const char *venue,
                                    const char *symbol, const char *timeframe, wk_err *err);
WK_MUST_CHECK wk_status wk__store_walk(const char *root, wk__store_visitor *visit, void *ctx,
                                       wk_err *err);

#endif
