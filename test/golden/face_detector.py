#!/usr/bin/python3
"""Writes face-detector.safetensors: what the original face detector computes, for face-detector.test.ts to compare with.

    npm pack @vladmandic/human@3.3.6 && tar xzf vladmandic-human-3.3.6.tgz
    python3 test/golden/face_detector.py package          (any PyTorch; a second)

Runs the TensorFlow.js graph of the package node by node, as TensorFlow defines its ops, in double precision. It knows nothing of
our converter or network. `original.*` has the weights of the package, `stored.*` has kernels rounded to half precision, as our
file stores them.
"""
import base64
import json
import math
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

from make import HERE, write_safetensors

SIZE = (64, 96)
OUTPUTS = {
    "classificators_1": "scores.fine", "classificators_2": "scores.coarse",
    "regressors_1": "values.fine", "regressors_2": "values.coarse",
}


def picture():
    """Whole numbers of 0-255 as NHWC, from -1 to 1: face-detector.test.ts makes the same."""
    y, x, c = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]), np.arange(3), indexing="ij")
    values = (y * 7 + x * 5 + c * 31 + (x * y) // 3 + 90 * (((x // 16) + (y // 16)) % 2)) % 256
    return torch.tensor(values / 127.5 - 1, dtype=torch.float64)[None]


def read_package(folder):
    models = os.path.join(folder, "models")
    with open(os.path.join(models, "blazeface.json")) as file:
        graph = json.load(file)
    with open(os.path.join(models, "blazeface.bin"), "rb") as file:
        blob = file.read()
    constants, offset = {}, 0
    for group in graph["weightsManifest"]:
        for weight in group["weights"]:
            count = math.prod(weight["shape"])
            array = np.frombuffer(blob, {"float32": "<f4", "int32": "<i4"}[weight["dtype"]], count, offset)
            constants[weight["name"]] = array.reshape(weight["shape"])
            offset += 4 * count
    return graph["modelTopology"]["node"], constants


def pad_same(x, kernel, stride, value=0.0):
    """TensorFlow's padding SAME of NCHW: the odd row and column come last."""
    pads = []
    for extent in (x.shape[3], x.shape[2]):
        total = max((math.ceil(extent / stride) - 1) * stride + kernel - extent, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(x, pads, value=value)


def run(nodes, constants, image, kernel_dtype):
    values, results = {"input": image.permute(0, 3, 1, 2)}, {}
    for node in nodes:
        op, name, inputs, attr = node["op"], node["name"], node.get("input", []), node.get("attr", {})
        if op in ("Const", "Placeholder", "Identity"):
            continue
        x = values.get(inputs[0])
        stride = int(attr["strides"]["list"]["i"][1]) if "strides" in attr else 1
        if op in ("_FusedConv2D", "DepthwiseConv2dNative"):
            kernel = torch.tensor(constants[inputs[1]].astype(kernel_dtype).astype(np.float64))
            if base64.b64decode(attr["padding"]["s"]) == b"SAME":
                x = pad_same(x, kernel.shape[0], stride)
            if op == "DepthwiseConv2dNative":
                y = F.conv2d(x, kernel.permute(2, 3, 0, 1), stride=stride, groups=kernel.shape[2])
            else:
                y = F.conv2d(x, kernel.permute(3, 2, 0, 1), stride=stride)
            for fused in attr.get("fused_ops", {"list": {"s": []}})["list"]["s"]:
                step = base64.b64decode(fused)
                y = y + torch.tensor(constants[inputs[2]]).double()[None, :, None, None] if step == b"BiasAdd" else F.relu(y)
        elif op == "MaxPool":
            y = F.max_pool2d(pad_same(x, 2, stride, -math.inf), 2, stride)
        elif op == "Pad":
            (_, _), (top, bottom), (left, right), (before, after) = constants[inputs[1]]
            y = F.pad(x, [left, right, top, bottom, before, after])
        elif op == "AddV2":
            y = x + values[inputs[1]]
        elif op == "Relu":
            y = F.relu(x)
        elif op == "Reshape":
            results[OUTPUTS[name.split("/")[-1]]] = x.numpy().astype(np.float32)
            continue
        else:
            raise ValueError(op)
        values[name] = y
    return results


def main():
    nodes, constants = read_package(sys.argv[1])
    image = picture()
    tensors = {}
    for prefix, dtype in (("original", np.float32), ("stored", np.float16)):
        for name, array in sorted(run(nodes, constants, image, dtype).items()):
            tensors[f"{prefix}.{name}"] = array
    write_safetensors(os.path.join(HERE, "face-detector.safetensors"), tensors, {"height": str(SIZE[0]), "width": str(SIZE[1])})


if __name__ == "__main__":
    main()
