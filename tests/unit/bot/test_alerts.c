/* Alerts against a stand-in for Telegram and Discord over TLS that answers by a script. */
#include "../data/temp.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alerts_internal.h"
#include "tls_files.h"
#include "wick/clock.h"

enum { TAKEN_MAX = 4096 };
#define TOKEN "123456:ABCsecret-token_x"
#define HOOK "whsecret-8_8_8"

typedef enum { OK, BUSY, BROKEN, VANISH, HANG, GONE, BAD } answer;

typedef struct {
    int fd, port;
    pthread_t thread;
    SSL_CTX *tls;
    tls_files files;
    pthread_mutex_t lock;
    const answer *script; /* of the first requests; OK after that */
    size_t n_script, n_requests;
    bool is_telegram;
    struct {
        long long id; /* of the text; accepted messages only */
        int64_t at_ns;
    } taken[TAKEN_MAX];
    size_t n_taken;
    char last[8192];
    volatile bool stop;
} server;

static long long id_in(const char *request)
{
    const char *hash = strstr(request, " #"), *dash = hash ? strchr(hash, '-') : NULL;
    return dash ? atoll(dash + 1) : -1;
}

static void take(server *s, const char *request)
{
    s->taken[s->n_taken].id = id_in(request);
    s->taken[s->n_taken++].at_ns = wk_clock_monotonic_ns();
}

static void reply(SSL *ssl, int status, const char *headers, const char *body)
{
    char text[1024];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %d X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     status, headers, strlen(body), body);
    SSL_write(ssl, text, n);
}

static void answer_one(server *s, SSL *ssl, const char *request)
{
    pthread_mutex_lock(&s->lock);
    answer how = s->n_requests < s->n_script ? s->script[s->n_requests] : OK;
    s->n_requests++;
    s->is_telegram = strstr(request, "/sendMessage ") != NULL;
    snprintf(s->last, sizeof s->last, "%s", request);
    if (how == OK || how == VANISH)
        take(s, request);
    pthread_mutex_unlock(&s->lock);
    if (how == OK && s->is_telegram)
        reply(ssl, 200, "", "{\"ok\":true,\"result\":{\"message_id\":1}}");
    else if (how == OK)
        reply(ssl, 200, "", "{\"id\":\"1\"}");
    else if (how == BUSY && s->is_telegram)
        reply(ssl, 429, "",
              "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many Requests: retry after "
              "1\",\"parameters\":{\"retry_after\":1}}");
    else if (how == BUSY)
        reply(
            ssl, 429, "Retry-After: 1\r\n",
            "{\"message\":\"You are being rate limited.\",\"retry_after\":0.65,\"global\":false}");
    else if (how == BROKEN)
        reply(ssl, 502, "", "<html>bad gateway</html>");
    else if (how == GONE)
        reply(ssl, 404, "", "{\"message\":\"Unknown Webhook\",\"code\":10015}");
    else if (how == BAD)
        reply(ssl, 400, "", "{\"message\":\"Invalid Form Body\",\"code\":50035}");
    else if (how == HANG)
        for (int i = 0; i < 200 && !s->stop; i++)
            usleep(20000);
}

static void *serve(void *context)
{
    server *s = context;
    while (!s->stop) {
        int c = accept(s->fd, NULL, NULL);
        if (c < 0)
            break;
        struct timeval patience = {.tv_sec = 5};
        setsockopt(c, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        SSL *ssl = SSL_new(s->tls);
        SSL_set_fd(ssl, c);
        if (SSL_accept(ssl) == 1) {
            char request[8192];
            size_t n = 0;
            for (;;) {
                int got = SSL_read(ssl, request + n, (int)(sizeof request - 1 - n));
                if (got <= 0)
                    break;
                n += (size_t)got;
                request[n] = 0;
                const char *end = strstr(request, "\r\n\r\n"),
                           *length = strstr(request, "Content-Length: ");
                if (end && length && n >= (size_t)(end + 4 - request) + (size_t)atoi(length + 16)) {
                    answer_one(s, ssl, request);
                    break;
                }
            }
        }
        SSL_free(ssl);
        close(c);
    }
    return NULL;
}

/* Connections are taken in, and answered once it is served. */
static void server_open(server *s, const answer *script, size_t n)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    memset(s, 0, sizeof *s);
    s->script = script;
    s->n_script = n;
    pthread_mutex_init(&s->lock, NULL);
    signal(SIGPIPE, SIG_IGN);
    assert_true(tls_files_make(&s->files, "localhost"));
    s->tls = SSL_CTX_new(TLS_server_method());
    assert_int_equal(SSL_CTX_use_certificate_file(s->tls, s->files.certificate, SSL_FILETYPE_PEM),
                     1);
    assert_int_equal(SSL_CTX_use_PrivateKey_file(s->tls, s->files.key, SSL_FILETYPE_PEM), 1);
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(s->fd, 8), 0);
    assert_int_equal(getsockname(s->fd, (struct sockaddr *)&address, &size), 0);
    s->port = ntohs(address.sin_port);
}

