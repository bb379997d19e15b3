/* Signatures equal the venues' published vectors; nonces never repeat; keys stay private. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "wick/clock.h"
#include "wick/sign.h"

static const char delta_secret[] = "7b6f39dcf660ec1c7c664f612c60410a2bd0c258416b498bf0311f94228f";
static const char kraken_secret[] =
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg==";
static const char futures_secret[] =
    "7zxMEF5p/Z8l2p2U7Ghv6x14Af+Fx+92tPgUdVQ748FOIrEoT9bgT+bTRfXc5pz8na+hL/QdrCVG7bh9KpT0eMTm";

static void test_delta_signatures_equal_the_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *method, *target, *body, *expected;
    } rows[] = {
        {"GET", "/v2/orders?product_id=1&state=open", "",
         "4e38dda3e6477092f360ba70399266d8145630b22bcc34c0ec7f804d5746877a"},
        {"POST", "/v2/orders",
         "{\"order_type\":\"limit_order\",\"size\":3,\"side\":\"buy\",\"limit_price\":\"0.0005\","
         "\"product_id\":16}",
         "21227523c4a51990f857251a8397466b975c46d9afecc62db9abbe5a92f43964"},
        {"DELETE", "/v2/orders", "{\"id\":13452112,\"product_id\":27}",
         "cfa1ca2b474e7c2d71ef63b974b070a2330aaa554d84e01b3fe3d387bae2b51d"},
        {"GET", "/v2/wallet/balances", "",
         "43df1e451b33a8ccc5789a00d6543784430665533f6b1a837ef67035f14aed4c"},
        {"GET", "/live", "", "ded5dbc0ebdbfba13e67d156ae2ed86a674396b933d27b3062b43848e3d6cf61"},
        /* the documentation's stale one: same algorithm, path without /v2 */
        {"GET", "/orders?product_id=1&state=open", "",
         "ad767fead0bdbe91ba1e4feb142079245fecd66aa5e47a70b40ba1a4c9b4e3db"},
    };
    char out[WK_SIGN_HEX];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        wk_sign_delta(delta_secret, rows[i].method, "1542110948", rows[i].target, rows[i].body,
                      strlen(rows[i].body), out);
        assert_string_equal(out, rows[i].expected);
    }
}

static void test_kraken_signatures_equal_the_vectors(void **state)
{
    (void)state;
    static const struct {
        const char *path, *nonce, *body, *expected;
    } rows[] = {
        {"/0/private/AddOrder", "1616492376594",
         "nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
         "4/dpxb3iT4tp/"
         "ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="},
        {"/0/private/Balance", "1616492376594", "nonce=1616492376594",
         "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/"
         "VgpEji3j1XNwI+HCbfXxmrTOg=="},
        {"/0/private/CancelAllOrdersAfter", "1616492376595", "nonce=1616492376595&timeout=60",
         "VHyqawV1QanayA6t1ETCR/s1H5XJLgrGOovoQPnCGdR7ImXDujyGnAM/6YVHuxYL/hchlrHQqdSECZ/"
         "QzlE1yA=="},
    };
    char out[WK_SIGN_BASE64];
    wk_err err;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(wk_sign_kraken(kraken_secret, rows[i].path, rows[i].nonce, rows[i].body,
                                        strlen(rows[i].body), out, &err),
                         WK_OK);
        assert_string_equal(out, rows[i].expected);
    }
}

static void test_kraken_futures_signatures_equal_the_vectors(void **state)
{
    (void)state;
    char out[WK_SIGN_BASE64];
    wk_err err;
    const char *data = "symbol=fi_xbtusd_180615";
    static const char *const paths[] = {"/api/v3/orderbook", "/derivatives/api/v3/orderbook"};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wk_sign_kraken_futures(futures_secret, paths[i], "1415957147987", data,
                                                strlen(data), out, &err),
                         WK_OK);
        assert_string_equal(
            out,
            "JHLjN8OUDYaXjHRGT0z4nUvJorORrXoL9omot4BK5ihtp6jKHPHfzX9MrpVjqAgKqGJejoO3gySwoVCMJQlx/"
            "Q==");
    }
    assert_int_equal(wk_sign_kraken_futures(futures_secret, "/api/v3/accounts", "1415957147987", "",
                                            0, out, &err),
                     WK_OK);
    assert_string_equal(
        out,
        "ar47HmgHaRy9Sx4pgny8d0JvjsPmPE1vDPwEb2c+42WPpLtRI4xcLAppaweKMoTpyJQxYZEPqCM5LK5SDaPdBA==");
    assert_int_equal(
        wk_sign_kraken_challenge(futures_secret, "c100b894-1729-464d-ace1-52dbce11db42", out, &err),
        WK_OK);
    assert_string_equal(
        out,
        "4JEpF3ix66GA2B+ooK128Ift4XQVtc137N9yeg4Kqsn9PI0Kpzbysl9M1IeCEdjg0zl00wkVqcsnG4bmnlMb3A==");
}

