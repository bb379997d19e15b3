/* A person's wishes: a file beside the journal, read anew whenever it changes. What stands in it
 * holds, so a restart changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bot_internal.h"
#include "wick/clock.h"
#include "wick/file.h"
#include "wick/log.h"

enum { WISHES_MAX = 256, FILE_BYTES_MAX = 64 << 10 };

typedef struct {
    wk_trader_event event;
    char line[160];
} wish;

static wk_status parse_line(const wk_bot *b, char *line, wish *out, wk_err *err)
{
    static const struct {
        const char *word;
        wk_override what;
        int8_t side;
    } words[] = {{"flat", WK_OVERRIDE_FLAT, 0},
                 {"block", WK_OVERRIDE_BLOCK, 0},
                 {"buy", WK_OVERRIDE_FORCE, 1},
                 {"sell", WK_OVERRIDE_FORCE, -1}};
    char *save = NULL, *verb = strtok_r(line, " \t\r", &save),
         *market = strtok_r(NULL, " \t\r", &save), *until = strtok_r(NULL, " \t\r", &save),
         *time = strtok_r(NULL, " \t\r", &save);
    wk_trader_event e = {.kind = WK_TRADER_EVENT_OVERRIDE, .until_ns = WK_FOREVER};
    size_t i = 0, n = sizeof words / sizeof *words;
    while (i < n && strcmp(words[i].word, verb) != 0)
        i++;
    if (i == n || !market || (until && (strcmp(until, "until") != 0 || !time)))
        return wk_fail(err, WK_E_CONFIG,
                       "write flat, block, buy or sell, then a market or all, then perhaps: until "
                       "2026-01-31T08:00:00Z");
    if (time)
        WK_TRY(wk_time_parse(time, &e.until_ns, err));
    e.override = (uint8_t)words[i].what;
    e.side = words[i].side;
    e.symbol = WK_ALL_MARKETS;
    if (strcmp(market, "all") != 0) {
        size_t s = 0;
        while (s < b->S && strcmp(b->markets[s].symbol, market) != 0)
            s++;
        if (s == b->S)
            return wk_fail(err, WK_E_CONFIG, "the bot has no market %s", market);
        e.symbol = (uint32_t)s;
    } else if (e.side != 0) {
        return wk_fail(err, WK_E_CONFIG, "%s needs one market", verb);
    }
    out->event = e;
    return WK_OK;
}

static wk_status parse(const wk_bot *b, char *text, wish *wishes, size_t *n, wk_err *err)
{
    int number = 1;
    for (char *line = text, *next; line; line = next, number++) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        char *comment = strchr(line, '#');
        if (comment)
            *comment = '\0';
        if (line[strspn(line, " \t\r")] == '\0')
            continue;
        wk_status status =
            *n < WISHES_MAX ? WK_OK : wk_fail(err, WK_E_CONFIG, "at most %d wishes", WISHES_MAX);
        if (status == WK_OK) {
            snprintf(wishes[*n].line, sizeof wishes[*n].line, "%.150s", line);
            status = parse_line(b, line, &wishes[*n], err);
        }
        if (status != WK_OK) {
            wk_err why = *err;
            return wk_fail(err, WK_E_CONFIG, "%s:%d: %s", b->overrides_path, number, why.msg);
        }
        ++*n;
    }
    return WK_OK;
}

static wk_status say(wk_bot *b, const wk_trader_event *event, const char *line, wk_err *err)
{
    wk_trader_event e = *event;
    e.time_ns = b->now_ns;
    wk_journal_record note = {.kind = WK_JOURNAL_NOTE, .time_ns = b->now_ns};
    snprintf(note.text, sizeof note.text, "override %.180s", line);
    if (b->journal)
        wk_journal_put(b->journal, &note);
    wk_log_write(WK_LOG_INFO, "trade.override", "%s", line);
    return wk__bot_override(b, &e, err);
}

static wk_status apply(wk_bot *b, char *text, wk_err *err)
{
    wish *wishes = calloc(WISHES_MAX, sizeof *wishes);
    size_t n = 0;
    wk_err why;
    if (!wishes)
        return wk_fail(err, WK_E_NOMEM, "out of memory");
    wk_status status = WK_OK;
    if (parse(b, text, wishes, &n, &why) != WK_OK) {
        /* The wishes before it hold on: half of a file is nobody's wish. */
        wk_log_write(WK_LOG_ERROR, "trade.override", "error=\"%s\"", why.msg);
        wk__bot_alert(b, WK_ALERT_ERROR, b->now_ns, "the wishes cannot be read: %s", why.msg);
    } else {
        wk_trader_event clear = {.kind = WK_TRADER_EVENT_OVERRIDE,
                                 .symbol = WK_ALL_MARKETS,
                                 .override = WK_OVERRIDE_CLEAR};
        if (b->has_overrides)
            status = say(b, &clear, "clear all", err);
        for (size_t i = 0; i < n && status == WK_OK; i++)
            status = say(b, &wishes[i].event, wishes[i].line, err);
        b->has_overrides = n > 0;
    }
    free(wishes);
    return status;
}

wk_status wk__bot_wishes(wk_bot *b, wk_err *err)
{
    struct stat st;
    if (!b->overrides_path)
        return WK_OK;
    bool there = stat(b->overrides_path, &st) == 0;
    int64_t mark =
        there ? (int64_t)st.st_mtim.tv_sec * WK_NS_PER_S + st.st_mtim.tv_nsec + (int64_t)st.st_size
              : 0;
    if (mark == b->overrides_mark)
        return WK_OK;
    b->overrides_mark = mark;
    char *text = NULL;
    size_t n = 0;
    wk_err why;
    if (there && (st.st_size > FILE_BYTES_MAX ||
                  wk_file_read(b->overrides_path, &text, &n, &why) != WK_OK)) {
        wk_log_write(WK_LOG_ERROR, "trade.override", "file=%s error=\"cannot be read\"",
                     b->overrides_path);
        return WK_OK;
    }
    char none[1] = "";
    wk_status status = apply(b, text ? text : none, err);
    free(text);
    return status;
}
