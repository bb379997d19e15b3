/* What the writer and the reader of recordings agree on beside the format. */
#ifndef WICK_VENUE_RECORDING_INTERNAL_H
#define WICK_VENUE_RECORDING_INTERNAL_H

enum { WK__RECORD_BYTES_MAX = 64 << 20 };

#endif
