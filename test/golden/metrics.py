#!/usr/bin/env python3
"""Writes metrics.json: what scikit-learn, torchmetrics and SciPy say of the same label maps and scores, for metrics.test.ts.

    VENV/bin/python test/golden/metrics.py

VENV is a virtual environment with scikit-learn, torchmetrics and scipy; made with scikit-learn 1.9.1, torchmetrics 1.9.0
and scipy 1.17.1.

Label maps and scores are not stored: `label_maps` and `paired_scores` make them from whole numbers alone, and
metric-values.ts makes the same. Boundary F has no implementation in these packages; `boundary_f` is written anew from its
definition, with erosions and distance transforms in place of searches.
"""
import itertools
import json
import math
import os
import sys

import numpy as np
import torch
from scipy import ndimage, stats
from sklearn import metrics as sk
from torchmetrics.functional import classification as tm
from torchmetrics.functional import segmentation as tm_segmentation

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True
from make_zoo import hash32  # noqa: E402

IGNORED = 255
TOLERANCES = [0, 1, 1.5, 3]

# classes  number of classes of the label set
# ids      classes that the truth may have; [] leaves all of an image background
# renamed  classes that the prediction calls something else: never predicted, and the others perhaps never true
# ignored  number of patches of ignored pixels an image
CASES = [
    {"name": "all classes", "classes": 8, "width": 40, "height": 32, "images": 6, "discs": 24,
     "ids": [0, 1, 2, 3, 4, 5, 6, 7], "renamed": [], "ignored": 0},
    {"name": "absent classes", "classes": 19, "width": 37, "height": 29, "images": 5, "discs": 12,
     "ids": [0, 1, 2, 4, 5, 6, 7, 10, 13, 17], "renamed": [[5, 4], [6, 16], [10, 11]], "ignored": 0},
    {"name": "ignored pixels", "classes": 8, "width": 40, "height": 32, "images": 5, "discs": 20,
     "ids": [0, 1, 2, 3, 4, 5, 6, 7], "renamed": [], "ignored": 4},
    {"name": "absent classes and ignored pixels", "classes": 19, "width": 31, "height": 33, "images": 7, "discs": 9,
     "ids": [0, 1, 3, 8, 14, 18], "renamed": [[8, 9], [14, 13]], "ignored": 3},
    {"name": "no background", "classes": 5, "width": 16, "height": 16, "images": 2, "discs": 40,
     "ids": [1, 2, 3], "renamed": [], "ignored": 0, "ground": 1},
    {"name": "nothing right", "classes": 4, "width": 12, "height": 10, "images": 3, "discs": 0,
     "ids": [], "renamed": [[0, 2]], "ignored": 0},
]


def numbers(stream, count):
    return [int(value) for value in hash32(stream, np.arange(count, dtype=np.uint32))]


def paint(discs, width, height, ground):
    """A label map: discs over a ground, the later over the earlier. A disc is x, y, radius and label."""
    labels = np.full((height, width), ground, np.uint8)
    rows, columns = np.mgrid[:height, :width]
    for x, y, radius, label in discs:
        labels[(columns - x) ** 2 + (rows - y) ** 2 <= radius ** 2] = label
    return labels


def label_maps(case):
    """Truths and predictions. The discs of a prediction are moved, resized and now and then of another class."""
    width, height, ids = case["width"], case["height"], case["ids"]
    ground = case.get("ground", 0)
    renamed = dict(case["renamed"])
    pairs = []
    for image in range(case["images"]):
        true, predicted = [], []
        stream = 100 * CASES.index(case) + 2 * image
        drawn = numbers(stream, 4 * (case["discs"] + case["ignored"]))
        changes = numbers(stream + 1, 4 * case["discs"])
        for disc in range(case["discs"]):
            x, y, radius, pick = drawn[4 * disc:4 * disc + 4]
            x, y, radius = x % width, y % height, 2 + radius % 6
            right, down, growth, other = changes[4 * disc:4 * disc + 4]
            true.append((x, y, radius, ids[pick % len(ids)]))
            label = ids[(pick + (1 if other % 8 == 0 else 0)) % len(ids)]
            predicted.append((x + right % 3 - 1, y + down % 3 - 1, radius + growth % 3 - 1, label))
        for patch in range(case["discs"], case["discs"] + case["ignored"]):
            x, y, radius, _ = drawn[4 * patch:4 * patch + 4]
            true.append((x % width, y % height, 1 + radius % 4, IGNORED))
        prediction = paint(predicted, width, height, ground)
        pairs.append((paint(true, width, height, ground),
                      np.array([renamed.get(label, label) for label in range(256)], np.uint8)[prediction]))
    return pairs


