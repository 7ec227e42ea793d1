#!/usr/bin/env python3
"""Writes the files of this folder with the PyTorch that runs it: weights in the forms in which people share them.

    VENV/bin/python test/golden/state-dicts/make.py newest      (the newest torch, with safetensors)
    /usr/bin/python3 test/golden/state-dicts/make.py 1.13       (Debian's python3-torch)

The argument begins the names of the files. NAME-expected.json has what PyTorch loads from each: the tensors of its state
dict by name, each with dtype, shape and values. All values are small multiples of 1/8, exact in every type.
"""
import argparse
import collections
import datetime
import json
import os
import sys
import warnings
import zipfile

import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
warnings.simplefilter("ignore")


def numbers(*shape, dtype=torch.float32, start=-4):
    count = int(np.prod(shape))
    values = torch.arange(start, start + count, dtype=torch.float64)
    return (values / 8 if dtype.is_floating_point else values.abs()).to(dtype).reshape(shape)


class Head(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 1, bias=False)
        self.register_buffer("scale", torch.zeros(2))
        self.register_buffer("passing", torch.zeros(5), persistent=False)

    def forward(self, x):
        return self.conv(x) * self.scale[0]


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = torch.nn.BatchNorm2d(2)
        self.head = Head()
        self.fc = torch.nn.Linear(2, 2)

    def forward(self, x):
        return self.head(self.bn(x))


class Opaque:
    def __init__(self):
        self.model = {"not": torch.zeros(1)}


class Tagged(torch.Tensor):
    pass


def fill(network):
    with torch.no_grad():
        for at, tensor in enumerate(network.state_dict().values()):
            tensor.copy_(numbers(*tensor.shape, dtype=tensor.dtype, start=at - 4))
    return network


def odd_tensors():
    base = numbers(40)
    tied = torch.nn.Parameter(numbers(2, 2))
    tensors = {
        "transposed": numbers(2, 3).t(),
        "channels_last": numbers(2, 3, 2, 2).contiguous(memory_format=torch.channels_last),
        "slice": base[5:11].reshape(2, 3),
        "columns": base[16:40].reshape(4, 6)[:, 1:4],
        "expanded": numbers(3, 1).expand(3, 4),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(0.5),
        "tied.a": tied,
        "tied.b": tied,
        "tagged": numbers(2).as_subclass(Tagged),
        "größe": numbers(1),
        "__proto__": numbers(2),
        "half": numbers(3, dtype=torch.float16),
        "bfloat": numbers(3, dtype=torch.bfloat16),
        "double": numbers(3, dtype=torch.float64),
        "int64": numbers(3, dtype=torch.int64),
        "int32": numbers(3, dtype=torch.int32),
        "int16": numbers(3, dtype=torch.int16),
        "int8": numbers(3, dtype=torch.int8) - 3,
        "uint8": numbers(3, dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
    }
    if hasattr(torch, "uint16"):
        tensors["uint16"] = torch.tensor([0, 65535], dtype=torch.uint16)
    return collections.OrderedDict(tensors)


def checkpoint(network, prefix="module."):
    """What training programs write: the weights, their moving average, and much else."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9)
    network(torch.ones(1, 2, 2, 2)).sum().backward()
    optimizer.step()
    fill(network)
    weights = collections.OrderedDict((prefix + name, tensor) for name, tensor in network.state_dict().items())
    weights._metadata = network.state_dict()._metadata
    return {
        "epoch": 3,
        "best": np.float64(0.5),
        "history": np.arange(3.0),
        "args": argparse.Namespace(lr=0.1, size=(512, 512)),
        "date": datetime.datetime(2020, 1, 2),
        "custom": Opaque(),
        "optimizer": optimizer.state_dict(),
        "state_dict_ema": {name: tensor + 1 for name, tensor in weights.items()},
        "state_dict": weights,
    }


def on_gpu(save):
    """Saves with the location that a GPU's storages have."""
    tag, torch.serialization.location_tag = torch.serialization.location_tag, lambda storage: "cuda:0"
    save()
    torch.serialization.location_tag = tag


def save_script(script, path):
    """Leaves out the records for debugging, which have paths of the machine and the source of PyTorch."""
    script.save(path)
    with zipfile.ZipFile(path) as saved:
        records = [(record, saved.read(record)) for record in saved.infolist()]
    with zipfile.ZipFile(path, "w") as kept:
        for record, data in records:
            if not record.filename.endswith(".debug_pkl"):
                kept.writestr(zipfile.ZipInfo(record.filename), data, record.compress_type)


def main():
    # The old format stores the source of every module's class with its path.
    torch.serialization.get_source_lines_and_file = lambda named: (["class Network: ..."], 0, "network.py")
    version = sys.argv[1]
    expected = {}

    def write(name, value, tensors, **options):
        file = f"{version}-{name}"
        path = os.path.join(HERE, file)
        if name.endswith(".safetensors"):
            from safetensors.torch import save_file
            save_file(value, path, {"format": "pt"})
            os.chmod(path, 0o644)
        elif isinstance(value, torch.jit.ScriptModule):
            save_script(value, path)
        else:
            torch.save(value, path, **options)
        expected[file] = {
            key: [str(tensor.dtype)[6:], list(tensor.shape), tensor.detach().to(torch.float64).flatten().tolist()]
            for key, tensor in tensors.items()}

    network = fill(Network())
    weights = network.state_dict()
    legacy = {"_use_new_zipfile_serialization": False}
    full = checkpoint(fill(Network()))
    write("state-dict.pth", weights, weights)
    write("state-dict-legacy.pth", weights, weights, **legacy)
    write("tensors.pth", odd_tensors(), odd_tensors())
    write("tensors-legacy.pth", {name: tensor for name, tensor in odd_tensors().items() if name != "uint16"},
          {name: tensor for name, tensor in odd_tensors().items() if name != "uint16"}, **legacy)
    write("checkpoint.pth", full, full["state_dict"])
    on_gpu(lambda: write("gpu.pth", {"model": {"state_dict": weights}}, weights))
    write("model.pth", network, weights)
    write("model-legacy.pth", {"model": torch.nn.DataParallel(network)},
          {f"module.{name}": tensor for name, tensor in weights.items()}, **legacy)
    script = torch.jit.script(fill(torch.nn.Sequential(torch.nn.BatchNorm1d(2))).eval())
    write("script.pt", script, script.state_dict())
    if version == "newest":
        plain = {name: tensor.detach().clone().contiguous() for name, tensor in odd_tensors().items() if name != "tagged"}
        write("tensors.safetensors", plain, plain)
        torch.save({name: tensor.to("meta") for name, tensor in weights.items()}, os.path.join(HERE, "newest-meta.pth"))
        torch.save({"w": numbers(2), "s": numbers(2, 2).to_sparse()}, os.path.join(HERE, "newest-sparse.pth"))
    with open(os.path.join(HERE, f"{version}-expected.json"), "w") as file:
        file.write("{\n" + ",\n".join(
            f" {json.dumps(name)}: {{\n" + ",\n".join(
                f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in tensors.items()) + "\n }"
            for name, tensors in expected.items()) + "\n}\n")


main()
