#include "gbdt/kernels/partition_body.h"
#include "gbdt/kernels/search_body.h"
#include "gbdt/kernels/shared_body.h"

const wk__gbdt_train_ops wk__gbdt_train_ops_c = {"c", search, mark, move, add_shared};
