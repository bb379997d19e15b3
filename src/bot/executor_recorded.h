/* A venue that says again what one said before: the acknowledgements, fills and funding of a bot's
 * journal, each before the step that it came before. The same bars then lead to the same intents.
 */
#ifndef WICK_BOT_EXECUTOR_RECORDED_H
#define WICK_BOT_EXECUTOR_RECORDED_H

#include "wick/bot.h"

typedef struct wk_recorded_venue wk_recorded_venue;

/* Reads the journal of `dir`; it is not written to. Puts the journal's units of the markets into
 * config->instrument; *since_ns: the close before its first step, *cash_e8: its initial cash. */
WK_MUST_CHECK wk_status wk_recorded_venue_open(const char *dir, wk_bot_config *config,
                                               wk_recorded_venue **out, int64_t *since_ns,
                                               int64_t *cash_e8, wk_err *err);
/* After wk_bot_open: the venue is the bot's. */
WK_MUST_CHECK wk_status wk_recorded_venue_start(wk_recorded_venue *venue, wk_bot *bot, wk_err *err);
void wk_recorded_venue_close(wk_recorded_venue *venue);

#endif
