"""PSPNet and DeepLabv3+ of segmentation_models_pytorch (smp): logits of five classes at stride 1."""
import warnings

import segmentation_models_pytorch as smp
import torch

from make_zoo import Network

CLASSES = 5
ENCODERS = ("resnet18", "resnet50", "mobilenet_v2", "efficientnet-b0")
PSPNET = (
    {},
    {"depth": 4, "outputStride": 16, "size": [96, 64]},
    {"depth": 5, "outputStride": 8, "size": [32, 48]},
)
DEEPLAB = ({}, {"outputStride": 8, "size": [96, 64]}, {"depth": 3})


class Original(torch.nn.Module):
    """A network of smp, without the states of its encoder's layers that it never reads."""

    def __init__(self, network):
        super().__init__()
        self.network = network.eval()
        self.unread = self.find_unread()

    def find_unread(self):
        """What the logits do not depend on: the encoders of smp have their deepest layers also where they are not used."""
        self.network(torch.rand(1, 3, 64, 64)).sum().backward()
        layers = {name.rsplit(".", 1)[0] for name, value in self.network.named_parameters() if value.grad is None}
        self.network.zero_grad()
        return [key for key in self.network.state_dict() if key.rsplit(".", 1)[0] in layers]

    def unread_modules(self):
        """The modules nothing of which is read, without those inside of another of them."""
        modules = []
        for path, module in self.network.named_modules():
            keys = [f"{path}.{key}" for key in module.state_dict()]
            inside = any(path.startswith(f"{outer}.") for outer in modules)
            if path and keys and not inside and set(keys) <= set(self.unread):
                modules.append(path)
        return modules

    def forward(self, image):
        return self.network(image)

    def state_dict(self, *args, **kwargs):
        found = self.network.state_dict(*args, **kwargs)
        return {key: value for key, value in found.items() if key not in self.unread}


class SmpNetwork(Network):
    """Adds the modules that the network of smp has but does not use."""

    def golden(self):
        found = super().golden()
        for case, options in zip(found, self.cases):
            module = self.build(**{key: value for key, value in options.items() if key != "size"})
            case["unread"] = module.unread_modules()
        return found


def pspnet(encoder):
    def build(depth=3, outputStride=8):
        stride = min(2**depth, outputStride)
        return Original(smp.PSPNet(
            encoder, encoder_weights=None, encoder_depth=depth, output_stride=outputStride, upsampling=stride,
            classes=CLASSES,
        ))

    return SmpNetwork(f"pspnet {encoder}", build, PSPNET)


def deeplabv3plus(encoder):
    def build(depth=5, outputStride=16):
        return Original(smp.DeepLabV3Plus(
            encoder, encoder_weights=None, encoder_depth=depth, encoder_output_stride=outputStride, classes=CLASSES,
        ))

    return SmpNetwork(f"deeplabv3plus {encoder}", build, DEEPLAB)


def networks():
    warnings.simplefilter("ignore")
    for encoder in ENCODERS:
        yield pspnet(encoder)
        yield deeplabv3plus(encoder)