static void server_serve(server *s)
{
    assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_start(server *s, const answer *script, size_t n)
{
    server_open(s, script, n);
    server_serve(s);
}

static void server_stop(server *s)
{
    s->stop = true;
    shutdown(s->fd, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->fd);
    SSL_CTX_free(s->tls);
    tls_files_remove(&s->files);
    pthread_mutex_destroy(&s->lock);
}

static size_t taken(server *s)
{
    pthread_mutex_lock(&s->lock);
    size_t n = s->n_taken;
    pthread_mutex_unlock(&s->lock);
    return n;
}

static size_t times(const server *s, long long id)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n_taken; i++)
        n += s->taken[i].id == id;
    return n;
}

static char host[32];

static wk_alert_config config_for(const server *s, bool telegram)
{
    setenv("WICK_TELEGRAM_TOKEN", TOKEN, 1);
    if (telegram)
        unsetenv("WICK_DISCORD_WEBHOOK");
    else
        setenv("WICK_DISCORD_WEBHOOK", "https://discord.com/api/webhooks/42/" HOOK, 1);
    snprintf(host, sizeof host, "localhost:%d", s->port);
    return (wk_alert_config){.telegram_chat = telegram ? "-1001234567890123" : "",
                             .telegram_host = host,
                             .discord_host = host,
                             .per_minute_max = 6000,
                             .outbox = "",
                             .ca_file = s->files.certificate};
}

static wk_alerts *open_alerts(void **state, const wk_alert_config *config)
{
    wk_alerts *a = NULL;
    wk_err err = {0};
    wk_status status = wk_alerts_open(config, temp_path(state, "alerts.sqlite"), &a, &err);
    if (status != WK_OK)
        fail_msg("%s", err.msg);
    return a;
}

static void wait_taken(server *s, size_t n)
{
    for (int i = 0; i < 1500 && taken(s) < n; i++)
        usleep(10000);
    assert_true(taken(s) >= n);
}

/* stderr into a file, to look for secrets in it. */
static int hide_log(void **state)
{
    int log = open(temp_path(state, "log"), O_RDWR | O_CREAT | O_APPEND, 0600), before = dup(2);
    dup2(log, 2);
    close(log);
    return before;
}

static void check_log(void **state, int before, const char *wanted)
{
    char *text;
    size_t n;
    wk_err err;
    dup2(before, 2);
    close(before);
    assert_int_equal(wk_file_read(temp_path(state, "log"), &text, &n, &err), WK_OK);
    assert_null(strstr(text, "secret"));
    if (wanted)
        ASSERT_CONTAINS(text, wanted);
    free(text);
}

static void faults_lose_nothing(void **state, bool telegram)
{
    static const answer script[] = {OK, BUSY, OK, BROKEN, BROKEN, OK, VANISH, OK, OK};
    server s;
    int before = hide_log(state);
    server_start(&s, script, sizeof script / sizeof *script);
    wk_alert_config config = config_for(&s, telegram);
    wk_alerts *a = open_alerts(state, &config);
    for (int i = 1; i <= 12; i++) {
        char text[64];
        snprintf(text, sizeof text, "BTCUSD sold %d", i);
        assert_true(wk_alerts_send(a, WK_ALERT_FILL, text));
    }
    wait_taken(&s, 13);
    wk_alerts_close(a, WK_NS_PER_S);
    check_log(state, before, "channel=");
    size_t twice = 0;
    for (long long id = 1; id <= 12; id++) {
        assert_true(times(&s, id) >= 1);
        twice += times(&s, id) > 1;
    }
    assert_int_equal(s.n_taken, 13);
    assert_int_equal(twice, 1); /* the one that was taken and not answered */
    /* after the 429: at least what it asked for */
    int64_t gap = s.taken[1].at_ns - s.taken[0].at_ns;
    assert_true(gap >= (telegram ? WK_NS_PER_S : WK_NS_PER_S * 65 / 100));
    server_stop(&s);
}

static void test_telegram_faults_lose_nothing_and_repeat_only_the_unanswered(void **state)
{
    faults_lose_nothing(state, true);
}

static void test_discord_faults_lose_nothing_and_repeat_only_the_unanswered(void **state)
{
    faults_lose_nothing(state, false);
}