static void test_a_secret_that_is_no_base64_is_refused_without_printing_it(void **state)
{
    (void)state;
    char out[WK_SIGN_BASE64];
    wk_err err;
    assert_int_equal(
        wk_sign_kraken("not*base64*at*all", "/0/private/Balance", "1", "nonce=1", 7, out, &err),
        WK_E_CONFIG);
    assert_null(strstr(err.msg, "not*base64"));
}

static char folder[] = "/tmp/wick_sign_XXXXXX";

static int open_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : 1;
}

static int close_folder(void **state)
{
    (void)state;
    static const char *const names[] = {"nonce", "nonce.lock", "env"};
    char path[128];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void test_nonces_increase_across_restarts(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/nonce", folder);
    uint64_t last = 0;
    wk_err err;
    for (int start = 0; start < 3; start++) {
        wk_nonce *nonce = NULL, *second = NULL;
        assert_int_equal(wk_nonce_open(path, &nonce, &err), WK_OK);
        assert_int_equal(wk_nonce_open(path, &second, &err), WK_E_STATE);
        for (int i = 0; i < 1000; i++) {
            uint64_t next;
            assert_int_equal(wk_nonce_next(nonce, &next, &err), WK_OK);
            assert_true(next > last);
            assert_true(next > UINT64_C(1600000000000000));
            last = next;
        }
        wk_nonce_close(nonce);
    }
    FILE *f = fopen(path, "w"); /* a clock far ahead, as after a move from another machine */
    assert_non_null(f);
    fputs("4102444800000000\n", f);
    fclose(f);
    wk_nonce *nonce = NULL;
    assert_int_equal(wk_nonce_open(path, &nonce, &err), WK_OK);
    assert_int_equal(wk_nonce_next(nonce, &last, &err), WK_OK);
    assert_true(last > UINT64_C(4102444800000000));
    wk_nonce_close(nonce);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs("nonsense", f);
    fclose(f);
    assert_int_equal(wk_nonce_open(path, &nonce, &err), WK_E_DATA);
}

static void keep(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A number this many microseconds from now. */
static void keep_bound(const char *path, int64_t ahead_us)
{
    char text[32];
    snprintf(text, sizeof text, "%lld\n", (long long)(wk_clock_wall_ns() / 1000 + ahead_us));
    keep(path, text);
}

/* What is not a number is refused with the file and what to do, and is left as it is: a guess could
 * lie below a nonce that was used, and the venue refuses all until they are above it. */
static void test_a_corrupt_nonce_file_is_refused_and_kept(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n",
                                        "17000000000000",
                                        "1700000000000000 \n",
                                        "-1700000000000000\n",
                                        "1.7e15\n",
                                        "17000000000000000000000\n",
                                        "1700000000000000\n1700000000000001\n"};
    char path[128], now[64];
    snprintf(path, sizeof path, "%s/nonce", folder);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        wk_nonce *nonce = NULL;
        wk_err err;
        keep(path, texts[i]);
        assert_int_equal(wk_nonce_open(path, &nonce, &err), WK_E_DATA);
        assert_null(nonce);
        assert_non_null(strstr(err.msg, path));
        assert_non_null(strstr(err.msg, "write into it a number of microseconds above the last"));
        FILE *f = fopen(path, "r");
        size_t n = fread(now, 1, sizeof now - 1, f);
        fclose(f);
        now[n] = 0;
        assert_string_equal(now, texts[i]);
    }
    unlink(path);
}

