/* wick serve: forecasts of trained models over HTTP, with a dashboard. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli_internal.h"
#include "stop_signal.h"
#include "wick/serve.h"

static int cmd_serve(const wk_cli *cli, wk_err *err)
{
    wk_arena arena;
    wk_serve_config config;
    wk_serve *serve = NULL;
    size_t n;
    const char *const *overrides = wk_cli_overrides(cli, &n);
    const char *text = wk_cli_option_value(cli, "seconds");
    char *end = NULL;
    long seconds = text ? strtol(text, &end, 10) : 0;
    if (text && (end == text || *end || seconds < 1 || seconds > 1000000000))
        return wk_fail(err, WK_E_ARG, "--seconds %.40s: write a whole number above 0", text);
    wk_arena_init(&arena);
    wk_status status = wk_config_load(&wk_serve_config_table, wk_cli_arg(cli, 0), overrides, n,
                                      &arena, &config, err);
    if (status == WK_OK)
        status = wk_serve_open(&config, getenv("WICK_SERVE_TOKEN"), &serve, err);
    if (status == WK_OK) {
        wk__stop_on_signals();
        wk__stop_on(SIGALRM);
        alarm((unsigned)seconds);
        const char *scheme = config.tls_cert[0] ? "https" : "http";
        bool is_v6 = false;
        for (const char *c = config.address; *c; c++)
            is_v6 |= *c == ':';
        printf(wk_cli_json(cli) ? "{\"url\": \"%s://%s%s%s:%d/\"}\n" : "%s://%s%s%s:%d/\n", scheme,
               is_v6 ? "[" : "", config.address, is_v6 ? "]" : "", wk_serve_port(serve));
        fflush(stdout);
        status = wk_serve_run(serve, &wk__stop, err);
    }
    wk_serve_close(serve);
    wk_arena_finish(&arena);
    return status;
}

static const wk_cli_option options[] = {
    {"seconds", "N", "stop after so many seconds; otherwise at SIGINT or SIGTERM"}, {.name = NULL}};

const wk_cli_command wk_cmd_serve = {
    .name = "serve",
    .usage = "CONFIG [--seconds N]",
    .summary = "answers requests for forecasts over HTTP, with a dashboard",
    .details = "Prints its address and serves until SIGINT or SIGTERM. POST /v1/predict takes one "
               "bar of a\n"
               "named session, raw candles or rows of features; /openapi.json describes all pages, "
               "/ is the\n"
               "dashboard of a bot's journal. A token in WICK_SERVE_TOKEN is needed unless the "
               "address is\n"
               "loopback: requests then carry Authorization: Bearer TOKEN.",
    .example = "wick serve configs/serve.json --seconds 3",
    .args_min = 1,
    .args_max = 1,
    .options = options,
    .run = cmd_serve};