def rounded(value):
    """Numbers with 9 digits; null for NaN."""
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, torch.Tensor):
        value = value.numpy()
    if isinstance(value, (list, tuple)) or getattr(value, "ndim", 0) > 0:
        return [rounded(one) for one in value]
    if isinstance(value, str):
        return value
    value = float(value)
    if math.isnan(value):
        return None
    return int(value) if value == int(value) else float(f"{value:.9g}")


def ratios(truth, prediction, **options):
    precision, recall, f1, _ = sk.precision_recall_fscore_support(truth, prediction, zero_division=0, **options)
    return {"precision": precision, "recall": recall, "f1": f1,
            "iou": sk.jaccard_score(truth, prediction, zero_division=0, **options)}


def scikit_learn(case, pairs):
    classes = list(range(case["classes"]))
    truth = np.concatenate([truth[truth != IGNORED] for truth, _ in pairs])
    prediction = np.concatenate([prediction[truth != IGNORED] for truth, prediction in pairs])
    occurring = np.union1d(truth, prediction)
    images = []
    for one_truth, one_prediction in pairs:
        counted = one_truth != IGNORED
        present = np.unique(one_truth[counted])
        f1 = sk.f1_score(one_truth[counted], one_prediction[counted], labels=present, average=None, zero_division=0)
        images.append({"f": f1.mean(), "ids": present, "f1": f1})
    return {
        "confusion": sk.confusion_matrix(truth, prediction, labels=classes).ravel(),
        "pixelAccuracy": sk.accuracy_score(truth, prediction),
        "perClass": ratios(truth, prediction, labels=classes, average=None),
        # Without labels, scikit-learn averages over the classes of truth or prediction.
        "macro": ratios(truth, prediction, average="macro"),
        "macroWithoutBackground": ratios(truth, prediction, average="macro", labels=occurring[occurring != 0]),
        "macroOfAllLabels": ratios(truth, prediction, average="macro", labels=classes),
        # A class that is never predicted has no precision here, and is left out of the mean.
        "macroPrecisionWhereDefined":
            sk.precision_score(truth, prediction, labels=classes, average="macro", zero_division=np.nan),
        "fPerImage": np.mean([image["f"] for image in images]),
        "images": images,
    }


def torchmetrics(case, pairs):
    truth = torch.from_numpy(np.stack([truth for truth, _ in pairs])).long()
    prediction = torch.from_numpy(np.stack([prediction for _, prediction in pairs])).long()
    options = {"num_classes": case["classes"], "ignore_index": IGNORED}

    def multiclass(average):
        return {name: function(prediction, truth, average=average, **options) for name, function in (
            ("precision", tm.multiclass_precision), ("recall", tm.multiclass_recall),
            ("f1", tm.multiclass_f1_score), ("iou", tm.multiclass_jaccard_index))}

    found = {
        "confusion": tm.multiclass_confusion_matrix(prediction, truth, **options).ravel(),
        "pixelAccuracy": tm.multiclass_accuracy(prediction, truth, average="micro", **options),
        "perClass": multiclass("none"),
        "macro": multiclass("macro"),
    }
    # The metrics of torchmetrics.segmentation cannot ignore pixels.
    if case["ignored"] == 0:
        def dice(background, average, level):
            return tm_segmentation.dice_score(prediction, truth, case["classes"], include_background=background,
                                              average=average, input_format="index", aggregation_level=level)

        found["segmentation"] = {
            "dicePerClass": dice(True, "none", "global").ravel(),
            "diceMacro": dice(True, "macro", "global").ravel()[0],
            "diceMacroWithoutBackground": dice(False, "macro", "global").ravel()[0],
            "diceMicro": dice(True, "micro", "global").ravel()[0],
            "dicePerImage": dice(True, "macro", "samplewise"),
            "iouPerImage": tm_segmentation.mean_iou(prediction, truth, case["classes"], input_format="index"),
        }
    return found


