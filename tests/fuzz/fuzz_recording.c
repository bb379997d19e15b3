/* libFuzzer target over the reader of recordings: the first byte says how the file ends, the rest
 * is its unpacked text. Messages that are given out are sound and in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_gz.h"
#include "wick/recording.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Once: a directory is read file by file in the order of the names, other names are left out. */
static void read_directory(void)
{
    static const char *const names[] = {"2023-10-05.wkr", "2023-10-04.wkr.gz", "other.txt"};
    char dir[] = "/tmp/wick-fuzz-XXXXXX", path[64];
    wk_recording *recording = NULL;
    wk_recorded m;
    size_t n = 0;
    if (!mkdtemp(dir))
        return;
    if (wk_recording_open(dir, &recording, NULL) != WK_E_NOT_FOUND)
        abort();
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        FILE *f = fopen(path, "w");
        if (f)
            fclose(f);
    }
    memory_gz_set(1, (const uint8_t *)"7 k < 2\nab\n", 11, 0);
    if (wk_recording_open(dir, &recording, NULL) != WK_OK)
        abort();
    while (wk_recording_next(recording, &m, NULL) == WK_OK)
        n++;
    wk_recording_close(recording);
    if (n != 2)
        abort();
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        remove(path);
    }
    remove(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static int is_read;
    if (!is_read)
        read_directory();
    is_read = 1;
    if (n == 0)
        return 0;
    wk_recording *recording = NULL;
    wk_recorded m;
    wk_err err = {0};
    int64_t before = 0;
    uint64_t sum = 0;
    memory_gz_set(0, bytes + 1, n - 1, bytes[0] & 1);
    if (wk_recording_open("/dev/null", &recording, &err) != WK_OK)
        abort();
    while (wk_recording_next(recording, &m, &err) == WK_OK) {
        if (m.receive_ns < before || !memchr(m.connection, 0, sizeof m.connection) ||
            !strchr("<>!", m.direction) || m.n >= n)
            abort();
        for (size_t i = 0; i <= m.n; i++)
            sum += (unsigned char)m.bytes[i];
        before = m.receive_ns;
    }
    if (!err.msg[0] || sum > n * 255)
        abort();
    wk_recording_close(recording);
    return 0;
}
