#!/usr/bin/python3
"""Writes the golden files of this folder: what PyTorch computes, for the tests to compare with.

    /usr/bin/python3 test/golden/make.py          (Debian's python3-torch 1.13; under a minute)

ops.safetensors  inputs, outputs and gradients of single ops; `cases` in its metadata says what each case is
unet.safetensors losses, checksums of weights and logits of the whole U-Net, trained for some steps

Everything is computed in double precision from single-precision inputs, so that only the other side rounds.
The initial weights of the U-Net, its images and its labels are not stored: `uniform` below makes them from whole
numbers alone, and test/golden/unet-values.ts makes the same ones.
"""
import json
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

# The network that the benchmark times is the one that the golden steps train.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'bench'))
from torch_unet import UNet  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))


def write_safetensors(path, tensors, metadata):
    """https://huggingface.co/docs/safetensors: length of the header, header as JSON, the arrays."""
    dtypes = {np.dtype(np.float32): "F32", np.dtype(np.int32): "I32"}
    header, blobs, offset = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        blob = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": dtypes[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


class OpCases:
    """Collects cases: inputs are drawn in single precision, results computed in double."""

    def __init__(self):
        self.random = np.random.RandomState(0)
        self.tensors = {}
        self.cases = []

    def normal(self, *shape, scale=1.0, shift=0.0):
        return (self.random.standard_normal(shape) * scale + shift).astype(np.float32)

    def add(self, name, op, attributes, inputs, compute, targets=None):
        """`compute` takes the inputs as tensors and gives a tensor, or a dict whose `y` has a gradient."""
        def as_tensor(array):
            return torch.tensor(array) if array.dtype != np.float32 else torch.tensor(array, dtype=torch.float64)
        given = {key: as_tensor(array) for key, array in inputs.items()}
        targets = [key for key in given if given[key].is_floating_point()] if targets is None else targets
        for key in targets:
            given[key].requires_grad_(True)
        outputs = compute(**given)
        outputs = outputs if isinstance(outputs, dict) else {"y": outputs}
        cotangent = self.normal(*outputs["y"].shape)
        (outputs["y"] * as_tensor(cotangent)).sum().backward()
        arrays = dict(inputs, cotangent=cotangent)
        arrays.update((key, value.detach().numpy().astype(np.float32)) for key, value in outputs.items())
        arrays.update((f"gradient.{key}", given[key].grad.numpy().astype(np.float32)) for key in targets)
        self.cases.append({
            "name": name, "op": op, "attributes": attributes,
            "inputs": list(inputs), "outputs": list(outputs), "gradients": targets})
        for key, array in arrays.items():
            self.tensors[f"{name}/{key}"] = np.asarray(array)


def add_convolutions(cases):
    rows = [  # x, weight, stride, padding, dilation, groups, bias
        ("1x1", (2, 5, 6, 7), (4, 5, 1, 1), 1, 0, 1, 1, True),
        ("3x3", (2, 4, 7, 8), (6, 4, 3, 3), 1, 1, 1, 1, False),
        ("3x3 with bias", (1, 6, 8, 7), (3, 6, 3, 3), 1, 1, 1, 1, True),
        ("3x3 stride 2 even", (2, 3, 8, 10), (5, 3, 3, 3), 2, 1, 1, 1, False),
        ("3x3 stride 2 odd", (2, 3, 9, 7), (5, 3, 3, 3), 2, 1, 1, 1, False),
        ("5x5 stride 3", (1, 3, 13, 12), (4, 3, 5, 5), 3, 2, 1, 1, False),
        ("7x7 stride 2", (1, 3, 15, 14), (4, 3, 7, 7), 2, 3, 1, 1, False),
        ("dilation 2", (2, 3, 9, 8), (4, 3, 3, 3), 1, 2, 2, 1, False),
        ("dilation 6 as in ASPP", (1, 3, 10, 10), (4, 3, 3, 3), 1, 6, 6, 1, False),
        ("groups 2", (2, 6, 6, 7), (4, 3, 3, 3), 1, 1, 1, 2, True),
        ("depthwise", (2, 5, 7, 6), (5, 1, 3, 3), 1, 1, 1, 5, False),
        ("depthwise 5x5 stride 2", (2, 4, 8, 9), (4, 1, 5, 5), 2, 2, 1, 4, False),
        ("depthwise multiplier 2", (2, 3, 6, 6), (6, 1, 3, 3), 1, 1, 1, 3, True),
    ]
    for name, x, weight, stride, padding, dilation, groups, bias in rows:
        attributes = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        inputs = {"x": cases.normal(*x), "weight": cases.normal(*weight, scale=0.5)}
        if bias:
            inputs["bias"] = cases.normal(weight[0])
        cases.add(f"conv2d {name}", "conv2d", attributes, inputs, lambda **t: F.conv2d(
            t["x"], t["weight"], t.get("bias"), stride, padding, dilation, groups))


