#include "wick/gbdt.h"

#define AT(field) offsetof(wk_gbdt_params, field)

static const wk_cfg_row rows[] = {
    {"objective", WK_CFG_ENUM, AT(objective), NULL, "\"multi:softprob\"", 0, 0,
     "reg:squarederror|binary:logistic|multi:softprob", NULL, "what is minimised"},
    {"num_class", WK_CFG_INT, AT(num_class), NULL, "3", 0, 10000, NULL, NULL,
     "number of classes of multi:softprob"},
    {"num_boost_round", WK_CFG_INT, AT(rounds), "rounds", "100", 0, 10000000, NULL, NULL,
     "boosting rounds; each grows a tree a class"},
    {"eta", WK_CFG_REAL, AT(eta), NULL, "0.1", 1e-6, 1, NULL, NULL, "learning rate"},
    {"grow_policy", WK_CFG_ENUM, AT(grow_policy), NULL, "\"lossguide\"", 0, 0,
     "depthwise|lossguide", NULL, "level by level, or the best leaf first"},
    {"max_depth", WK_CFG_INT, AT(max_depth), NULL, "0", 0, 64, NULL, NULL,
     "deepest level of a leaf; 0: no limit (lossguide only)"},
    {"max_leaves", WK_CFG_INT, AT(max_leaves), NULL, "31", 0, 1000000, NULL, NULL,
     "most leaves of a tree; 0: no limit (with max_depth only)"},
    {"max_bin", WK_CFG_INT, AT(max_bin), "bins", "255", 2, 255, NULL, NULL,
     "bins a feature; missing values have one more"},
    {"lambda", WK_CFG_REAL, AT(lambda), NULL, "1", 0, 1e300, NULL, NULL, "L2 on leaf weights"},
    {"alpha", WK_CFG_REAL, AT(alpha), NULL, "0", 0, 1e300, NULL, NULL, "L1 on leaf weights"},
    {"gamma", WK_CFG_REAL, AT(gamma), NULL, "0", 0, 1e300, NULL, NULL,
     "least loss change of a split"},
    {"min_child_weight", WK_CFG_REAL, AT(min_child_weight), NULL, "1", 0, 1e300, NULL, NULL,
     "least hessian sum of a leaf"},
    {"min_rows_leaf", WK_CFG_INT, AT(min_rows_leaf), "rows", "1", 0, 1000000000, NULL, NULL,
     "least rows of a leaf"},
    {"subsample", WK_CFG_REAL, AT(subsample), NULL, "1", 1e-6, 1, NULL, NULL,
     "share of the rows that a round uses"},
    {"colsample_bytree", WK_CFG_REAL, AT(colsample_bytree), NULL, "1", 1e-6, 1, NULL, NULL,
     "share of the columns that a tree uses"},
    {"early_stopping_rounds", WK_CFG_INT, AT(early_stopping_rounds), "rounds", "0", 0, 1000000, NULL,
     NULL, "stop after so many rounds without a better validation metric; 0: never"},
    {"base_score", WK_CFG_REAL, AT(base_score), NULL, "null", 0, 0, NULL, NULL,
     "first prediction (a probability for binary:logistic); null: the mean, 0 for multi:softprob"},
    {"seed", WK_CFG_INT, AT(seed), NULL, "0", 0, 9007199254740991.0, NULL, NULL,
     "of the row and column draws"},
    {NULL, WK_CFG_BOOL, 0, NULL, NULL, 0, 0, NULL, NULL, NULL}};

const wk_cfg_table wk_gbdt_params_table = {"params", "gradient-boosted trees, with XGBoost's names",
                                           sizeof(wk_gbdt_params), rows};
