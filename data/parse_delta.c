#include "parse_internal.h"
void wk__parse_delta(wk_parser *p)
{
    (void)p;
}