def add_normalizations(cases):
    for name, shape, momentum, epsilon, scale, shift in [
        ("plain", (4, 5, 6, 7), 0.1, 1e-5, 1, 0), ("one image", (1, 3, 5, 4), 0.1, 1e-5, 3, 2),
        ("slow and soft", (3, 4, 4, 4), 0.01, 1e-3, 2, -1),
    ]:
        for training in (True, False):
            inputs = {
                "x": cases.normal(*shape, scale=scale, shift=shift), "weight": cases.normal(shape[1], scale=0.3, shift=1),
                "bias": cases.normal(shape[1]), "running_mean": cases.normal(shape[1]),
                "running_var": np.abs(cases.normal(shape[1])) + np.float32(0.3)}

            def compute(x, weight, bias, running_mean, running_var):
                mean, var = running_mean.clone(), running_var.clone()
                y = F.batch_norm(x, mean, var, weight, bias, training, momentum, epsilon)
                return {"y": y, "next.running_mean": mean, "next.running_var": var}
            attributes = {"training": training, "momentum": momentum, "epsilon": epsilon}
            mode = "training" if training else "inference"
            cases.add(f"batchNorm {mode}, {name}", "batchNorm", attributes, inputs, compute, ["x", "weight", "bias"])


def add_pooling(cases):
    for kernel, stride, padding, shape in [(2, 2, 0, (2, 3, 7, 8)), (3, 2, 1, (2, 3, 8, 7)), (3, 1, 1, (1, 2, 5, 6))]:
        attributes = {"kernel": kernel, "stride": stride, "padding": padding}
        name = f"{kernel}, stride {stride}, padding {padding}"
        cases.add(f"maxPool {name}", "maxPool", attributes, {"x": cases.normal(*shape)},
                  lambda x: F.max_pool2d(x, kernel, stride, padding))
        cases.add(f"avgPool {name}", "avgPool", attributes, {"x": cases.normal(*shape)},
                  lambda x: F.avg_pool2d(x, kernel, stride, padding, count_include_pad=False))
    # Small whole numbers: many windows have their largest value more than once.
    ties = cases.random.randint(0, 3, (2, 2, 8, 8)).astype(np.float32)
    cases.add("maxPool with ties", "maxPool", {"kernel": 3, "stride": 2, "padding": 1}, {"x": ties},
              lambda x: F.max_pool2d(x, 3, 2, 1))
    for height, width in [(1, 1), (2, 2), (3, 3), (6, 6), (2, 5)]:
        cases.add(f"adaptiveAvgPool 7x5 to {height}x{width}", "adaptiveAvgPool", {"size": [height, width]},
                  {"x": cases.normal(2, 3, 7, 5)}, lambda x: F.adaptive_avg_pool2d(x, (height, width)))


def add_resizing(cases):
    for shape, size in [((2, 3, 4, 5), (8, 10)), ((1, 2, 5, 7), (8, 11)), ((1, 2, 9, 10), (4, 7)), ((2, 3, 1, 1), (4, 5)),
                        ((2, 3, 5, 4), (1, 1)), ((1, 1, 3, 4), (24, 32))]:
        name = f"{shape[2]}x{shape[3]} to {size[0]}x{size[1]}"
        cases.add(f"resize bilinear {name}", "resize", {"mode": "bilinear", "size": size}, {"x": cases.normal(*shape)},
                  lambda x: F.interpolate(x, size=size, mode="bilinear", align_corners=False))
        cases.add(f"resize nearest {name}", "resize", {"mode": "nearest", "size": size}, {"x": cases.normal(*shape)},
                  lambda x: F.interpolate(x, size=size, mode="nearest"))


def add_activations(cases):
    for kind, function in {"relu": F.relu, "relu6": F.relu6, "sigmoid": torch.sigmoid, "silu": F.silu,
                           "hardSigmoid": F.hardsigmoid, "hardSwish": F.hardswish}.items():
        x = cases.normal(3, 4, 5, scale=4)
        for kink in (-3, 0, 3, 6):  # The slope just there is a matter of taste.
            x[np.abs(x - kink) < 1e-2] += np.float32(0.1)
        cases.add(f"activation {kind}", "activation", {"kind": kind}, {"x": x}, lambda x: function(x))
    for op, function in {"softmax": F.softmax, "logSoftmax": F.log_softmax}.items():
        for axis, shape, scale in [(1, (2, 6, 3, 4), 2), (2, (3, 2, 7), 2), (1, (2, 6, 3, 4), 40)]:
            cases.add(f"{op} axis {axis}, logits of deviation {scale}", op, {"axis": axis},
                      {"x": cases.normal(*shape, scale=scale)}, lambda x: function(x, axis))


