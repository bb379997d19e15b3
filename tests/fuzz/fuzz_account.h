/* A venue made of the fuzzer's bytes, in the place of wick/http.h, wick/websocket.h and the signer.
 */
#ifndef WICK_FUZZ_ACCOUNT_H
#define WICK_FUZZ_ACCOUNT_H

#include <stddef.h>
#include <stdint.h>

/* Replies, or events of the stream, with form feeds between them; borrowed. */
void fake_venue_set(const uint8_t *bytes, size_t n);
/* Gives the events to the handler of the stream that is open. */
void fake_stream_run(void);

#endif
