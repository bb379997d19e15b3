/* What a private request may say: the venues' documented calls as tables, transcribed from their
 * documentation alone. A request that has an unknown field, lacks one, or has one of another type
 * is a violation of the client. */
#ifndef VENUE_TRADE_SCHEMA_H
#define VENUE_TRADE_SCHEMA_H

#include <jansson.h>

#include "text.h"

typedef enum {
    FIELD_STRING,  /* words: the most characters */
    FIELD_INT,     /* a whole number >= 0 */
    FIELD_COUNT,   /* > 0 */
    FIELD_SIGNED,  /* 32 bits, with sign */
    FIELD_BOOL,    /* true or false */
    FIELD_DECIMAL, /* a string "123.45", > 0, without sign or exponent */
    FIELD_AMOUNT,  /* the same, 0 or with a sign as well */
    FIELD_WORD,    /* one of `words` */
    FIELD_WORDS,   /* a comma list of them */
    FIELD_INTS,    /* a comma list of at most 10 whole numbers */
    FIELD_TIME,    /* RFC 3339, in UTC */
    FIELD_NUMBER,  /* any JSON number or text: unix seconds, transaction ids */
    FIELD_OBJECT,  /* checked by the rule of its call */
    FIELD_LIST
} schema_type;

typedef struct {
    const char *name;
    schema_type type;
    int is_needed;
    const char *words;
} schema_field;

typedef struct {
    const char *method;
    const char *path;           /* a segment of a star stands for any */
    const schema_field *fields; /* up to a NULL name */
    /* What no single field shows: 0 and the reason in `why`, or 1. */
    int (*rule)(const json_t *said, char *field, char *why);
    int weight; /* Delta's quota; Kraken's call counter */
} schema_call;

/* Two buffers of a rule. */
enum { SCHEMA_FIELD = 64, SCHEMA_WHY = 200 };

extern const schema_call schema_delta[], schema_kraken[]; /* up to a NULL method */

/* The call, or NULL; *other_method tells that the path exists under another one. */
const schema_call *schema_find(const schema_call *calls, const char *method, const char *path,
                               int *other_method);
/* Checks the object; forms have texts for everything. Returns how many faults there are and writes
 * them to `why`, one a line; `field` is the first one's. */
int schema_check(const schema_call *call, const json_t *said, int is_form, char *field, text *why);
/* The fields of one object within a request. */
int schema_check_fields(const schema_field *fields, const json_t *said, int is_form, char *field,
                        text *why);

#endif
