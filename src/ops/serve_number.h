/* Numbers in and out of the service: what strtod would read, and the shortest float that reads
 * back. */
#ifndef WICK_OPS_SERVE_NUMBER_H
#define WICK_OPS_SERVE_NUMBER_H

#include <stddef.h>

/* A JSON number [n] as the nearest double; 0 when it is too long or not finite. */
int wk__serve_number_read(const char *text, size_t n, double *out);

/* The shortest decimal that reads back (strtod, then float) to the bits of x, "null" when x is not
 * finite. `out` holds 32 bytes, no 0 byte is added. Returns the length. */
size_t wk__serve_float_write(float x, char *out);

#endif
