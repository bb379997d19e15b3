/* Header lines of replies. */
#include "http_header.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "wick/clock.h"

/* The value of header `name` in a line without its end, or NULL. */
static const char *header_value(const char *line, const char *name)
{
    size_t n = strlen(name);
    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    line += n + 1;
    return line + strspn(line, " \t");
}

/* A count of units of `unit_ns`, at most a day: a venue that says more is not believed. */
static int64_t wait_of(const char *text, int64_t unit_ns)
{
    char *end;
    double value = strtod(text, &end);
    double ns = value * (double)unit_ns;
    if (end == text || !(ns >= 0))
        return -1;
    return ns > 86400e9 ? 86400 * WK_NS_PER_S : (int64_t)ns;
}

/* The three forms of RFC 9110. -1: no date. Those that nanoseconds cannot hold (the year 2262) are
 * cut. */
static int64_t date_ns(const char *text)
{
    static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT",
                                        "%a %b %d %H:%M:%S %Y"};
    struct tm tm = {0};
    bool is_read = false;
    for (size_t i = 0; i < 3 && !is_read; i++) {
        tm = (struct tm){0};
        is_read = strptime(text, forms[i], &tm) != NULL;
    }
    if (!is_read)
        return -1;
    time_t at = timegm(&tm);
    if (at < 0)
        return -1;
    return at > INT64_MAX / WK_NS_PER_S ? INT64_MAX : (int64_t)at * WK_NS_PER_S;
}

static int64_t retry_after(const char *text, int64_t now_ns)
{
    int64_t wait_ns = wait_of(text, WK_NS_PER_S);
    if (wait_ns >= 0)
        return wait_ns;
    int64_t at_ns = date_ns(text);
    if (at_ns < 0)
        return -1;
    wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    return wait_ns < 86400 * WK_NS_PER_S ? wait_ns : 86400 * WK_NS_PER_S;
}

void wk__http_header(wk__http_head *head, const char *bytes, size_t n, int64_t now_ns)
{
    char line[256];
    size_t length = n < sizeof line - 1 ? n : sizeof line - 1;
    memcpy(line, bytes, length);
    line[length] = 0;
    line[strcspn(line, "\r\n")] = 0;
    const char *value;
    if (strncmp(line, "HTTP/", 5) == 0) { /* of an interim reply before: forget it */
        *head = (wk__http_head){.retry_ns = -1, .reset_ns = -1};
    } else if ((value = header_value(line, "Retry-After"))) {
        head->retry_ns = retry_after(value, now_ns);
    } else if ((value = header_value(line, "X-RATE-LIMIT-RESET"))) {
        head->reset_ns = wait_of(value, WK_NS_PER_S / 1000);
    } else if ((value = header_value(line, "Content-Type"))) {
        snprintf(head->content_type, sizeof head->content_type, "%.63s", value);
    } else if ((value = header_value(line, "Date"))) {
        int64_t at_ns = date_ns(value);
        head->server_time_ns = at_ns > 0 ? at_ns : 0;
    }
}