/* The file as something that cannot be replaced, for root too. */
static void make_unwritable(const char *path)
{
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static void read_log(FILE *log, char *out, size_t size_bytes)
{
    fflush(stderr);
    rewind(log);
    size_t n = fread(out, 1, size_bytes - 1, log);
    out[n] = 0;
}

static void
test_an_unwritable_nonce_file_stops_only_nonces_that_a_restart_could_repeat(void **state)
{
    (void)state;
    char path[128], text[4096];
    snprintf(path, sizeof path, "%s/nonce", folder);
    FILE *log = tmpfile();
    int saved = dup(STDERR_FILENO);
    assert_true(log && saved >= 0);
    fflush(stderr);
    dup2(fileno(log), STDERR_FILENO);
    wk_nonce *nonce = NULL;
    wk_err err;
    uint64_t next = 0, last = 0;

    /* Nothing was ever kept: no nonce, and the venue is not asked. */
    unlink(path);
    wk_status first_open = wk_nonce_open(path, &nonce, &err);
    make_unwritable(path);
    wk_status first = wk_nonce_next(nonce, &next, &err);
    wk_nonce_close(nonce);
    rmdir(path);
    read_log(log, text, sizeof text);
    bool first_told = strstr(text, "no request until it can be written") != NULL;

    /* The clock is past what was kept: it goes on, strictly increasing, says so once, and writes
     * again when it can. */
    keep_bound(path, -10);
    wk_status past_open = wk_nonce_open(path, &nonce, &err), past = WK_OK;
    make_unwritable(path);
    int repeated = 0;
    for (int i = 0; i < 1000 && past == WK_OK; i++, last = next) {
        past = wk_nonce_next(nonce, &next, &err);
        repeated += next <= last;
    }
    rmdir(path);
    wk_status again = wk_nonce_next(nonce, &next, &err);
    repeated += next <= last;
    wk_nonce_close(nonce);
    nonce = NULL;
    struct stat st;
    bool is_kept = stat(path, &st) == 0 && S_ISREG(st.st_mode);
    read_log(log, text, sizeof text);
    const char *told = strstr(text, "goes on by the clock");
    bool told_once = told && !strstr(told + 1, "goes on by the clock");
    bool told_again = strstr(text, "is kept again") != NULL;

    /* A start before the bound of one that died: its numbers would be handed out again by the next
     * start, so there are none until the clock is there. */
    wk_status ahead_open = WK_E_IO, ahead = WK_OK;
    /* Once more with a later bound where this machine took so long that the clock was there. */
    for (int64_t ahead_us = 200000; ahead == WK_OK && ahead_us < 30000000; ahead_us *= 4) {
        if (nonce)
            wk_nonce_close(nonce);
        rmdir(path);
        keep_bound(path, ahead_us);
        ahead_open = wk_nonce_open(path, &nonce, &err);
        make_unwritable(path);
        ahead = wk_nonce_next(nonce, &next, &err);
    }
    wk_err why = err;
    wk_status later = WK_E_IO;
    for (int i = 0; i < 3000 && later != WK_OK; i++) {
        usleep(10000);
        later = wk_nonce_next(nonce, &next, &err);
    }
    uint64_t now = (uint64_t)(wk_clock_wall_ns() / 1000);
    wk_nonce_close(nonce);
    rmdir(path);

    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(log);
    assert_int_equal(first_open, WK_OK);
    assert_int_equal(first, WK_E_IO);
    assert_true(first_told);
    assert_int_equal(past_open, WK_OK);
    assert_int_equal(past, WK_OK);
    assert_int_equal(again, WK_OK);
    assert_int_equal(repeated, 0);
    assert_true(told_once && told_again && is_kept);
    assert_int_equal(ahead_open, WK_OK);
    assert_int_equal(ahead, WK_E_IO);
    assert_non_null(strstr(why.msg, "until the clock has passed the bound"));
    assert_int_equal(later, WK_OK);
    assert_true(next <= now);
}

static void write_env(const char *path, const char *text, unsigned mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    assert_int_equal(chmod(path, (mode_t)mode), 0);
}

static void test_keys_come_from_a_private_file_only(void **state)
{
    (void)state;
    char path[128];
    wk_err err;
    wk_keys keys = {0};
    snprintf(path, sizeof path, "%s/env", folder);
    unsetenv("WICK_T_KEY");
    unsetenv("WICK_T_SECRET");
    const char *text = "# keys\nWICK_T_KEYS=no\nexport WICK_T_KEY=SENTINELKEY\n"
                       "WICK_T_SECRET = no\nWICK_T_SECRET=\"SENTINELSECRET\"  \n";
    static const unsigned refused[] = {0644, 0640, 0604, 0660, 0601};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        write_env(path, text, refused[i]);
        assert_int_equal(wk_keys_read("WICK_T", path, &keys, &err), WK_E_CONFIG);
        assert_non_null(strstr(err.msg, "chmod 600"));
        assert_null(strstr(err.msg, "SENTINEL"));
        assert_string_equal(keys.key, "");
    }
    write_env(path, text, 0600);
    assert_int_equal(wk_keys_read("WICK_T", path, &keys, &err), WK_OK);
    assert_string_equal(keys.key, "SENTINELKEY");
    assert_string_equal(keys.secret, "SENTINELSECRET");
    wk_keys_forget(&keys);
    assert_string_equal(keys.secret, "");
    setenv("WICK_T_KEY", "FROMENVIRONMENT", 1);
    assert_int_equal(wk_keys_read("WICK_T", path, &keys, &err), WK_OK);
    assert_string_equal(keys.key, "FROMENVIRONMENT");
    setenv("WICK_T_KEY", "SENTINEL WITH BLANK", 1);
    assert_int_equal(wk_keys_read("WICK_T", path, &keys, &err), WK_E_CONFIG);
    assert_null(strstr(err.msg, "SENTINEL"));
    unsetenv("WICK_T_KEY");
    assert_int_equal(wk_keys_read("WICK_T", NULL, &keys, &err), WK_E_CONFIG);
    assert_non_null(strstr(err.msg, "WICK_T_KEY"));
    assert_int_equal(wk_keys_read("WICK_OTHER", path, &keys, &err), WK_E_CONFIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delta_signatures_equal_the_vectors),
        cmocka_unit_test(test_kraken_signatures_equal_the_vectors),
        cmocka_unit_test(test_kraken_futures_signatures_equal_the_vectors),
        cmocka_unit_test(test_a_secret_that_is_no_base64_is_refused_without_printing_it),
        cmocka_unit_test(test_nonces_increase_across_restarts),
        cmocka_unit_test(test_a_corrupt_nonce_file_is_refused_and_kept),
        cmocka_unit_test(
            test_an_unwritable_nonce_file_stops_only_nonces_that_a_restart_could_repeat),
        cmocka_unit_test(test_keys_come_from_a_private_file_only),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