static void test_requests_have_the_venue_s_form(void **state)
{
    server s;
    server_start(&s, NULL, 0);
    wk_alert_config config = config_for(&s, true);
    wk_alerts *a = open_alerts(state, &config);
    wk_alerts_send(a, WK_ALERT_ERROR, "a \"quote\", a line\nand \xf0\x9f\x98\x80 and \xff bad");
    wait_taken(&s, 1);
    wk_alerts_close(a, WK_NS_PER_S);
    ASSERT_CONTAINS(s.last, "POST /bot" TOKEN "/sendMessage HTTP/1.1\r\n");
    ASSERT_CONTAINS(s.last, "Content-Type: application/json\r\n");
    ASSERT_CONTAINS(s.last, "{\"chat_id\":-1001234567890123,\"text\":\"[error #");
    ASSERT_CONTAINS(s.last, "a \\\"quote\\\", a line\\nand \xf0\x9f\x98\x80 and ? bad\"");
    config = config_for(&s, false);
    a = open_alerts(state, &config);
    wk_alerts_send(a, WK_ALERT_HALT, "halt");
    wait_taken(&s, 2);
    wk_alerts_close(a, WK_NS_PER_S);
    ASSERT_CONTAINS(s.last, "POST /api/webhooks/42/" HOOK "?wait=true HTTP/1.1\r\n");
    ASSERT_CONTAINS(s.last, "\"allowed_mentions\":{\"parse\":[]}");
    ASSERT_CONTAINS(s.last, "User-Agent: DiscordBot (");
    server_stop(&s);
}

/* A process is killed while it sends; its successor sends the rest. The process must be forked
 * while there is no other thread, which could hold the allocator's lock. */
static void test_kill_9_loses_nothing_that_reached_the_outbox(void **state)
{
    server s;
    server_open(&s, NULL, 0);
    wk_alert_config config = config_for(&s, true);
    config.per_minute_max = 3000;
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        wk_alerts *a = NULL;
        wk_err err;
        close(2);
        if (wk_alerts_open(&config, temp_path(state, "alerts.sqlite"), &a, &err) != WK_OK)
            _exit(1);
        for (int i = 1; i <= 60; i++)
            wk_alerts_send(a, WK_ALERT_FILL, "a fill");
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    char byte;
    server_serve(&s);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    wait_taken(&s, 7); /* the ring is in the outbox long since */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    size_t before = taken(&s);
    assert_true(before < 60);
    wk_alerts *a = open_alerts(state, &config);
    for (int i = 0; i < 1500; i++) {
        size_t distinct = 0;
        pthread_mutex_lock(&s.lock);
        for (long long id = 1; id <= 60; id++)
            distinct += times(&s, id) > 0;
        pthread_mutex_unlock(&s.lock);
        if (distinct == 60)
            break;
        usleep(10000);
    }
    wk_alerts_close(a, WK_NS_PER_S);
    size_t repeats = 0;
    for (long long id = 1; id <= 60; id++) {
        assert_true(times(&s, id) >= 1);
        repeats += times(&s, id) - 1;
    }
    assert_true(repeats <= 1); /* the one in flight at the kill */
    server_stop(&s);
}

static void test_a_dead_server_never_blocks_the_sender(void **state)
{
    static const answer script[] = {HANG, HANG};
    server s;
    int log = hide_log(state);
    server_start(&s, script, 2);
    wk_alert_config config = config_for(&s, true);
    wk_alerts *a = open_alerts(state, &config);
    int64_t worst = 0, accepted = 0;
    for (int i = 0; i < 2000; i++) {
        int64_t begin = wk_clock_monotonic_ns();
        accepted += wk_alerts_send(a, WK_ALERT_FILL, "a fill");
        int64_t took = wk_clock_monotonic_ns() - begin;
        worst = took > worst ? took : worst;
    }
    assert_true(accepted >= 256); /* the ring's room at least */
    assert_true(worst < 3 * WK_NS_PER_S);
    int64_t begin = wk_clock_monotonic_ns();
    wk_alerts_close(a, WK_NS_PER_S / 5);
    assert_true(wk_clock_monotonic_ns() - begin < 15 * WK_NS_PER_S);
    check_log(state, log, NULL);
    server_stop(&s);
}

