#include "wick/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

wk_status wk_fail(wk_err *err, wk_status code, const char *fmt, ...)
{
    if (err) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(err->msg, sizeof err->msg, fmt, ap);
        va_end(ap);
        err->code = code;
    }
    return code;
}

wk_status wk_fail_prefix(wk_err *err, const char *fmt, ...)
{
    if (!err)
        return WK_E_STATE;
    char rest[sizeof err->msg];
    memcpy(rest, err->msg, sizeof rest);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(err->msg, sizeof err->msg, fmt, ap);
    va_end(ap);
    if (n >= 0 && (size_t)n < sizeof err->msg)
        snprintf(err->msg + n, sizeof err->msg - (size_t)n, ": %s", rest);
    return err->code;
}

_Noreturn void wk__assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "wick: assertion failed: %s (%s:%d)\n", cond, file, line);
    abort();
}
