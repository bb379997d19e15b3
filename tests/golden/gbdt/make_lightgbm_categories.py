#!/usr/bin/env python3
"""LightGBM's stumps on columns of categories: lightgbm_care.csv holds label, two categories, a number and LightGBM's
prediction of each row, for test_gbdt_golden_more.c.

needs: pip install numpy lightgbm (made with 4.7.0)
usage: make_lightgbm_categories.py, in this folder
All categories have more than cat_smooth rows, so that the root weighs them all up; none is missing."""
import lightgbm
import numpy as np

random, n = np.random.default_rng(7), 1500
first, second = random.integers(0, 14, n), np.concatenate([np.repeat(np.arange(40), 12), random.integers(0, 40, n - 480)])
number = random.integers(0, 30, n)
effect = random.normal(size=40)
y = np.round(np.sin(first * 1.7) + 0.8 * effect[second] + 0.02 * number + random.normal(size=n), 3)
X = np.column_stack([first, second, number]).astype(np.float64)
model = lightgbm.train(dict(objective="regression", num_leaves=2, learning_rate=0.3, lambda_l2=1, min_data_in_leaf=1,
                            min_sum_hessian_in_leaf=1e-3, cat_smooth=10, cat_l2=10, min_data_per_group=100,
                            max_cat_threshold=32, max_cat_to_onehot=4, min_data_in_bin=1, num_threads=1, verbosity=-1),
                       lightgbm.Dataset(X, y, categorical_feature=[0, 1]), 12)
with open("lightgbm_care.csv", "w") as f:
    for row, label, p in zip(X, y, model.predict(X)):
        f.write("%.9g,%d,%d,%d,%.9g\n" % (np.float32(label), *row, p))
print(model.trees_to_dataframe()[["split_feature", "threshold"]].dropna().split_feature.value_counts())
