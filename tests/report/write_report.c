/* write_report DOCUMENT.json OUT.html: the report of a document, for the page's test. */
#include <stdio.h>

#include "wick/report.h"

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    json_error_t problem;
    json_t *document = json_load_file(argv[1], 0, &problem);
    if (!document) {
        fprintf(stderr, "%s:%d: %s\n", argv[1], problem.line, problem.text);
        return 1;
    }
    wk_err err;
    wk_status status = wk_report_write(argv[2], document, &err);
    if (status != WK_OK)
        fprintf(stderr, "%s\n", err.msg);
    json_decref(document);
    return status != WK_OK;
}
