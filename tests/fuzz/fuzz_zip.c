/* libFuzzer target over the zip reader: the input is a whole archive, given as a file in memory.
 * Each name is read to its end; what comes must have the length and the checksum that the archive
 * says. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../data/zip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int fd = -1;
    static char path[64];
    char **names, buffer[512];
    size_t n_names = 0;
    if (fd < 0) {
        fd = memfd_create("zip", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, (off_t)n) != 0 || pwrite(fd, bytes, n, 0) != (ssize_t)n)
        abort();
    if (wk__zip_names(path, &names, &n_names, NULL) == WK_OK) {
        for (size_t i = 0; i < n_names; i++) {
            wk__zip *zip = NULL;
            if (i < 4 && wk__zip_open(path, names[i], &zip, NULL) == WK_OK) {
                size_t got = 1, total = 0;
                while (got > 0 && total < 1 << 20 &&
                       wk__zip_read(zip, buffer, sizeof buffer, &got, NULL) == WK_OK)
                    total += got;
                wk__zip_close(zip);
            }
            free(names[i]);
        }
        free(names);
    }
    /* Without a name an archive is its only file. */
    wk__zip *only = NULL;
    if (wk__zip_open(path, NULL, &only, NULL) == WK_OK)
        wk__zip_close(only);
    return 0;
}
