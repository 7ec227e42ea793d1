"""The U-Net of src/models/unet.ts in PyTorch, with the logits brought to the size of the picture."""
import torch
import torch.nn as nn
import torch.nn.functional as F


def conv_bn(i, o, k, stride=1, groups=1, act=True):
    layers = [nn.Conv2d(i, o, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, nn.ReLU(inplace=True)) if act else nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    """1x1 to 4c, depthwise 3x3, 1x1 to c; residual sum, then ReLU."""

    def __init__(self, c):
        super().__init__()
        self.expand = conv_bn(c, 4 * c, 1)
        self.depthwise = conv_bn(4 * c, 4 * c, 3, groups=4 * c)
        self.project = conv_bn(4 * c, c, 1, act=False)

    def forward(self, x):
        return F.relu(x + self.project(self.depthwise(self.expand(x))))


class UNet(nn.Module):
    """Stem at stride 2; stages 32, 48, 96, 160 at strides 4 to 32; decoder 96, 64, 48, 32; logits at stride 2."""

    def __init__(self, classes=19):
        super().__init__()
        widths, skips, outs = [32, 48, 96, 160], [96, 48, 32, 32], [96, 64, 48, 32]
        self.stem = conv_bn(3, 32, 3, 2)
        ins = [32] + widths[:-1]
        self.stages = nn.ModuleList(
            nn.Sequential(conv_bn(i, c, 3, 2), InvertedResidual(c), InvertedResidual(c)) for i, c in zip(ins, widths))
        ins = [160] + outs[:-1]
        self.decoder = nn.ModuleList(conv_bn(i + k, o, 3) for i, k, o in zip(ins, skips, outs))
        self.head = nn.Conv2d(32, classes, 1)

    def forward(self, x):
        size = x.shape[-2:]
        x = self.stem(x)
        features = [x]
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        for block, skip in zip(self.decoder, features[-2::-1]):
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = block(torch.cat([x, skip], 1))
        return F.interpolate(self.head(x), size=size, mode="bilinear", align_corners=False)
