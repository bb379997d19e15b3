/* The objectives' names and links, which prediction and the model files need. */
#include <string.h>

#include "forest.h"

static const struct {
    const char *name, *in_file;
    wk__gbdt_link link;
} objectives[WK_GBDT_OBJECTIVES] = {
    [WK_GBDT_SQUARED_ERROR] = {"reg:squarederror", NULL, WK__LINK_IDENTITY},
    [WK_GBDT_LOGISTIC] = {"binary:logistic", NULL, WK__LINK_LOGISTIC},
    [WK_GBDT_SOFTPROB] = {"multi:softprob", NULL, WK__LINK_SOFTMAX},
    [WK_GBDT_PSEUDO_HUBER] = {"reg:pseudohubererror", NULL, WK__LINK_IDENTITY},
    [WK_GBDT_HUBER] = {"huber", "reg:squarederror", WK__LINK_IDENTITY},
    [WK_GBDT_ABSOLUTE] = {"reg:absoluteerror", NULL, WK__LINK_IDENTITY},
    [WK_GBDT_QUANTILE] = {"reg:quantileerror", NULL, WK__LINK_IDENTITY},
    [WK_GBDT_POISSON] = {"count:poisson", NULL, WK__LINK_EXP},
    [WK_GBDT_RANK_NDCG] = {"rank:ndcg", NULL, WK__LINK_IDENTITY},
    [WK_GBDT_RANK_PAIRWISE] = {"rank:pairwise", NULL, WK__LINK_IDENTITY},
    [WK_GBDT_PROFIT] = {"profit", "multi:softprob", WK__LINK_SOFTMAX},
    [WK_GBDT_CUSTOM] = {"custom", "reg:squarederror", WK__LINK_IDENTITY}};

wk__gbdt_link wk__gbdt_link_of(int objective)
{
    return objectives[objective].link;
}

const char *wk__gbdt_objective_name(int objective)
{
    return objectives[objective].name;
}

const char *wk__gbdt_objective_name_in_file(int objective)
{
    return objectives[objective].in_file ? objectives[objective].in_file
                                         : objectives[objective].name;
}

int wk__gbdt_objective_of_name(const char *name)
{
    for (int i = 0; i < WK_GBDT_OBJECTIVES; i++)
        if (strcmp(objectives[i].name, name) == 0)
            return i;
    return -1;
}
