"""LinkNet of segmentation_models_pytorch (smp), and BiSeNet and ICNet written from their papers.

BiSeNet and ICNet have no such package. The classes below have the modules, names and geometry that the papers and, for
BiSeNet, the state dicts of face-parsing.PyTorch show.
"""
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from segmentation_models_pytorch.encoders import get_encoder
from torch import nn

from make_zoo import Network

CLASSES = 5


def encoder(name, **options):
    return get_encoder(name, weights=None, **options)


class Unit(nn.Module):
    """Convolution, normalisation, ReLU, with the names of face-parsing.PyTorch."""

    def __init__(self, inside, outside, kernel=3, stride=1):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outside)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)))


def means(x):
    return x.mean((2, 3), keepdim=True)


class Refinement(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.conv = Unit(inside, 128)
        self.conv_atten = nn.Conv2d(128, 128, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(128)

    def forward(self, x):
        x = self.conv(x)
        return x * self.bn_atten(self.conv_atten(means(x))).sigmoid()


class Fusion(nn.Module):
    def __init__(self, inside):
        super().__init__()
        self.convblk = Unit(inside, 256, 1)
        self.conv1 = nn.Conv2d(256, 64, 1, bias=False)
        self.conv2 = nn.Conv2d(64, 256, 1, bias=False)

    def forward(self, detail, context):
        x = self.convblk(torch.cat([detail, context], 1))
        return x + x * self.conv2(self.conv1(means(x)).relu()).sigmoid()


class Output(nn.Module):
    def __init__(self, inside, middle):
        super().__init__()
        self.conv = Unit(inside, middle)
        self.conv_out = nn.Conv2d(middle, CLASSES, 1, bias=False)

    def forward(self, x):
        return self.conv_out(self.conv(x))


class Spatial(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2, self.conv3 = Unit(3, 64, 7, 2), Unit(64, 64, 3, 2), Unit(64, 64, 3, 2)
        self.conv_out = Unit(64, 128, 1)

    def forward(self, x):
        return self.conv_out(self.conv3(self.conv2(self.conv1(x))))


class Context(nn.Module):
    def __init__(self, width16, width32):
        super().__init__()
        self.arm16, self.arm32 = Refinement(width16), Refinement(width32)
        self.conv_head16, self.conv_head32 = Unit(128, 128), Unit(128, 128)
        self.conv_avg = Unit(width32, 128, 1)

    def forward(self, fine, middle, coarse):
        def up(x, like):
            return F.interpolate(x, size=like.shape[2:], mode="nearest")
        context16 = self.conv_head32(up(self.arm32(coarse) + self.conv_avg(means(coarse)), middle))
        context8 = self.conv_head16(up(self.arm16(middle) + context16, fine))
        return context8, context16


class BiSeNet(nn.Module):
    """Logits, then those of both auxiliary heads."""

    def __init__(self, encoder_name, spatial=False):
        super().__init__()
        self.encoder = encoder(encoder_name)
        *_, width8, width16, width32 = self.encoder.out_channels
        self.cp = Context(width16, width32)
        if spatial:
            self.sp = Spatial()
        self.ffm = Fusion((128 if spatial else width8) + 128)
        self.conv_out, self.conv_out16, self.conv_out32 = Output(256, 256), Output(128, 64), Output(128, 64)

    def forward(self, image):
        features = self.encoder(image)[-3:]
        context8, context16 = self.cp(*features)
        detail = self.sp(image) if hasattr(self, "sp") else features[0]
        scores = self.conv_out(self.ffm(detail, context8)), self.conv_out16(context8), self.conv_out32(context16)
        return [F.interpolate(one, size=image.shape[2:], mode="bilinear", align_corners=True) for one in scores]


def unit(inside, outside, kernel, relu=True, **options):
    padding = kernel // 2 * options.get("dilation", 1)
    layers = [nn.Conv2d(inside, outside, kernel, padding=padding, bias=False, **options), nn.BatchNorm2d(outside)]
    return nn.Sequential(*layers, *([nn.ReLU()] if relu else []))


class Cascade(nn.Module):
    def __init__(self, coarse, fine):
        super().__init__()
        self.coarse, self.fine = unit(coarse, 128, 3, False, dilation=2), unit(fine, 128, 1, False)

    def forward(self, coarse, fine):
        return (self.coarse(coarse) + self.fine(fine)).relu()


class ICNet(nn.Module):
    """Logits at stride 4, then those of both auxiliary heads at strides 16 and 8."""

    def __init__(self, encoder_name):
        super().__init__()
        self.encoder = encoder(encoder_name, output_stride=8)
        widths = self.encoder.out_channels
        self.detail = nn.Sequential(*(unit(a, b, 3, stride=2) for a, b in ((3, 32), (32, 32), (32, 64))))
        self.pyramid = nn.ModuleDict({"reduce": unit(widths[-1], 256, 1)})
        self.fusion = nn.ModuleList([Cascade(256, widths[3]), Cascade(128, 64)])
        self.head = nn.Conv2d(128, CLASSES, 1)
        self.auxiliary = nn.ModuleList([nn.Conv2d(256, CLASSES, 1), nn.Conv2d(128, CLASSES, 1)])

    def forward(self, image):
        def twice(x):
            return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        deep = self.encoder(F.avg_pool2d(image, 4))[-1]
        grids = (F.adaptive_avg_pool2d(deep, grid) for grid in (1, 2, 3, 6))
        size = {"size": deep.shape[2:], "mode": "bilinear", "align_corners": False}
        coarse = twice(self.pyramid["reduce"](deep + sum(F.interpolate(grid, **size) for grid in grids)))
        middle = twice(self.fusion[0](coarse, self.encoder(F.avg_pool2d(image, 2))[3]))
        fine = twice(self.fusion[1](middle, self.detail(image)))
        return [self.head(fine), self.auxiliary[0](coarse), self.auxiliary[1](middle)]


def networks():
    def linknet(encoder_name, encoder_depth=5):
        network = smp.Linknet(encoder_name, encoder_depth, None, classes=CLASSES)
        # smp keeps the levels of a ResNet that it does not run.
        for level in range(encoder_depth, 5):
            setattr(network.encoder, f"layer{level}", nn.Identity())
        return network

    yield Network("linknet", linknet, [
        {"encoder_name": "resnet18"}, {"encoder_name": "resnet18", "encoder_depth": 3}, {"encoder_name": "mobilenet_v2"}])
    yield Network("bisenet", BiSeNet, [{"encoder_name": "resnet18", "size": [64, 96]}])
    mobile = {"encoder_name": "mobilenet_v2", "size": [64, 96]}
    yield Network("bisenet-spatial", lambda encoder_name: BiSeNet(encoder_name, spatial=True), [mobile])
    yield Network("icnet", ICNet, [mobile])
