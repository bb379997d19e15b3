/* Keys of the service's configuration file. */
#include <stddef.h>

#include "wick/serve.h"

#define END                                                                                        \
    {                                                                                              \
        .key = NULL                                                                                \
    }

static const wk_cfg_row model_rows[] = {
    {"name", WK_CFG_STRING, offsetof(wk_serve_model_config, name), NULL, "\"\"", 0, 0, NULL, NULL,
     "as requests call it; empty: the name of its run directory"},
    {"dir", WK_CFG_STRING, offsetof(wk_serve_model_config, dir), NULL, NULL, 0, 0, NULL, NULL,
     "directory of a trained model, such as out/demo/model"},
    END};
static const wk_cfg_table model_table = {"models", "a model that is served",
                                         sizeof(wk_serve_model_config), model_rows};

static const wk_cfg_row rows[] = {
    {"address", WK_CFG_STRING, offsetof(wk_serve_config, address), NULL, "\"127.0.0.1\"", 0, 0,
     NULL, NULL, "IP address to listen on; all but loopback need a token in WICK_SERVE_TOKEN"},
    {"port", WK_CFG_INT, offsetof(wk_serve_config, port), NULL, "8080", 0, 65535, NULL, NULL,
     "TCP port; 0: any free one, which is printed"},
    {"models", WK_CFG_SECTIONS, offsetof(wk_serve_config, models), NULL, NULL, 0, 0, NULL,
     &model_table, "one model or several"},
    {"sessions_max", WK_CFG_INT, offsetof(wk_serve_config, sessions_max), NULL, "64", 1, 100000,
     NULL, NULL, "sessions kept; the one that was used least recently makes room"},
    {"body_bytes_max", WK_CFG_INT, offsetof(wk_serve_config, body_bytes_max), "bytes", "33554432",
     1024, 1073741824, NULL, NULL, "a longer request is refused"},
    {"batch_max", WK_CFG_INT, offsetof(wk_serve_config, batch_max), NULL, "1024", 1, 100000, NULL,
     NULL, "requests in one batch"},
    {"steps_max", WK_CFG_INT, offsetof(wk_serve_config, steps_max), "steps", "100000", 1, 10000000,
     NULL, NULL, "steps of one request, and steps that a hole in a session may have"},
    {"connections_max", WK_CFG_INT, offsetof(wk_serve_config, connections_max), NULL, "256", 1,
     60000, NULL, NULL, "connections at a time"},
    {"header_s", WK_CFG_REAL, offsetof(wk_serve_config, header_s), "s", "5", 1, 600, NULL, NULL,
     "a request's head must be here by then"},
    {"body_s", WK_CFG_REAL, offsetof(wk_serve_config, body_s), "s", "20", 1, 600, NULL, NULL,
     "a request's body must be here by then"},
    {"idle_s", WK_CFG_REAL, offsetof(wk_serve_config, idle_s), "s", "60", 1, 3600, NULL, NULL,
     "an idle connection is closed"},
    {"drain_s", WK_CFG_REAL, offsetof(wk_serve_config, drain_s), "s", "5", 0, 600, NULL, NULL,
     "when it stops: time for requests that have begun"},
    {"tls_cert", WK_CFG_STRING, offsetof(wk_serve_config, tls_cert), NULL, "\"\"", 0, 0, NULL, NULL,
     "PEM file of the certificate chain; empty: plain HTTP"},
    {"tls_key", WK_CFG_STRING, offsetof(wk_serve_config, tls_key), NULL, "\"\"", 0, 0, NULL, NULL,
     "PEM file of its private key"},
    {"journal", WK_CFG_STRING, offsetof(wk_serve_config, journal), NULL, "\"\"", 0, 0, NULL, NULL,
     "a bot's directory, whose journal the dashboard shows; empty: none"},
    {"store", WK_CFG_STRING, offsetof(wk_serve_config, store), NULL, "\"\"", 0, 0, NULL, NULL,
     "the candle store; empty: the default one"},
    {"venue", WK_CFG_STRING, offsetof(wk_serve_config, venue), NULL, "\"\"", 0, 0, NULL, NULL,
     "whose candles of the store the dashboard draws and the session \"store\" follows; empty: "
     "none"},
    {"reload_s", WK_CFG_REAL, offsetof(wk_serve_config, reload_s), "s", "5", 0, 86400, NULL, NULL,
     "how often the models' directories are looked at for a new generation; 0: never"},
    {"history_mib", WK_CFG_INT, offsetof(wk_serve_config, history_mib), "MiB", "1024", 0, 1048576,
     NULL, NULL,
     "room in the directory for temporary files for the steps of sessions, which warm a new "
     "generation; sessions beyond it warm it on the bars that come"},
    {"poll_s", WK_CFG_REAL, offsetof(wk_serve_config, poll_s), "s", "2", 0.1, 3600, NULL, NULL,
     "how often the journal and the store are looked at"},
    {"patience_s", WK_CFG_REAL, offsetof(wk_serve_config, patience_s), "s", "5", 0, 3600, NULL,
     NULL, "how long the newest stored bar waits for markets that lack it"},
    {"stale_bars", WK_CFG_INT, offsetof(wk_serve_config, stale_bars), "bars", "0", 0, 1000000, NULL,
     NULL,
     "with a venue: /readyz answers 503 while a model's newest stored bar closed longer ago than "
     "so "
     "many of its bars; 0: it does not look"},
    END};

const wk_cfg_table wk_serve_config_table = {"serve", "the service of trained models",
                                            sizeof(wk_serve_config), rows};
