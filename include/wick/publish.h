/* Publishing a model: a directory copied beside its target, with a manifest of its files'
 * checksums, verified, synced, and put into place by one exchange of names; the one it replaces
 * stays as DEST.previous. */
#ifndef WICK_PUBLISH_H
#define WICK_PUBLISH_H

#include "wick/manifest.h"

/* Publishes `model` to `dest`. A crash leaves the old model or the new one at `dest`, whole. One
 * publisher at a time in a directory: another waits. */
WK_MUST_CHECK wk_status wk_publish(const char *model, const char *dest, wk_manifest *out,
                                   wk_err *err);

/* The same, and of those that DEST replaced the newest `keep` stay: DEST.previous and
 * DEST.g<number>, for ensembles of generations. */
WK_MUST_CHECK wk_status wk_publish_keep(const char *model, const char *dest, int64_t keep,
                                        wk_manifest *out, wk_err *err);

/* Exchanges `dest` and dest.previous, after checking the latter; a second call goes forward again.
 */
WK_MUST_CHECK wk_status wk_publish_rollback(const char *dest, wk_manifest *out, wk_err *err);

#endif