def boundary_f(case, pairs, tolerance):
    """Boundary F of each image and of its classes, with a cross of neighbours; edges and ignored pixels are no boundary."""
    cross = ndimage.generate_binary_structure(2, 1)

    def boundary(labels, label, ignored):
        inside = (labels == label) & ~ignored
        return inside & ~ndimage.binary_erosion(inside | ignored, cross, border_value=1)

    def near(some, others):
        if not some.any() or not others.any():
            return 0.0
        return (ndimage.distance_transform_edt(~others)[some] <= tolerance).mean()

    images = []
    for truth, prediction in pairs:
        ignored = truth == IGNORED
        found = {"ids": [], "precision": [], "recall": [], "f": []}
        for label in range(case["classes"]):
            wanted, given = boundary(truth, label, ignored), boundary(prediction, label, ignored)
            if not wanted.any():
                continue
            precision, recall = near(given, wanted), near(wanted, given)
            found["ids"].append(label)
            found["precision"].append(precision)
            found["recall"].append(recall)
            found["f"].append(2 * precision * recall / (precision + recall) if precision + recall else 0.0)
        images.append({"mean": np.mean(found["f"]) if found["f"] else math.nan, **found})
    return images


def paired_scores(stream, count):
    """Scores of two systems on the same images: a common part, one of their own, and a small lead of the first."""
    common, first, second = (np.array(numbers(stream + i, count)) / 2.0 ** 32 for i in range(3))
    return 0.5 + 0.3 * common + 0.1 * first, 0.49 + 0.3 * common + 0.1 * second


def scipy_intervals():
    for stream, count in ((1000, 12), (1010, 100), (1020, 200)):
        a, b = paired_scores(stream, count)
        for level in (0.8, 0.95):
            result = stats.bootstrap((a, b), lambda x, y, axis: (x - y).mean(axis), paired=True, vectorized=True,
                                     method="percentile", n_resamples=400_000, batch=20_000, confidence_level=level,
                                     rng=np.random.default_rng(stream))
            yield {"stream": stream, "count": count, "level": level, "difference": (a - b).mean(),
                   "standardError": stats.sem(a - b), "low": result.confidence_interval.low,
                   "high": result.confidence_interval.high}


def exact_intervals():
    """Intervals over all resamples: the quantiles of means of few differences, each of the n^n resamples once."""
    for differences in ([-0.02, 0.01, 0.03, 0.05], [0.0, 0.01, 0.02, 0.04, -0.03, 0.08],
                        [1.0, 0.0, 0.0, -1.0, 0.5, 0.25, 2.0]):
        n = len(differences)
        means = np.array([sum(resample) for resample in itertools.product(differences, repeat=n)]) / n
        for level in (0.5, 0.9):
            low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
            # How far the quantile of 100,000 random resamples may lie: five standard deviations of its rank.
            spread = 5 * math.sqrt((1 - level * level) / 4 / 100_000)
            bounds = [[np.quantile(means, max(share - spread, 0)), np.quantile(means, min(share + spread, 1))]
                      for share in ((1 - level) / 2, (1 + level) / 2)]
            yield {"differences": differences, "level": level, "low": low, "high": high,
                   "lowBounds": bounds[0], "highBounds": bounds[1]}


def binomial_intervals():
    """k of n differences are 1 and the rest 0: the sum of a resample is binomial with p = k/n."""
    for n, k in ((10, 5), (20, 3), (50, 35), (200, 120)):
        for level in (0.8, 0.95):
            low, high = stats.binom.ppf([(1 - level) / 2, (1 + level) / 2], n, k / n)
            # Chance decides between two neighbours where the distribution function meets the share.
            distances = [abs(stats.binom.cdf(value, n, k / n) - share)
                         for value, share in ((low, (1 - level) / 2), (low - 1, (1 - level) / 2),
                                              (high, (1 + level) / 2), (high - 1, (1 + level) / 2))]
            if min(distances) > 5 * math.sqrt((1 - level * level) / 4 / 100_000):
                yield {"n": n, "k": k, "level": level, "low": low, "high": high}


def main():
    cases = []
    for case in CASES:
        print(case["name"], file=sys.stderr)
        pairs = label_maps(case)
        cases.append({**case, "sklearn": rounded(scikit_learn(case, pairs)),
                      "torchmetrics": rounded(torchmetrics(case, pairs)),
                      "boundary": [{"tolerance": tolerance, "images": rounded(boundary_f(case, pairs, tolerance))}
                                   for tolerance in TOLERANCES]})
    golden = {"cases": cases,
              "scipy": [rounded(one) for one in scipy_intervals()],
              "exact": [rounded(one) for one in exact_intervals()],
              "binomial": [rounded(one) for one in binomial_intervals()]}
    # One line for each case: small, and a change shows.
    parts = [f"{json.dumps(name)}: [\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in ones) + "\n]"
             for name, ones in golden.items()]
    with open(os.path.join(HERE, "metrics.json"), "w") as out:
        out.write("{\n" + ",\n".join(parts) + "\n}\n")


if __name__ == "__main__":
    main()
