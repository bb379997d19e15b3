/* What was built: the version and the commit it came from (with -dirty for uncommitted changes). */
#ifndef WICK_VERSION_H
#define WICK_VERSION_H

const char *wk_version(void);
const char *wk_commit(void);

#endif
