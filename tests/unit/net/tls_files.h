/* A certificate for "localhost" and its key, made for one test run. */
#ifndef WICK_TESTS_TLS_FILES_H
#define WICK_TESTS_TLS_FILES_H

typedef struct {
    char dir[64];
    char certificate[96], key[96]; /* PEM files; the certificate signs itself: it is its own CA */
} tls_files;

/* For `host`; 0 when it cannot be made. */
int tls_files_make(tls_files *files, const char *host);
void tls_files_remove(tls_files *files);

#endif
