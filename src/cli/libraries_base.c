/* What wickd links. */
#include <jansson.h>
#include <libwebsockets.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <zlib.h>

#include "cli_internal.h"

static const char *version_libcrypto(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

static const char *version_zlib(void)
{
    return zlibVersion();
}

const wk_cli_library wk_cli_libraries[] = {{"jansson", jansson_version_str},
                                           {"libcrypto", version_libcrypto},
                                           {"libwebsockets", lws_get_library_version},
                                           {"sqlite", sqlite3_libversion},
                                           {"zlib", version_zlib},
                                           {0}};

/* The infer halves start no threads. */
wk_loop wk_cli_loop(const wk_cli *cli)
{
    (void)cli;
    return (wk_loop){0};
}

/* Its fresh half: see data/store_small.c. */
const wk_store_reader *wk_cli_store(void)
{
    return &wk_dataset_store;
}
