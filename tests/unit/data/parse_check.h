/* Test help: a parser whose events become lines of text, so that a frame and what it says stand
 * side by side in a test. */
#ifndef WICK_TEST_PARSE_CHECK_H
#define WICK_TEST_PARSE_CHECK_H

#include "wick/book.h"
#include "wick/parse.h"

/* One line an event; receive_ns is left out. */
void event_print(const wk_event *event, char *out, size_t size);

/* Parses one frame with these symbols ("A B C") and compares: `lines` are the events, each ended
 * by \n. Stops the test when they differ. */
void parse_expect(wk_dialect dialect, const char *symbols, const char *frame, const char *lines);
/* The frame is refused, and the message holds `reason`. */
void parse_refuse(wk_dialect dialect, const char *symbols, const char *frame, const char *reason);

/* A parser with these symbols. */
wk_parser *parser_of(wk_dialect dialect, const char *symbols);

/* A sink over a wk_book_follower that stops the test when the book fails. */
void follow_event(void *follower, const wk_event *event);

/* WICK_TEST_ROOT/path, gunzipped where needed, with a 0 byte behind it; NULL when WICK_TEST_ROOT is
 * not set (skip then). A file that is missing stops the test. The caller frees. */
char *real_file(const char *path);

#endif
