/* The journal: what was durable survives, what it believes adds up, and a full disk holds entries
 * back. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "wick/journal.h"

static char dir[] = "/tmp/wick-journal-XXXXXX";
static char path[128];
static const wk_trade_instrument btc = {"BTCUSD", 0.5, 0.001, 1}, eth = {"ETHUSD", 0.05, 0.01, 1};

static int set_up(void **state)
{
    (void)state;
    strcpy(dir + strlen(dir) - 6, "XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/journal.sqlite", dir);
    return 0;
}

static int tear_down(void **state)
{
    char command[160];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command);
}

static wk_journal *open_journal(void)
{
    wk_journal *j = NULL;
    wk_err err = {0};
    if (wk_journal_open(path, &j, &err) || wk_journal_market(j, 0, "paper", "BTCUSD", &btc, &err) ||
        wk_journal_market(j, 1, "paper", "ETHUSD", &eth, &err))
        fail_msg("%s", err.msg);
    return j;
}

static void put_order(wk_journal *j, uint64_t id, uint32_t market, int side, int64_t lots,
                      int64_t stop)
{
    wk_journal_record r = {.kind = WK_JOURNAL_ORDER,
                           .market = market,
                           .order_id = id,
                           .side = (int8_t)side,
                           .qty_lots = lots,
                           .stop_ticks = stop,
                           .state = "planned"};
    assert_true(wk_journal_put(j, &r) > 0);
}

static void put_fill(wk_journal *j, uint64_t id, uint32_t market, int side, int64_t lots,
                     int64_t ticks, const char *fill)
{
    wk_journal_record r = {.kind = WK_JOURNAL_FILL,
                           .market = market,
                           .order_id = id,
                           .side = (int8_t)side,
                           .qty_lots = lots,
                           .price_ticks = ticks};
    snprintf(r.venue_id, sizeof r.venue_id, "%s", fill);
    assert_true(wk_journal_put(j, &r) > 0);
}

static void put_state(wk_journal *j, uint64_t id, const char *state)
{
    wk_journal_record r = {.kind = WK_JOURNAL_ORDER_STATE, .order_id = id};
    snprintf(r.state, sizeof r.state, "%s", state);
    assert_true(wk_journal_put(j, &r) > 0);
}

static void test_orders_fills_and_positions_add_up_after_a_restart(void **state)
{
    (void)state;
    wk_journal *j = open_journal();
    wk_err err = {0};
    put_order(j, 11, 0, 1, 10, 900);
    put_state(j, 11, "working");
    put_fill(j, 11, 0, 1, 4, 1000, "f1");
    put_fill(j, 11, 0, 1, 4, 1000, "f1"); /* the stream says it twice */
    put_fill(j, 11, 0, 1, 2, 1030, "f2");
    put_order(j, 12, 1, -1, 5, 0);
    put_state(j, 12, "refused");
    put_order(j, 13, 1, 1, 7, 0); /* never heard of again */
    put_order(j, 14, 1, -1, 3, 0);
    put_fill(j, 14, 1, -1, 3, 2000, "f3");
    put_fill(j, 15, 1, 1, 3, 1990, "f4");
    wk_journal_record funding = {.kind = WK_JOURNAL_FUNDING, .amount_e8 = -5, .venue_id = "p1"};
    assert_true(wk_journal_put(j, &funding) > 0);
    wk_journal_record equity = {.kind = WK_JOURNAL_EQUITY, .equity_e8 = 105, .cash_e8 = 99};
    wk_journal_put(j, &equity);
    assert_int_equal(wk_journal_sync(j, &err), WK_OK);
    wk_journal_close(j);

    j = open_journal();
    wk_journal_open_order *orders;
    wk_journal_position *held;
    size_t n, m;
    int64_t cash;
    bool has;
    assert_int_equal(wk_journal_recover(j, &orders, &n, &held, &m, &cash, &err), WK_OK);
    assert_int_equal(n, 2);
    assert_int_equal(orders[0].order.order_id, 11);
    assert_string_equal(orders[0].state, "working");
    assert_int_equal(orders[0].filled_lots, 6);
    assert_int_equal(orders[1].order.order_id, 13);
    assert_string_equal(orders[1].state, "");
    assert_int_equal(orders[1].order.market, 1);
    assert_int_equal(m, 1);
    assert_int_equal(held[0].market, 0);
    assert_int_equal(held[0].qty_lots, 6);
    assert_int_equal(held[0].entry_ticks, 1010);
    assert_int_equal(held[0].stop_ticks, 900);
    assert_int_equal(cash, 99);
    assert_int_equal(wk_journal_has_fill(j, "f2", &has, &err), WK_OK);
    assert_true(has);
    assert_int_equal(wk_journal_has_fill(j, "p1", &has, &err), WK_OK);
    assert_true(has);
    assert_int_equal(wk_journal_has_fill(j, "f9", &has, &err), WK_OK);
    assert_false(has);
    free(orders);
    free(held);
    wk_journal_close(j);
}

