/* What `wick data report` found, between the command that measures and the page that shows. */
#ifndef WICK_CLI_DATA_REPORT_H
#define WICK_CLI_DATA_REPORT_H

#include "wick/quality.h"
#include "wick/store.h"
#include "wick/text.h"

enum { DATA_FINDINGS_MAX = 8, DATA_DAYS = 30 };

typedef enum { DATA_NOTE, DATA_WARN, DATA_BAD } data_tone;

typedef struct {
    data_tone tone;
    char text[200];
} data_finding;

typedef struct {
    wk_store_entry entry;
    wk_quality quality;
    size_t n_revised;                       /* bars with a replaced version */
    double revision_typical, revision_max;  /* of |change of close|, as seen to final */
    wk_revision largest[WK_QUALITY_MARKS];  /* as seen, by the size of that change */
    double largest_final[WK_QUALITY_MARKS]; /* the final closes */
    size_t n_largest;
    size_t revised_by_day[DATA_DAYS]; /* by arrival, the last one is `last_day_ns` */
    int64_t last_day_ns;              /* 0 without revisions */
    size_t n_findings;
    data_finding findings[DATA_FINDINGS_MAX];
} data_series;

typedef struct {
    const data_series *a, *b;
    int exact; /* the same quote, not only a dollar of another make */
    wk_quality_pair pair;
    size_t n_findings;
    data_finding findings[DATA_FINDINGS_MAX];
} data_pair;

typedef struct {
    const char *root;
    data_series *series; /* [n_series] */
    data_pair *pairs;    /* [n_pairs] */
    size_t n_series, n_pairs;
} data_report;

/* The whole page; t->s is the caller's to free. */
void data_page(const data_report *report, wk_text *t);

/* The charts, each one <svg>: data_charts.c. */
void data_chart_series(const data_series *s, wk_text *t);
void data_chart_strip(const data_series *s, wk_text *t); /* small, for a table */
void data_chart_pair(const data_pair *p, wk_text *t);
void data_chart_days(const data_series *s, wk_text *t);

/* "2024-06-30 23:45", without the time at midnight; out holds 32 bytes. */
char *data_time(int64_t time_ns, char out[32]);
/* "3 d 4 h"; out holds 32 bytes. */
char *data_span(int64_t ns, char out[32]);
/* A price with 6 significant digits. */
char *data_price(double price, char out[32]);

#endif
