/* What wickd links. */
#include <jansson.h>
#include <openssl/crypto.h>

#include "cli_internal.h"

static const char *version_libcrypto(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const wk_cli_library wk_cli_libraries[] = {
    {"jansson", jansson_version_str}, {"libcrypto", version_libcrypto}, {0}};
