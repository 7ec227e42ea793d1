#!/usr/bin/python3
"""The peer: one compact U-Net in PyTorch, timed. Needs Debian's python3-torch and libopenblas0.

It is the script peers/torch_unet.py that came with the project's task, kept here unchanged but for this paragraph, so that
the comparison can be repeated: the same network, data and numbers. training-step.mjs runs it.

Prints one JSON line: parameters, median ms of a training step (SGD with momentum, cross-entropy at full
size) and of one inference at 512x512, peak memory. Options: --batch 8 --size 256 --steps 15 --threads 2
--optimizer sgd|adamw. The network here is the one that a comparison must rebuild layer by layer.
"""
import argparse, json, resource, statistics, time
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


def median_ms(run, count, warmup):
    times = []
    for _ in range(count + warmup):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return round(statistics.median(times[warmup:]), 1)


def main():
    args = argparse.ArgumentParser()
    args.add_argument("--batch", type=int, default=8)
    args.add_argument("--size", type=int, default=256)
    args.add_argument("--steps", type=int, default=15)
    args.add_argument("--threads", type=int, default=2)
    args.add_argument("--optimizer", choices=["sgd", "adamw"], default="sgd")
    args = args.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    net = UNet().train()
    x = torch.rand(args.batch, 3, args.size, args.size)
    y = torch.randint(0, 19, (args.batch, args.size, args.size))
    if args.optimizer == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    else:
        optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()

    train_ms = median_ms(step, args.steps, 3)
    net.eval()
    image = torch.rand(1, 3, 512, 512)
    with torch.no_grad():
        infer_ms = median_ms(lambda: net(image), 20, 4)
    print(json.dumps({
        "engine": f"PyTorch {torch.__version__}", "parameters": sum(p.numel() for p in net.parameters()),
        "batch": args.batch, "size": args.size, "threads": args.threads, "optimizer": args.optimizer,
        "train_step_ms": train_ms, "infer_512_ms": infer_ms,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}))


if __name__ == "__main__":
    main()
