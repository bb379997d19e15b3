#include "tls_files.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_pem(const char *path, X509 *x, EVP_PKEY *key)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return 0;
    int good = x ? PEM_write_X509(f, x) : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    return fclose(f) == 0 && good;
}

static int add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    int good = e && X509_add_ext(x, e, -1);
    X509_EXTENSION_free(e);
    return good;
}

int tls_files_make(tls_files *files, const char *host)
{
    snprintf(files->dir, sizeof files->dir, "/tmp/wick-tls-XXXXXX");
    if (!mkdtemp(files->dir))
        return 0;
    snprintf(files->certificate, sizeof files->certificate, "%s/cert.pem", files->dir);
    snprintf(files->key, sizeof files->key, "%s/key.pem", files->dir);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    char alt[128];
    snprintf(alt, sizeof alt, "DNS:%s", host);
    int good = key && x && X509_set_version(x, 2) &&
               ASN1_INTEGER_set(X509_get_serialNumber(x), 1) &&
               X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&
               X509_gmtime_adj(X509_getm_notAfter(x), 86400) && X509_set_pubkey(x, key) &&
               X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                                          (const unsigned char *)host, -1, -1, 0) &&
               X509_set_issuer_name(x, X509_get_subject_name(x)) &&
               add_extension(x, NID_basic_constraints, "critical,CA:TRUE") &&
               add_extension(x, NID_subject_alt_name, alt) && X509_sign(x, key, EVP_sha256()) &&
               write_pem(files->certificate, x, NULL) && write_pem(files->key, NULL, key);
    X509_free(x);
    EVP_PKEY_free(key);
    return good;
}

void tls_files_remove(tls_files *files)
{
    unlink(files->certificate);
    unlink(files->key);
    rmdir(files->dir);
}
