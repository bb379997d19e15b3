/* Status codes and error messages: the one way anything in wick says that it failed.
 *
 * A function that can fail returns wk_status (WK_OK or a negative code) and takes `wk_err *err`
 * last. The message is a fact, the values, then a hint. Outputs stay untouched on failure. */
#ifndef WICK_ERR_H
#define WICK_ERR_H

#include <stddef.h>

#define WK_MUST_CHECK __attribute__((warn_unused_result))
#define WK_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

typedef int wk_status;

enum {
    WK_OK = 0,
    WK_E_ARG = -1,    /* wrong usage: exit code 2 */
    WK_E_CONFIG = -2, /* a configuration file is wrong: exit code 2 */
    WK_E_IO = -3,     /* the operating system refused */
    WK_E_PARSE = -4,  /* outside bytes are malformed */
    WK_E_DATA = -5,   /* well-formed but unusable data */
    WK_E_MODEL = -6,  /* a model does not match */
    WK_E_NOMEM = -7,
    WK_E_STATE = -8, /* called at the wrong time */
    WK_E_RANGE = -9, /* overflow or out of range */
    WK_E_NOT_FOUND = -10,
    WK_E_CANCELLED = -11 /* somebody asked us to stop */
};

typedef struct {
    wk_status code;
    char msg[1024];
} wk_err;

/* Fills `err` (may be NULL) with the formatted message and returns `code`. */
wk_status wk_fail(wk_err *err, wk_status code, const char *fmt, ...) WK_PRINTF(3, 4);

/* Puts "<prefix>: " in front of the message of `err` and returns its code. */
wk_status wk_fail_prefix(wk_err *err, const char *fmt, ...) WK_PRINTF(2, 3);

/* The assertion that stays on in release: broken code is not an error, it stops. */
#define WK_ASSERT(cond) ((cond) ? (void)0 : wk__assert_failed(#cond, __FILE__, __LINE__))
_Noreturn void wk__assert_failed(const char *cond, const char *file, int line);

#ifdef NDEBUG
#define WK_DASSERT(cond) ((void)0)
#else
#define WK_DASSERT(cond) WK_ASSERT(cond)
#endif

/* Evaluates `expr`; on failure leaves the function with its status. */
#define WK_TRY(expr)                                                                               \
    do {                                                                                           \
        wk_status wk__try_status = (expr);                                                         \
        if (wk__try_status != WK_OK)                                                               \
            return wk__try_status;                                                                 \
    } while (0)

#endif
