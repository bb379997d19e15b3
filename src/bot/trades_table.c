/* The table of trades, trades.csv or paper_trades.csv: a line for every round trip that has closed.
 * It is what the journal says; the table is never read back. */
#include <stdlib.h>
#include <string.h>

#include "bot_internal.h"
#include "wick/file.h"
#include "wick/ledger.h"
#include "wick/log.h"

static wk_status reopen(wk_bot *b, wk_err *err)
{
    b->trades = fopen(b->trades_path, "ae");
    return b->trades ? WK_OK
                     : wk_fail(err, WK_E_IO,
                               "cannot write %s; check the directory's rights and the disk's room",
                               b->trades_path);
}

/* It is appended to; a new one gets its header. */
wk_status wk__bot_table_open(wk_bot *b, wk_err *err)
{
    bool is_new = !wk_file_exists(b->trades_path);
    WK_TRY(reopen(b, err));
    if (is_new && (fputs(wk_trades_csv_header(), b->trades) < 0 || fflush(b->trades) != 0))
        return wk_fail(err, WK_E_IO,
                       "cannot write %s; check the directory's rights and the disk's room",
                       b->trades_path);
    return WK_OK;
}

/* A table is no reason to stop: the next start writes it anew from the journal. */
static void tell(wk_bot *b, bool failed)
{
    if (failed && !b->trades_told) {
        wk_log_write(WK_LOG_ERROR, "trade.table",
                     "path=%s why=\"cannot be written; the disk may be "
                     "full; the next start writes it whole\"",
                     b->trades_path);
        wk__bot_alert(b, WK_ALERT_ERROR, b->now_ns, "%s cannot be written", b->trades_path);
    }
    b->trades_told = failed;
}

void wk__bot_table_add(wk_bot *b, const wk_trade *trade)
{
    char line[512];
    if (!b->trades)
        return;
    wk_trades_csv_line(trade, wk_bot_market(b, trade->symbol)->symbol, line);
    bool failed = fputs(line, b->trades) < 0 || fflush(b->trades) != 0;
    if (failed)
        clearerr(b->trades);
    tell(b, failed);
}

bool wk__trades_change(wk_text *table, const char *symbol, const wk_trade changed[2])
{
    char before[512], after[512];
    size_t n = wk_trades_csv_line(&changed[0], symbol, before);
    wk_trades_csv_line(&changed[1], symbol, after);
    char *at = NULL;
    for (char *next = table->s; next && (next = strstr(next, before)); next += n)
        at = next;
    if (!at)
        return false;
    wk_text whole = {0};
    wk_text_add_bytes(&whole, table->s, (size_t)(at - table->s));
    wk_text_add(&whole, after);
    wk_text_add(&whole, at + n);
    free(table->s);
    *table = whole;
    return true;
}

static wk_status replace(wk_bot *b, const wk_text *table, wk_err *err)
{
    fclose(b->trades);
    b->trades = NULL;
    wk_err unopened;
    wk_status status = wk_file_write_atomic(b->trades_path, table->s, table->n, err);
    wk_status opened = reopen(b, status == WK_OK ? err : &unopened);
    return status == WK_OK ? opened : status;
}

void wk__bot_table_change(wk_bot *b, const wk_trade changed[2])
{
    wk_text table = {0};
    wk_err err;
    if (!b->trades)
        return;
    bool failed = wk_file_read(b->trades_path, &table.s, &table.n, &err) != WK_OK;
    table.capacity = table.n;
    if (!failed && wk__trades_change(&table, wk_bot_market(b, changed->symbol)->symbol, changed))
        failed = replace(b, &table, &err) != WK_OK;
    free(table.s);
    tell(b, failed);
}

wk_status wk__bot_table_write(wk_bot *b, const wk_text *table, bool others, wk_err *err)
{
    char *old = NULL;
    size_t n = 0;
    wk_err unread;
    if (!b->trades)
        return WK_OK;
    if (wk_file_read(b->trades_path, &old, &n, &unread) != WK_OK)
        old = NULL;
    bool same = old && n == table->n && memcmp(old, table->s, n) == 0;
    free(old);
    if (same)
        return WK_OK;
    if (others) {
        wk_log_write(WK_LOG_WARN, "bot.recover",
                     "table=%s why=\"the journal has trades of markets that the bot no longer has; "
                     "the table is left as it is\"",
                     b->trades_path);
        return WK_OK;
    }
    wk_log_write(WK_LOG_WARN, "bot.recover",
                 "table=%s why=\"it differed from the journal and is written anew\"",
                 b->trades_path);
    return replace(b, table, err);
}
