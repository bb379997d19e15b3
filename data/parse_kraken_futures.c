#include "parse_internal.h"
void wk__parse_kraken_futures(wk_parser *p)
{
    (void)p;
}