def add_cross_entropies(cases):
    weights = [0.3, 1, 2.5, 1, 0.7]
    for name, class_weights, smoothing, ignore in [
        ("plain", None, 0, False), ("ignored labels", None, 0, True), ("weights", weights, 0, False),
        ("smoothing", None, 0.1, False), ("weights and ignored labels", weights, 0, True),
        ("weights, smoothing and ignored labels", weights, 0.2, True),
    ]:
        labels = cases.random.randint(0, 5, (2, 4, 6)).astype(np.int32)
        if ignore:
            labels[cases.random.random_sample(labels.shape) < 0.3] = 255
        attributes = {"labelSmoothing": smoothing}
        if class_weights:
            attributes["classWeights"] = class_weights
        weight = torch.tensor(np.float32(class_weights), dtype=torch.float64) if class_weights else None
        cases.add(f"crossEntropy {name}", "crossEntropy", attributes,
                  {"logits": cases.normal(2, 5, 4, 6, scale=3), "labels": labels},
                  lambda logits, labels: F.cross_entropy(
                      logits, labels.long(), weight, ignore_index=255, label_smoothing=smoothing))


def lovasz_softmax(logits, labels):
    """Mean over images of the mean over their classes of the Lovász extension of the Jaccard loss (Berman et al. 2018)."""
    losses = []
    for scores, truth in zip(logits, labels):
        known = truth != 255
        probabilities, truth = torch.softmax(scores, 0)[:, known], truth[known]
        of_image = []
        for label in truth.unique():
            errors = ((truth == label).to(scores.dtype) - probabilities[label]).abs()
            errors, order = torch.sort(errors, descending=True, stable=True)
            foreground = (truth == label)[order].to(scores.dtype)
            intersection = foreground.sum() - foreground.cumsum(0)
            union = foreground.sum() + (1 - foreground).cumsum(0)
            jaccard = 1 - intersection / union
            of_image.append(errors.dot(torch.diff(jaccard, prepend=jaccard.new_zeros(1))))
        losses.append(torch.stack(of_image).mean())
    return torch.stack(losses).mean()


def add_lovasz_losses(cases):
    for name, classes, present, ignore in [
        ("plain", 5, 5, False), ("ignored labels", 5, 5, True), ("absent classes", 19, 6, True),
    ]:
        labels = cases.random.randint(0, present, (2, 8, 6)).astype(np.int32)
        if ignore:
            labels[cases.random.random_sample(labels.shape) < 0.3] = 255
        cases.add(f"lovaszSoftmax {name}", "lovaszSoftmax", {},
                  {"logits": cases.normal(2, classes, 8, 6, scale=3), "labels": labels},
                  lambda logits, labels: lovasz_softmax(logits, labels.long()))


