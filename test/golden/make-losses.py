#!/usr/bin/env python3
"""Writes losses.safetensors: losses of segmentation_models_pytorch and their gradients, for ops.test.ts to compare with.

    python3 -m venv venv && venv/bin/pip install torch segmentation_models_pytorch
    venv/bin/python test/golden/make-losses.py          (made with torch 2.15, segmentation_models_pytorch 0.6)

The format is that of ops.safetensors: see make.py. faceparse averages a region loss over the classes present in each
image, then over images. segmentation_models_pytorch pools the images of a batch and averages over all classes, of which
absent ones have loss 0. `per_image` accounts for both. Its Dice adds `smooth` to a numerator without the factor 2, so its
smooth is half of ours.
"""
import json
import os

import numpy as np
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from segmentation_models_pytorch.losses._functional import softmax_focal_loss_with_logits

from make import HERE, OpCases, write_safetensors

IGNORED = 255


def per_image(loss, logits, labels):
    """Mean over images of the mean over their present classes; `loss` is a mean over all classes."""
    classes = logits.shape[1]
    values = []
    for scores, truth in zip(logits, labels):
        present = len([label for label in truth.unique() if label != IGNORED])
        values.append(loss(scores[None], truth[None].long()) * classes / max(1, present))
    return torch.stack(values).mean()


def dice(logits, labels, smooth=1):
    return per_image(smp.losses.DiceLoss("multiclass", smooth=smooth / 2, ignore_index=IGNORED), logits, labels)


def jaccard(logits, labels, smooth=1):
    return per_image(smp.losses.JaccardLoss("multiclass", smooth=smooth, ignore_index=IGNORED), logits, labels)


def tversky(logits, labels, alpha=0.3, beta=0.7, smooth=1):
    loss = smp.losses.TverskyLoss("multiclass", smooth=smooth, ignore_index=IGNORED, alpha=alpha, beta=beta)
    return per_image(loss, logits, labels)


def known_pixels(logits, labels):
    """Logits pixels×C and labels of the pixels that are not ignored."""
    known = labels != IGNORED
    return logits.movedim(1, -1)[known], labels[known].long()


def focal(logits, labels, gamma=2.0, classWeights=None):
    scores, truth = known_pixels(logits, labels)
    if classWeights is None:
        return softmax_focal_loss_with_logits(scores, truth, gamma=gamma)
    weight = torch.tensor(np.float32(classWeights), dtype=torch.float64)[truth]
    p = torch.softmax(scores, 1).gather(1, truth[:, None])[:, 0]
    return -(weight * (1 - p) ** gamma * p.log()).sum() / weight.sum()


def binary_focal(logits, labels, gamma, alpha):
    """Two classes: the sigmoid of the difference of the logits. faceparse divides by the sum of the weights."""
    loss = smp.losses.FocalLoss("binary", alpha=alpha, gamma=gamma)(logits[:, 1] - logits[:, 0], labels)
    positive = (labels == 1).sum()
    return loss * labels.numel() / (alpha * positive + (1 - alpha) * (labels.numel() - positive))


def combined(logits, labels, crossEntropy=1, dice=1, jaccard=0, tversky=0, focal=0):
    functions = globals()
    total = crossEntropy * F.cross_entropy(logits, labels.long(), ignore_index=IGNORED)
    for name, weight in {"dice": dice, "jaccard": jaccard, "tversky": tversky, "focal": focal}.items():
        total = total + weight * functions[name](logits, labels)
    return total


def make_losses():
    cases = OpCases()

    def add(name, op, attributes, compute, shape=(2, 5, 6, 7), present=None, ignore=True):
        labels = cases.random.randint(0, present or shape[1], (shape[0], *shape[2:])).astype(np.int32)
        if ignore:
            labels[cases.random.random_sample(labels.shape) < 0.3] = IGNORED
        cases.add(f"{op} {name}", op, attributes, {"logits": cases.normal(*shape, scale=2), "labels": labels},
                  lambda logits, labels: compute(logits, labels, **attributes))

    one = (1, 4, 6, 5)
    for op, function in {"dice": dice, "jaccard": jaccard, "tversky": tversky}.items():
        add("of one image with all classes", op, {}, function, shape=one, ignore=False)
        add("without smoothing", op, {"smooth": 0}, function)
        add("with absent classes", op, {"smooth": 0.5}, function, shape=(3, 19, 8, 6), present=7)
    add("as Dice", "tversky", {"alpha": 0.5, "beta": 0.5, "smooth": 0.5}, tversky)
    add("as Jaccard", "tversky", {"alpha": 1, "beta": 1}, tversky)
    add("without false positives", "tversky", {"alpha": 0, "beta": 2}, tversky)
    add("of one image", "focal", {}, focal, shape=one, ignore=False)
    for gamma in (0, 0.5, 1, 5):
        add(f"with gamma {gamma}", "focal", {"gamma": gamma}, focal)
    add("with class weights", "focal", {"gamma": 2, "classWeights": [0.3, 1, 2.5, 1, 0.7]}, focal)
    alpha = 0.25
    add("of two classes with alpha 0.25", "focal", {"gamma": 2, "classWeights": [1 - alpha, alpha]},
        lambda logits, labels, gamma, classWeights: binary_focal(logits, labels, gamma, alpha),
        shape=(2, 2, 5, 6), ignore=False)
    add("cross-entropy, Dice and Jaccard", "combined", {"crossEntropy": 1, "dice": 1, "jaccard": 1}, combined)
    add("of everything", "combined",
        {"crossEntropy": 0.5, "dice": 0.7, "jaccard": 0.4, "tversky": 1.5, "focal": 2}, combined)

    made_by = f"test/golden/make-losses.py, torch {torch.__version__}, segmentation_models_pytorch {smp.__version__}"
    write_safetensors(os.path.join(HERE, "losses.safetensors"), cases.tensors,
                      {"madeBy": made_by, "cases": json.dumps(cases.cases)})
    print(len(cases.cases), "cases of losses")


if __name__ == "__main__":
    torch.set_num_threads(1)
    make_losses()
