/* Which side of a trade or of a book. */
#ifndef WICK_SIDE_H
#define WICK_SIDE_H

typedef enum { WK_SIDE_SELL = -1, WK_SIDE_BUY = 1 } wk_side;

#endif
