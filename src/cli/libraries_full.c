/* What wick links. */
#include <cblas.h>
#include <hdf5.h>
#include <jansson.h>
#include <omp.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <zlib.h>

#include "cli_internal.h"

static const char *version_hdf5(void)
{
    static char text[48];
    unsigned major, minor, release;
    if (H5get_libversion(&major, &minor, &release) < 0)
        return NULL;
    snprintf(text, sizeof text, "%u.%u.%u", major, minor, release);
    return text;
}

static const char *version_libcrypto(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

/* "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ... SkylakeX MAX_THREADS=64" */
static const char *version_openblas(void)
{
    return openblas_get_config();
}

static const char *version_openmp(void)
{
    static char text[48];
    snprintf(text, sizeof text, "%d, %d threads", _OPENMP, omp_get_max_threads());
    return text;
}

static const char *version_zlib(void)
{
    return zlibVersion();
}

const wk_cli_library wk_cli_libraries[] = {{"hdf5", version_hdf5},
                                           {"jansson", jansson_version_str},
                                           {"libcrypto", version_libcrypto},
                                           {"openblas", version_openblas},
                                           {"openmp", version_openmp},
                                           {"zlib", version_zlib},
                                           {0}};

wk_loop wk_cli_loop(const wk_cli *cli)
{
    return wk_loop_openmp(wk_cli_threads(cli));
}

const wk_store_reader *wk_cli_store(void)
{
    return &wk_dataset_store;
}
