"""The encoders: features of segmentation_models_pytorch (smp), torchvision and efficientnet_lite_pytorch."""
import warnings

import torch
from efficientnet_lite_pytorch import EfficientNet
from segmentation_models_pytorch.encoders import get_encoder
from segmentation_models_pytorch.encoders._utils import replace_strides_with_dilation
from torchvision.models import mobilenet_v3_large

from make_zoo import Network

STRIDES = (32, 16, 8)
CASES = tuple({"output_stride": stride} for stride in STRIDES)
# The last layer of the EfficientNets, which no segmentation network reads and which our encoders don't have.
UNREAD = {"efficientnet-b0": ("_conv_head", "_bn1"), "timm-": ("conv_head", "bn2"), "efficientnet-lite0": ("_conv_head", "_bn1")}


class Original(torch.nn.Module):
    """The features of an encoder of smp, without the image."""

    def __init__(self, name, output_stride):
        super().__init__()
        warnings.simplefilter("ignore", DeprecationWarning)
        encoder = get_encoder(name, output_stride=output_stride)
        for key, layers in UNREAD.items():
            if name.startswith(key):
                for layer in layers:
                    if hasattr(encoder, layer):
                        setattr(encoder, layer, torch.nn.Identity())
        self.encoder = encoder

    def forward(self, image):
        return self.encoder(image)[1:]

    def state_dict(self, *args, **kwargs):
        return self.encoder.state_dict(*args, **kwargs)


class TorchvisionMobileNetV3(torch.nn.Module):
    """The features of torchvision's network at the blocks that timm takes, dilated as smp dilates MobileNetV2."""

    def __init__(self, output_stride=32):
        super().__init__()
        self.features = mobilenet_v3_large().features
        for stride, level in ((16, self.features[7:13]), (32, self.features[13:])):
            if stride > output_stride:
                replace_strides_with_dilation(level, stride // output_stride)

    def forward(self, image):
        found = []
        for index, layer in enumerate(self.features):
            image = layer(image)
            if index in (1, 3, 6, 12, 16):
                found.append(image)
        return found


def check_torchvision_dilation():
    """Torchvision's own dilated network (output stride 16) computes the same."""
    ours = TorchvisionMobileNetV3(16).eval()
    theirs = mobilenet_v3_large(dilated=True).features.eval()
    theirs.load_state_dict(ours.features.state_dict())
    image = torch.rand(1, 3, 64, 64)
    assert torch.allclose(ours(image)[-1], theirs(image), atol=1e-6)


class EfficientNetLite(torch.nn.Module):
    """The features of efficientnet_lite_pytorch at the blocks that timm takes, dilated as smp dilates timm's."""

    def __init__(self, output_stride=32):
        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite0")
        for layer in ("_conv_head", "_bn1", "_fc"):
            delattr(self.network, layer)
        for stride, level in ((16, self.network._blocks[5:11]), (32, self.network._blocks[11:])):
            if stride > output_stride:
                replace_strides_with_dilation(level, stride // output_stride)

    def forward(self, image):
        network = self.network
        image = network._swish(network._bn0(network._conv_stem(image)))
        found = [image]
        for index, block in enumerate(network._blocks):
            image = block(image)
            if index in (2, 4, 10, 15):
                found.append(image)
        return found

    def state_dict(self, *args, **kwargs):
        return self.network.state_dict(*args, **kwargs)


def networks():
    check_torchvision_dilation()

    def original(name, like=None):
        return Network(name, lambda output_stride: Original(name, output_stride), CASES, "encoder.", like)

    for name in ("resnet18", "resnet34", "resnet50", "mobilenet_v2"):
        yield original(name)
    mobilenet_v3 = TorchvisionMobileNetV3()
    yield Network("mobilenet_v3_large", TorchvisionMobileNetV3, CASES, "encoder.")
    yield original("timm-mobilenetv3_large_100", mobilenet_v3)
    yield original("tu-mobilenetv3_large_100", mobilenet_v3)
    yield original("efficientnet-b0")
    yield original("timm-efficientnet-b0", Original("efficientnet-b0", 32))
    yield Network("efficientnet-lite0", EfficientNetLite, CASES, "encoder.")
    yield original("timm-tf_efficientnet_lite0", EfficientNetLite())
