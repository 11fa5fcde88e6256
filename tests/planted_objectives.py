"""Objectives as people write them: each with one mistake, as in threads of XGBoost and LightGBM, and right ones."""

from __future__ import annotations

from typing import Any

import numpy as np


def _sigmoid(z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-z))


def _softmax(z: Any) -> Any:
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sign_flipped(y_true: Any, y_pred: Any) -> Any:  # xgboost#2602, #3037
    residual = y_true - y_pred
    return 2 * residual, 2 * np.ones_like(residual)


def chain_rule_missing(y_true: Any, y_pred: Any) -> Any:  # LightGBM#2052
    p = _sigmoid(y_pred)
    return (p - y_true) / (p * (1 - p)), p * (1 - p)


def raw_scores_as_probabilities(preds: Any, train_data: Any) -> Any:  # xgboost#2995
    labels = train_data.get_label()
    grad = preds - labels
    hess = preds * (1.0 - preds)
    return grad, hess


def factor_two(y_true: Any, y_pred: Any) -> Any:  # xgboost#10258
    return 4 * (y_pred - y_true), np.full_like(y_pred, 2.0)


def half_of_it(y_true: Any, y_pred: Any) -> Any:  # xgboost#2345
    return y_pred - y_true, np.full_like(y_pred, 1.0)


def mean_not_sum(y_true: Any, y_pred: Any) -> Any:
    p = _sigmoid(y_pred)
    return (p - y_true) / len(y_true), p * (1 - p) / len(y_true)


def constant_hessian(y_true: Any, y_pred: Any) -> Any:
    p = _sigmoid(y_pred)
    return p - y_true, np.full_like(p, 0.25)


def bound_of_softmax(preds: Any, data: Any) -> Any:  # xgboost#10105
    labels = data.get_label().astype(int)
    p = _softmax(preds)
    grad = p - np.eye(p.shape[1])[labels]
    hess = 2 * p * (1 - p)
    return grad, hess


def overflows(y_true: Any, y_pred: Any) -> Any:
    p = np.exp(y_pred) / (1 + np.exp(y_pred))
    return p - y_true, p * (1 - p)


def arguments_swapped(y_pred: Any, y_true: Any) -> Any:
    p = _sigmoid(y_pred)
    return p - y_true, p * (1 - p)


def negative_hessian(y_true: Any, y_pred: Any) -> Any:  # xgboost#2602
    return 2 * (y_pred - y_true), -2 * np.ones_like(y_pred)


def sigmoid_twice(y_true: Any, y_pred: Any) -> Any:
    p = _sigmoid(_sigmoid(y_pred))
    return p - y_true, p * (1 - p)


def labels_of_minus_one(y_true: Any, y_pred: Any) -> Any:  # xgboost#2072
    grad = -y_true * _sigmoid(-y_true * y_pred)
    hess = y_true**2 * _sigmoid(y_pred) * _sigmoid(-y_pred)
    return grad, hess


def weights_ignored(y_true: Any, y_pred: Any, weight: Any) -> Any:
    p = _sigmoid(y_pred)
    return p - y_true, p * (1 - p)


def wrong_order(y_true: Any, y_pred: Any) -> Any:
    p = _sigmoid(y_pred)
    return p * (1 - p), p - y_true


def transposed(preds: Any, data: Any) -> Any:
    p = _softmax(preds)
    grad = p - np.eye(p.shape[1])[data.get_label().astype(int)]
    return grad.ravel(order="F"), (p * (1 - p)).ravel(order="F")


def half_and_flipped(y_true: Any, y_pred: Any) -> Any:
    return y_true - y_pred, np.ones_like(y_pred)


def square_of_gradient(y_true: Any, y_pred: Any) -> Any:
    grad = _sigmoid(y_pred) - y_true
    return grad, grad**2


def wrong_branch(y_true: Any, y_pred: Any) -> Any:
    p = np.where(y_pred > 2.0, 1.0, _sigmoid(y_pred))
    return p - y_true, np.where(y_pred > 2.0, 0.0, p * (1 - p))


def something_else(y_true: Any, y_pred: Any) -> Any:
    return np.sin(y_pred) + y_true, np.cos(y_pred)


def right_logistic(y_true: Any, y_pred: Any) -> Any:
    p = _sigmoid(y_pred)
    return p - y_true, p * (1 - p)


def right_clipped(preds: Any, data: Any) -> Any:
    p = np.clip(_sigmoid(preds), 1e-15, 1 - 1e-15)
    return p - data.get_label(), np.maximum(p * (1 - p), 1e-16)


def right_squared(y_true: Any, y_pred: Any) -> Any:
    return 2 * (y_pred - y_true), np.full(y_pred.shape, 2.0)


def right_absolute(y_true: Any, y_pred: Any) -> Any:
    return np.sign(y_pred - y_true), np.zeros(len(y_true))


def right_softmax(y_true: Any, y_pred: Any) -> Any:
    p = _softmax(y_pred)
    p[np.arange(len(p)), y_true.astype(int)] -= 1
    q = _softmax(y_pred)
    return p, q * (1 - q)


def right_weighted(preds: Any, data: Any) -> Any:
    p, labels, weight = _sigmoid(preds.astype(np.float32)), data.get_label(), data.get_weight()
    weight = weight if len(weight) else np.ones_like(labels)
    return weight * (p - labels), weight * p * (1 - p)


def right_focal(y_true: Any, y_pred: Any) -> Any:
    """Focal loss with alpha 0.25 and gamma 2, differentiated by hand."""
    p = _sigmoid(y_pred)
    pt = np.where(y_true == 1, p, 1 - p)
    alpha, sign = np.where(y_true == 1, 0.25, 0.75), np.where(y_true == 1, 1.0, -1.0)
    q = 1 - pt
    log = np.log1p(np.exp(-np.abs(y_pred))) + np.maximum(-sign * y_pred, 0)  # -log pt
    grad = -alpha * sign * q**2 * (2 * pt * log + q)
    hess = alpha * pt * q**2 * (4 * pt * log - 2 * q * log + 5 * q)
    return grad, hess


def raises(y_true: Any, y_pred: Any) -> Any:
    raise KeyError("label")


def one_result(y_true: Any, y_pred: Any) -> Any:
    return y_pred - y_true


def wrong_shape(y_true: Any, y_pred: Any) -> Any:
    return y_pred - y_true, 1.0
