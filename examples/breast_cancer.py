"""Logistic regression on the breast cancer data: cross-entropy, weighted cross-entropy and focal loss."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from symloss.generated import binary_cross_entropy_with_logits as bce
from symloss.generated import focal_with_logits as focal
from symloss.generated import weighted_binary_cross_entropy_with_logits as weighted

from .results import Array, Result

PENALTY = 1.0  # scikit-learn's C = 1: half the squared norm beside the sum of losses


def data() -> tuple[Array, Array, Array, Array]:
    """Return standardised inputs and targets of a fixed split; 1 is malignant, the rarer class."""
    x, y = load_breast_cancer(return_X_y=True)
    train, test, y_train, y_test = train_test_split(x, 1 - y, random_state=0, stratify=y)
    mean, scale = train.mean(0), train.std(0)
    return (train - mean) / scale, (test - mean) / scale, y_train, y_test


def fit(loss: ModuleType, x: Array, y: Array, **parameters: Any) -> Array:
    """Return coefficients and intercept, found with a trust region over Hessian-vector products."""

    def objective(w: Array) -> tuple[float, Array]:
        value, grad = loss.value_and_grad(x @ w[:-1] + w[-1], y, reduction="sum", **parameters)
        penalty = 0.5 * PENALTY * w[:-1] @ w[:-1]
        return float(value + penalty), np.append(x.T @ grad + PENALTY * w[:-1], grad.sum())

    def product(w: Array, v: Array) -> Array:
        z, along = x @ w[:-1] + w[-1], x @ v[:-1] + v[-1]
        hv = loss.hvp(z, y, v=along, reduction="sum", **parameters)
        return np.append(x.T @ hv + PENALTY * v[:-1], hv.sum())

    start = np.zeros(x.shape[1] + 1)
    return minimize(objective, start, jac=True, hessp=product, method="trust-ncg", options={"gtol": 1e-6}).x


def run() -> list[Result]:
    """Compare with scikit-learn on the test split."""
    x, x_test, y, y_test = data()
    peer = LogisticRegression(max_iter=10000, tol=1e-8).fit(x, y)
    heavy = LogisticRegression(max_iter=10000, tol=1e-8, class_weight={0: 1.0, 1: 3.0}).fit(x, y)
    z = _logits(fit(bce, x, y), x_test)
    z_weighted = _logits(fit(weighted, x, y, pos_weight=3.0), x_test)
    z_focal = _logits(fit(focal, x, y, alpha=0.5, gamma=1.0), x_test)
    name = "LogisticRegression"
    accuracy = accuracy_score(y_test, peer.predict(x_test))
    log_loss = float(bce.value(peer.decision_function(x_test), y_test))
    recall = recall_score(y_test, heavy.predict(x_test))
    auc = roc_auc_score(y_test, peer.decision_function(x_test))
    ours_recall = recall_score(y_test, z_weighted > 0)
    return [
        Result("breast cancer", "accuracy", accuracy_score(y_test, z > 0), accuracy, name, 0.0, True),
        Result("breast cancer", "log loss", float(bce.value(z, y_test)), log_loss, name, 1e-4, False),
        Result("breast cancer", "recall, weight 3", ours_recall, recall, f"{name}, class_weight", 0.0, True),
        Result("breast cancer", "AUC, focal", roc_auc_score(y_test, z_focal), auc, name, 0.005, True),
    ]


def _logits(w: Array, x: Array) -> Array:
    return x @ w[:-1] + w[-1]
