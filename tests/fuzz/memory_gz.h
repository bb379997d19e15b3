/* Stands in for zlib's reading of files, so that the readers of CSV.gz files and recordings can be
 * given bytes without a file: what the program defines comes before what zlib does. The file named
 * "/dev/null" is the first piece of memory, any other the second. */
#ifndef WICK_FUZZ_MEMORY_GZ_H
#define WICK_FUZZ_MEMORY_GZ_H

#include <stddef.h>
#include <stdint.h>

/* Borrowed until the next call. is_damaged: behind the last byte comes an error, not the end. */
void memory_gz_set(int file, const uint8_t *bytes, size_t n, int is_damaged);

#endif
