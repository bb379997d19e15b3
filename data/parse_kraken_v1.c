#include "parse_internal.h"
void wk__parse_kraken_v1(wk_parser *p)
{
    (void)p;
}