static void test_the_limit_of_a_minute_is_kept(void **state)
{
    server s;
    server_start(&s, NULL, 0);
    wk_alert_config config = config_for(&s, true);
    wk_alerts *a = open_alerts(state, &config);
    wk_alerts_close(a, 0);
    wk__channel c;
    wk_err err;
    config.per_minute_max = 20;
    assert_int_equal(wk__channel_open(&config, WK__TELEGRAM, &c, &err), WK_OK);
    /* A virtual clock: as fast as the gate lets through, no minute has more than 20. */
    int64_t sent[200], now = 5;
    for (size_t i = 0; i < 200; i++) {
        now = now > c.gate_ns ? now : c.gate_ns;
        sent[i] = now;
        wk__channel_count(&c, now);
        if (i > 0)
            assert_true(sent[i] - sent[i - 1] >= WK_NS_PER_S);
        if (i >= 20)
            assert_true(sent[i] - sent[i - 20] >= 60 * WK_NS_PER_S);
    }
    server_stop(&s);
}

static void test_urgent_messages_go_first_and_stuck_ones_last(void **state)
{
    wk__outbox *o = NULL;
    wk__outbox_item item;
    wk_err err;
    bool found;
    assert_int_equal(wk__outbox_open(temp_path(state, "o.sqlite"), &o, &err), WK_OK);
    assert_int_equal(wk__outbox_add(o, WK_ALERT_SUMMARY, "s", 1, 1, &err), WK_OK);
    assert_int_equal(wk__outbox_add(o, WK_ALERT_FILL, "f", 2, 1, &err), WK_OK);
    assert_int_equal(wk__outbox_add(o, WK_ALERT_HALT, "h", 3, 3, &err), WK_OK);
    assert_int_equal(wk__outbox_next(o, WK__TELEGRAM, &item, &found, &err), WK_OK);
    assert_true(found && item.id == 3);
    for (int i = 0; i < 5; i++)
        assert_int_equal(wk__outbox_begin(o, WK__TELEGRAM, 3, &err), WK_OK);
    assert_int_equal(wk__outbox_next(o, WK__TELEGRAM, &item, &found, &err), WK_OK);
    assert_int_equal(item.id, 2);
    assert_int_equal(wk__outbox_end(o, WK__TELEGRAM, 2, NULL, &err), WK_OK);
    assert_int_equal(wk__outbox_end(o, WK__TELEGRAM, 1, NULL, &err), WK_OK);
    assert_int_equal(wk__outbox_next(o, WK__TELEGRAM, &item, &found, &err), WK_OK);
    assert_true(found && item.id == 3 && item.tries == 5);
    assert_int_equal(wk__outbox_end(o, WK__TELEGRAM, 3, "400 no", &err), WK_OK);
    assert_int_equal(wk__outbox_next(o, WK__TELEGRAM, &item, &found, &err), WK_OK);
    assert_false(found);
    assert_int_equal(wk__outbox_next(o, WK__DISCORD, &item, &found, &err), WK_OK);
    assert_true(found && item.id == 3);
    wk__outbox_close(o);
}

static void test_a_deleted_webhook_stops_the_channel_and_keeps_the_rest(void **state)
{
    static const answer script[] = {BAD, GONE};
    server s;
    int log = hide_log(state);
    server_start(&s, script, 2);
    wk_alert_config config = config_for(&s, false);
    wk_alerts *a = open_alerts(state, &config);
    for (int i = 0; i < 4; i++)
        wk_alerts_send(a, WK_ALERT_FILL, "x");
    for (int i = 0; i < 500 && s.n_requests < 2; i++)
        usleep(10000);
    usleep(200000);
    wk_alerts_close(a, WK_NS_PER_S);
    assert_int_equal(s.n_requests, 2);
    a = open_alerts(state, &config); /* somebody mended it: all but the refused one arrive */
    wait_taken(&s, 3);
    wk_alerts_close(a, WK_NS_PER_S);
    assert_int_equal(s.n_taken, 3);
    assert_int_equal(times(&s, 1), 0);
    check_log(state, log, "Unknown Webhook");
    server_stop(&s);
}

