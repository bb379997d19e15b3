#!/usr/bin/env python3
"""Contributions and importances that XGBoost 3.2 gives for its models in interchange/, for the first 60 rows of
rows.csv. Writes shap/NAME.contribs.csv (a line a row and output: each column, then the bias) and
shap/NAME.score.csv (a line a measure: weight, gain, cover, total_gain, total_cover; a number a column).

needs: pip install numpy xgboost (3.2)"""
import os

import numpy as np
import xgboost as xgb

HERE = os.path.dirname(os.path.abspath(__file__))
FROM = os.path.join(HERE, "interchange")
TO = os.path.join(HERE, "shap")
X = np.genfromtxt(os.path.join(FROM, "rows.csv"), delimiter=",").astype(np.float32)[:60]
os.makedirs(TO, exist_ok=True)
for name in ("softprob", "logistic", "squared", "dart", "categories", "onehot"):
    model = xgb.Booster(model_file=os.path.join(FROM, "xgboost_3.2.0_%s.json" % name))
    types = ["float", "float", "float", "c", "float"] if name in ("categories", "onehot") else None
    data = xgb.DMatrix(X, feature_types=types, enable_categorical=True)
    contribs = model.predict(data, pred_contribs=True)
    np.savetxt(os.path.join(TO, name + ".contribs.csv"), contribs.reshape(-1, X.shape[1] + 1), fmt="%.9g",
               delimiter=",")
    with open(os.path.join(TO, name + ".score.csv"), "w") as f:
        for measure in ("weight", "gain", "cover", "total_gain", "total_cover"):
            score = model.get_score(importance_type=measure)
            f.write(",".join("%.9g" % score.get("f%d" % k, 0) for k in range(X.shape[1])) + "\n")
