/* Zip archives as exchanges offer them (Binance: one CSV each; Kraken: one for each market). */
#ifndef WK_DATA_ZIP_H
#define WK_DATA_ZIP_H

#include <stddef.h>

#include "wick/err.h"

typedef struct wk__zip wk__zip;

/* The names of the files in an archive, in its order, without folders and what starts with a dot or
 * "__". Each and the list are the caller's to free. */
WK_MUST_CHECK wk_status wk__zip_names(const char *path, char ***names, size_t *n, wk_err *err);

/* Opens one file of it; NULL: the only one. */
WK_MUST_CHECK wk_status wk__zip_open(const char *path, const char *name, wk__zip **out,
                                     wk_err *err);
/* Up to n bytes; *got 0 at the end, once length and checksum were found right. */
WK_MUST_CHECK wk_status wk__zip_read(wk__zip *zip, char *out, size_t n, size_t *got, wk_err *err);
void wk__zip_close(wk__zip *zip);

#endif