/* A child says which numbers are durable and is killed: none of these may be missing. */
static void test_what_was_durable_survives_kill_9(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) {
        int pipes[2];
        assert_int_equal(pipe(pipes), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            wk_journal *j = NULL;
            wk_err err;
            close(pipes[0]);
            if (wk_journal_open(path, &j, &err))
                _exit(1);
            for (uint64_t i = 1;; i++) {
                wk_journal_record r = {.kind = WK_JOURNAL_ORDER,
                                       .order_id = (uint64_t)(round + 1) << 32 | i,
                                       .qty_lots = 1,
                                       .state = "planned"};
                while (wk_journal_put(j, &r) == 0)
                    usleep(100);
                uint64_t durable = wk_journal_durable(j);
                if (write(pipes[1], &durable, sizeof durable) != sizeof durable)
                    _exit(1);
                usleep(20);
            }
        }
        close(pipes[1]);
        usleep(60000 + (useconds_t)round * 17000);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        uint64_t durable = 0, told;
        while (read(pipes[0], &told, sizeof told) == sizeof told)
            durable = told;
        close(pipes[0]);
        wk_journal *j = open_journal();
        wk_journal_open_order *orders;
        wk_journal_position *held;
        size_t n, m;
        int64_t cash;
        wk_err err = {0};
        assert_int_equal(wk_journal_recover(j, &orders, &n, &held, &m, &cash, &err), WK_OK);
        uint64_t mine = 0;
        for (size_t i = 0; i < n; i++)
            mine += orders[i].order.order_id >> 32 == (uint64_t)(round + 1);
        assert_true(mine >= durable);
        free(orders);
        free(held);
        wk_journal_close(j);
    }
}

/* A file size limit stands in for a full disk. */
static void test_a_full_disk_is_told_and_nothing_counts_as_durable(void **state)
{
    (void)state;
    wk_journal *j = open_journal();
    wk_err err = {0};
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    put_order(j, 1, 0, 1, 1, 0);
    assert_int_equal(wk_journal_sync(j, &err), WK_OK);
    small = before;
    small.rlim_cur = 4096;
    setrlimit(RLIMIT_FSIZE, &small);
    uint64_t durable = wk_journal_durable(j);
    for (uint64_t i = 2; i < 400; i++)
        put_order(j, i, 0, 1, 1, 0);
    assert_int_equal(wk_journal_sync(j, &err), WK_E_IO);
    assert_non_null(strstr(err.msg, "cannot be written"));
    assert_true(wk_journal_durable(j) == durable);
    setrlimit(RLIMIT_FSIZE, &before);
    for (int i = 0; i < 100 && wk_journal_sync(j, &err) != WK_OK; i++)
        usleep(50000);
    assert_int_equal(wk_journal_sync(j, &err), WK_OK); /* room again: nothing was lost */
    wk_journal_close(j);
}

static void test_a_file_that_is_no_journal_is_refused(void **state)
{
    (void)state;
    wk_journal *j = NULL;
    wk_err err = {0};
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 1000; i++)
        fputs("this is no database\n", f);
    fclose(f);
    assert_int_equal(wk_journal_open(path, &j, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "move it aside"));
    assert_int_equal(wk_journal_open("/nonexistent/j.sqlite", &j, &err), WK_E_IO);
}

static void test_other_units_of_a_market_are_refused(void **state)
{
    (void)state;
    wk_journal *j = open_journal();
    wk_err err = {0};
    wk_trade_instrument other = btc;
    other.tick = 0.1;
    assert_int_equal(wk_journal_market(j, 0, "paper", "BTCUSD", &other, &err), WK_E_DATA);
    assert_non_null(strstr(err.msg, "tick 0.5"));
    wk_journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_orders_fills_and_positions_add_up_after_a_restart,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_was_durable_survives_kill_9, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_disk_is_told_and_nothing_counts_as_durable,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_that_is_no_journal_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_other_units_of_a_market_are_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
