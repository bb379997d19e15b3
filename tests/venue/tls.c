#include "wire.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

/* A certificate of `key` named `name`, signed by `issuer` (NULL: by itself, as a CA). */
static X509 *make_cert(EVP_PKEY *key, const char *name, X509 *issuer, EVP_PKEY *issuer_key,
                       long serial, const char *flaw)
{
    X509 *cert = X509_new();
    if (!cert)
        return NULL;
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600 * 24);
    X509_gmtime_adj(X509_getm_notAfter(cert), strcmp(flaw, "expired") ? 3600 * 24 * 7 : -3600);
    X509_set_pubkey(cert, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, issuer ? X509_get_subject_name(issuer) : subject);
    bool ok;
    if (issuer)
        ok = add_extension(cert, issuer, NID_basic_constraints, "CA:FALSE") &&
             add_extension(cert, issuer, NID_ext_key_usage, "serverAuth") &&
             add_extension(cert, issuer, NID_subject_alt_name,
                           strcmp(flaw, "wrong-host") ? "DNS:localhost,IP:127.0.0.1,IP:::1"
                                                      : "DNS:example.org");
    else
        ok = add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE") &&
             add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
             add_extension(cert, cert, NID_subject_key_identifier, "hash");
    if (!ok || !X509_sign(cert, issuer ? issuer_key : key, EVP_sha256())) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

static bool write_cert(const char *path, X509 *cert)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    bool ok = PEM_write_X509(file, cert);
    return fclose(file) == 0 && ok;
}

SSL_CTX *wire_tls_create(const char *ca_path, const char *flaw, char *error, size_t error_size)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
    X509 *ca = NULL, *cert = NULL;
    flaw = flaw ? flaw : "";
    bool ok = tls && ca_key && key;
    ok = ok && (ca = make_cert(ca_key, "wick test CA", NULL, NULL, 1, "")) != NULL;
    ok = ok && (cert = make_cert(key, "localhost", ca, ca_key, 2, flaw)) != NULL;
    ok = ok && SSL_CTX_use_certificate(tls, cert) == 1 && SSL_CTX_use_PrivateKey(tls, key) == 1;
    ok = ok && SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1;
    if (ok && strcmp(flaw, "other-ca") == 0) {
        /* The file that clients trust names the same CA with another key. */
        X509_free(ca);
        ca = make_cert(key, "wick test CA", NULL, NULL, 1, "");
    }
    if (ok && !write_cert(ca_path, ca)) {
        snprintf(error, error_size, "cannot write %s; does the folder exist?", ca_path);
        ok = false;
    } else if (!ok) {
        snprintf(error, error_size, "OpenSSL could not make the certificates");
    }
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
    if (!ok) {
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return tls;
}