def hash32(stream, count):
    """`count` 32-bit numbers: the mixer lowbias32 of Chris Wellons over index·0x9E3779B1 + stream·0x85EBCA77 + 1."""
    x = np.arange(count, dtype=np.uint32) * np.uint32(0x9E3779B1)
    x += np.uint32((stream * 0x85EBCA77 + 1) & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def uniform(stream, shape, middle, reach):
    """middle ± reach in single precision: the upper 24 bits as a fraction of [−1, 1), then one product and one sum."""
    fraction = (hash32(stream, int(np.prod(shape))) >> np.uint32(8)).astype(np.float64) / 2**23 - 1
    return (middle + reach * fraction).astype(np.float32).reshape(shape)


# Streams of `uniform`: parameters and running statistics count from 0 in the order of the state_dict.
IMAGES, LABELS, UNSEEN = 1000, 1001, 1002
BATCH, SIZE, BLOCK, CLASSES = 2, 64, 8, 19


def start_of(name, shape):
    """Weights He-uniform. Normalised values start around 1 ± 0.5, where a ReLU cuts off a few per cent of them: around
    0 the steps are chaotic (a channel that is positive at one place is blown up by the next normalisation), and after
    three of them single and double precision agree in two digits only. From here they agree in six after ten steps."""
    if len(shape) == 4:
        return 0, float(np.sqrt(6 / np.prod(shape[1:])))
    if "running" in name:
        return (1 if name.endswith("running_var") else 0), 0
    if name.endswith(".weight"):
        return 0.5, 0.125
    return (0 if name == "head.bias" else 1), 0.1


def initial_state(net):
    state = {}
    names = [name for name in net.state_dict() if not name.endswith("num_batches_tracked")]
    for stream, name in enumerate(names):
        shape = tuple(net.state_dict()[name].shape)
        middle, reach = start_of(name, shape)
        values = uniform(stream, shape, middle, reach)
        state[name] = {"stream": stream, "shape": shape, "middle": middle, "reach": reach, "values": values}
    return state


def labels():
    """One label a block of 8×8 pixels, 0 … 22; from 19 on the block is ignored (255)."""
    side = SIZE // BLOCK
    blocks = (hash32(LABELS, BATCH * side * side) % np.uint32(23)).astype(np.int64).reshape(BATCH, side, side)
    blocks[blocks >= CLASSES] = 255
    return blocks.repeat(BLOCK, 1).repeat(BLOCK, 2)


def checksum(array):
    array = np.asarray(array, dtype=np.float64)
    return [float(array.sum()), float(np.abs(array).sum())]


def train(optimizer_name, steps, dtype):
    net = UNet(CLASSES)
    state = initial_state(net)
    net.load_state_dict({name: torch.tensor(entry["values"]) for name, entry in state.items()}, strict=False)
    net.to(dtype).train()
    images = torch.tensor(uniform(IMAGES, (BATCH, 3, SIZE, SIZE), 0, 2), dtype=dtype)
    target = torch.tensor(labels())
    if optimizer_name == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    else:
        # As usual, weight decay is for weights of convolutions only.
        decayed = [p for p in net.parameters() if p.dim() == 4]
        others = [p for p in net.parameters() if p.dim() != 4]
        groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0}]
        optimizer = torch.optim.AdamW(groups, lr=1e-3)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), target, ignore_index=255)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        logits = net(torch.tensor(uniform(UNSEEN, (1, 3, 96, 64), 0, 2), dtype=dtype))
    # The middle of every 8×8 block, all classes.
    sampled = logits[0, :, 4::8, 4::8].double().numpy()
    final = {name: checksum(net.state_dict()[name].numpy()) for name in state}
    return losses, final, sampled


def make_unet():
    net = UNet(CLASSES)
    state = initial_state(net)
    golden = {
        "madeBy": f"test/golden/make.py, PyTorch {torch.__version__}",
        "batch": BATCH, "size": SIZE, "classes": CLASSES, "block": BLOCK,
        "streams": {"images": IMAGES, "labels": LABELS, "unseen": UNSEEN},
        "checksums": {
            "images": checksum(uniform(IMAGES, (BATCH, 3, SIZE, SIZE), 0, 2)), "labels": checksum(labels()),
            "unseen": checksum(uniform(UNSEEN, (1, 3, 96, 64), 0, 2))},
        "initial": {name: {
            "stream": entry["stream"], "shape": entry["shape"], "middle": entry["middle"], "reach": entry["reach"],
            "checksum": checksum(entry["values"])} for name, entry in state.items()},
        "runs": {},
    }
    tensors = {}
    for name, steps in [("sgd", 10), ("adamw", 5)]:
        losses, final, logits = train(name, steps, torch.float64)
        single, single_final, single_logits = train(name, steps, torch.float32)
        off = {key: max(abs(a - b) for a, b in zip(final[key], single_final[key])) / max(final[key][1], 1e-9)
               for key in final}
        worst = max(off, key=off.get)
        print(name, "losses", [round(loss, 5) for loss in losses])
        print("  what single precision alone changes: losses", max(abs(a - b) for a, b in zip(losses, single)),
              "logits", np.abs(logits - single_logits).max(), "of", np.abs(logits).max(),
              "weights", off[worst], worst)
        golden["runs"][name] = {
            "losses": losses, "singlePrecisionLosses": single, "final": final,
            "singlePrecisionLogitError": float(np.abs(logits - single_logits).max())}
        tensors[f"{name}/logits"] = logits.astype(np.float32)
    write_safetensors(os.path.join(HERE, "unet.safetensors"), tensors, {"golden": json.dumps(golden)})


def make_ops():
    cases = OpCases()
    for add in [add_convolutions, add_normalizations, add_pooling, add_resizing, add_activations, add_cross_entropies,
                add_lovasz_losses]:
        add(cases)
    metadata = {"madeBy": f"test/golden/make.py, PyTorch {torch.__version__}", "cases": json.dumps(cases.cases)}
    write_safetensors(os.path.join(HERE, "ops.safetensors"), cases.tensors, metadata)
    print(len(cases.cases), "cases of ops")


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    make_ops()
    make_unet()
