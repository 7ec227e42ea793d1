#!/usr/bin/env python3
"""Writes the golden files of the zoo: what the originals of its networks compute, for the tests to compare with.

    VENV/bin/python test/golden/make_zoo.py encoders     writes zoo-encoders.json; without a name, all files

VENV is a virtual environment with the newest torch, torchvision, timm, segmentation_models_pytorch and
efficientnet_lite_pytorch. For each file there is a module beside this one, zoo_encoders.py for zoo-encoders.json; its
function `networks` yields instances of `Network`.

Weights and images are not stored: `uniform` makes them from whole numbers and their names alone, and zoo-values.ts
makes the same single-precision numbers. Everything is computed from them in double precision, so that only the other
side rounds. Of each output, the file holds the shape, two sums and some values at places that the hash selects.
"""
import importlib
import json
import math
import os
import sys

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
SAMPLES = 32


def hash32(stream, index):
    """A 32-bit number for each place in a stream; `index` is an array of uint32. zoo-values.ts has the same."""
    x = index * np.uint32(0x9E3779B1) + np.uint32(stream * 0x85EBCA77 + 1 & 0xFFFFFFFF)
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x7FEB352D)
    x ^= x >> np.uint32(15)
    x *= np.uint32(0x846CA68B)
    return x ^ (x >> np.uint32(16))


def stream_of(name):
    """The stream of a name: its 32-bit FNV-1a hash."""
    stream = 0x811C9DC5
    for byte in name.encode():
        stream = (stream ^ byte) * 0x01000193 & 0xFFFFFFFF
    return stream


def uniform(name, count, middle, reach):
    """middle ± reach in single precision."""
    places = hash32(stream_of(name), np.arange(count, dtype=np.uint32)) >> np.uint32(8)
    return (middle + reach * (places.astype(np.float64) / 2.0**23 - 1)).astype(np.float32)


def state(name, shape):
    """The values of a parameter or running statistic. Kernels have the variance 2 / fan-in."""
    count = math.prod(shape)
    if name.endswith("running_mean"):
        values = uniform(name, count, 0.0, 0.125)
    elif name.endswith("running_var"):
        values = uniform(name, count, 1.0, 0.5)
    elif name.endswith("bias"):
        values = uniform(name, count, 0.0, 0.125)
    elif len(shape) == 1:
        values = uniform(name, count, 1.0, 0.25)
    else:
        values = uniform(name, count, 0.0, math.sqrt(6 / math.prod(shape[1:])))
    return values.reshape(shape)


def image(shape):
    """The image that the networks get, normalised: −2 to 2."""
    return uniform("image", math.prod(shape), 0.0, 2.0).reshape(shape)


def summary(tensor):
    """Shape, sum, sum of absolute values, and values at hashed places (modulo the size) of an output."""
    flat = tensor.detach().double().numpy().ravel()
    places = hash32(0, np.arange(SAMPLES, dtype=np.uint32)).astype(np.int64) % flat.size
    return {
        "shape": list(tensor.shape),
        "sum": float(f"{flat.sum():.9g}"),
        "absolute": float(f"{np.abs(flat).sum():.9g}"),
        "samples": [float(f"{value:.7g}") for value in flat[places]],
    }


class Network:
    """A network to compare with.

    name     its key in the golden file
    build    makes the torch module from the options of a case; `forward` gives a tensor or a list of them
    cases    options, one dictionary a case; `size` (default [64, 64]) is the size of the image and not given to `build`
    prefix   put before the names of the module's states to give ours ("encoder.")
    like     a module whose states, in the same order and of the same shapes, have the names to use instead of its own
    """

    def __init__(self, name, build, cases=({},), prefix="", like=None):
        self.name, self.build, self.cases, self.prefix, self.like = name, build, cases, prefix, like

    def names(self, module):
        own = {key: list(value.shape) for key, value in states(module).items()}
        if self.like is None:
            return {key: self.prefix + key for key in own}
        other = {key: list(value.shape) for key, value in states(self.like).items()}
        other = dict(list(other.items())[:len(own)])
        assert list(own.values()) == list(other.values()), f"{self.name}: other states than those whose names it takes"
        return {key: self.prefix + name for key, name in zip(own, other)}

    def golden(self):
        found = []
        for case in self.cases:
            options = dict(case)
            size = options.pop("size", [64, 64])
            module = self.build(**options).double().eval()
            names = self.names(module)
            own = states(module)
            with torch.no_grad():
                for key, tensor in own.items():
                    tensor.copy_(torch.from_numpy(state(names[key], tuple(tensor.shape))))
                outputs = module(torch.from_numpy(image((1, 3, *size))).double())
            outputs = [outputs] if isinstance(outputs, torch.Tensor) else list(outputs)
            found.append({
                "options": case,
                "states": [f"{names[key]} {'x'.join(map(str, tensor.shape))}" for key, tensor in own.items()],
                "outputs": [summary(output) for output in outputs],
            })
        # Most cases have the same states; they are written once.
        first = found[0]["states"]
        for later in found[1:]:
            if later["states"] == first:
                del later["states"]
        return found


def states(module):
    """All states but the counters of batch normalisation, which nothing reads."""
    return {key: value for key, value in module.state_dict().items() if not key.endswith("num_batches_tracked")}


def write(file):
    networks = importlib.import_module(f"zoo_{file.replace('-', '_')}").networks()
    golden = {}
    for network in networks:
        print(network.name, file=sys.stderr)
        golden[network.name] = network.golden()
    # One line for each list of numbers or names: small, and a change shows.
    lines = [f"{json.dumps(name)}: {json.dumps(cases, separators=(',', ':'))}" for name, cases in golden.items()]
    with open(os.path.join(HERE, f"zoo-{file}.json"), "w") as out:
        out.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.path.insert(0, HERE)
    sys.dont_write_bytecode = True
    # The modules import this one by its name.
    sys.modules["make_zoo"] = sys.modules["__main__"]
    known = sorted(name[4:-3].replace("_", "-") for name in os.listdir(HERE) if name.startswith("zoo_"))
    for wanted in sys.argv[1:] or known:
        if wanted not in known:
            sys.exit(f"no file '{wanted}'; there are {', '.join(known)}")
        write(wanted)