static void test_recorded_replies_lead_to_their_reactions(void **state)
{
    (void)state;
    wk__reaction r =
        wk__alert_react(WK__TELEGRAM, 429,
                        "{\"ok\":false,\"error_code\":429,\"description\":\"Too Many "
                        "Requests: retry after 5\",\"parameters\":{\"retry_after\":5}}",
                        -1);
    assert_true(r.verdict == WK__AGAIN && r.wait_ns == 5 * WK_NS_PER_S);
    r = wk__alert_react(WK__DISCORD, 429,
                        "{\"message\":\"You are being rate "
                        "limited.\",\"retry_after\":64.57,\"global\":false}",
                        65 * WK_NS_PER_S);
    assert_true(r.verdict == WK__AGAIN && r.wait_ns == INT64_C(64570000000));
    r = wk__alert_react(WK__DISCORD, 429, "<html>1015</html>", -1);
    assert_true(r.verdict == WK__AGAIN && r.wait_ns == 60 * WK_NS_PER_S);
    assert_int_equal(wk__alert_react(WK__DISCORD, 204, "", -1).verdict, WK__SENT);
    assert_int_equal(wk__alert_react(WK__TELEGRAM, 200, "{\"ok\":true}", -1).verdict, WK__SENT);
    assert_int_equal(wk__alert_react(WK__TELEGRAM, 200, "<html>", -1).verdict, WK__AGAIN);
    assert_int_equal(wk__alert_react(WK__TELEGRAM, 500, NULL, -1).verdict, WK__AGAIN);
    assert_int_equal(wk__alert_react(WK__TELEGRAM, 401, "{}", -1).verdict, WK__DISABLE);
    assert_int_equal(wk__alert_react(WK__DISCORD, 403, "{}", -1).verdict, WK__DISABLE);
    assert_int_equal(wk__alert_react(WK__DISCORD, 413, "{}", -1).verdict, WK__DROP);
    r = wk__alert_react(WK__TELEGRAM, 400,
                        "{\"ok\":false,\"error_code\":400,\"description\":\"Bad Request: group "
                        "chat was upgraded\",\"parameters\":{\"migrate_to_chat_id\":-100777}}",
                        -1);
    assert_true(r.verdict == WK__MIGRATED && r.chat == -100777);
    assert_int_equal(
        wk__alert_react(WK__TELEGRAM, 400, "{\"description\":\"Bad Request: chat not found\"}", -1)
            .verdict,
        WK__DISABLE);
}

static void test_a_secret_is_gone_whatever_it_is_made_of(void **state)
{
    (void)state;
    static const struct {
        const char *secret, *text, *left;
    } cases[] = {{"abc", "xabcabcy", "x******y"},     {"abc", "aabcbc", "a***bc"},
                 {"***", "a***b****", "a###b###*"},   {"***x", "***xx ***x", "###x ###"},
                 {"*#~. ", "GET /*#~. /me", "GET /"}, {"ab", "ab", "ab"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        snprintf(text, sizeof text, "%s", cases[i].text);
        wk__alert_redact(text, cases[i].secret);
        assert_string_equal(text, cases[i].left);
    }
}

static void test_bad_settings_are_refused(void **state)
{
    wk_alerts *a = NULL;
    wk_err err = {0};
    const char *kinds[] = {"fills"};
    wk_alert_config config = {.telegram_chat = "@c",
                              .telegram_host = "h",
                              .discord_host = "h",
                              .per_minute_max = 20,
                              .outbox = "",
                              .ca_file = ""};
    const char *outbox = temp_path(state, "x.sqlite");
    unsetenv("WICK_TELEGRAM_TOKEN");
    unsetenv("WICK_DISCORD_WEBHOOK");
    assert_int_equal(wk_alerts_open(&config, outbox, &a, &err), WK_E_CONFIG);
    ASSERT_CONTAINS(err.msg, "WICK_TELEGRAM_TOKEN");
    config.telegram_chat = "";
    setenv("WICK_DISCORD_WEBHOOK", "https://example.com/x?secret", 1);
    assert_int_equal(wk_alerts_open(&config, outbox, &a, &err), WK_E_CONFIG);
    assert_null(strstr(err.msg, "secret"));
    unsetenv("WICK_DISCORD_WEBHOOK");
    config.kinds = (wk_strings){kinds, 1};
    assert_int_equal(wk_alerts_open(&config, outbox, &a, &err), WK_E_CONFIG);
    ASSERT_CONTAINS(err.msg, "fill stop halt");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, temp_setup, temp_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        /* First: it forks, and lookups of names leave threads behind. */
        CASE(test_kill_9_loses_nothing_that_reached_the_outbox),
        CASE(test_telegram_faults_lose_nothing_and_repeat_only_the_unanswered),
        CASE(test_discord_faults_lose_nothing_and_repeat_only_the_unanswered),
        CASE(test_requests_have_the_venue_s_form),
        CASE(test_a_dead_server_never_blocks_the_sender),
        CASE(test_the_limit_of_a_minute_is_kept),
        CASE(test_urgent_messages_go_first_and_stuck_ones_last),
        CASE(test_a_deleted_webhook_stops_the_channel_and_keeps_the_rest),
        CASE(test_recorded_replies_lead_to_their_reactions),
        CASE(test_a_secret_is_gone_whatever_it_is_made_of),
        CASE(test_bad_settings_are_refused),
    };
    return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
