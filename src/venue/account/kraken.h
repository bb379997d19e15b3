/* What the files of an account at Kraken share: single exchanges, and the calls of wk_account that
 * have a file of their own. */
#ifndef WICK_VENUE_ACCOUNT_KRAKEN_H
#define WICK_VENUE_ACCOUNT_KRAKEN_H

#include "account.h"
#include "wick/clock.h"

#define WK__KRAKEN_DEADLINE_NS (5 * WK_NS_PER_S)

/* UNKNOWN, and why: the answer about `what` cannot be read. */
wk_request_result wk__kraken_odd(char *why, const char *what);
/* wk__kraken_send over the account's own connection. */
wk_request_result wk__kraken_call(wk__account *a, const char *path, const char *fields,
                                  wk__exchange *e, char *why);
/* The transaction id that the venue gave an order of ours. */
void wk__kraken_remember(wk__account *a, uint64_t client_id, const char *venue_id);
/* Sends AddOrder; frees the body. *txid [64] is "" when the order was only checked. */
wk_request_result wk__kraken_add_order(wk__account *a, wk_text *body, char *txid, int64_t *wait_ns,
                                       char *why);
wk_request_result wk__kraken_cancel(wk__account *a, uint64_t client_id, int64_t *wait_ns,
                                    char *why);

/* Calls of wk_account; see wick/account.h. */
wk_request_result wk__kraken_open_orders(void *self, wk_venue_order *out, size_t room, size_t *n,
                                         char *why);
wk_request_result wk__kraken_positions(void *self, wk_venue_position *out, size_t room, size_t *n,
                                       char *why);
wk_request_result wk__kraken_balance(void *self, int64_t *cash_e8, int64_t *equity_e8, char *why);
wk_request_result wk__kraken_protect_lots(void *self, uint32_t symbol, int64_t lots,
                                          int64_t stop_ticks, uint64_t client_id, bool is_new,
                                          int64_t *wait_ns, char *why);

#endif
