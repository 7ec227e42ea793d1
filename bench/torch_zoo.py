"""The peer of bench/zoo.mjs: a network of segmentation_models.pytorch, timed.

Needs PyTorch and segmentation_models_pytorch, for example in a virtual environment:

    python3 -m venv venv && venv/bin/pip install torch segmentation-models-pytorch

Prints one JSON line: parameters, median ms of a training step (SGD with momentum, cross-entropy at full size) and of
the inference of a batch, and peak memory of the process.
"""
import argparse
import json
import resource
import statistics
import time
import warnings

import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F

ARCHITECTURES = {
    "pspnet": smp.PSPNet,
    "deeplabv3plus": smp.DeepLabV3Plus,
    "unet": smp.Unet,
    "linknet": smp.Linknet,
}


def median_ms(run, count, warmup):
    times = []
    for _ in range(count + warmup):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1e3)
    return round(statistics.median(times[warmup:]), 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", choices=sorted(ARCHITECTURES), required=True)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    torch.set_num_threads(args.threads)
    network = ARCHITECTURES[args.model](encoder_name=args.encoder, encoder_weights=None, classes=19)
    network.train()
    images = torch.rand(args.batch, 3, args.size, args.size)
    labels = torch.randint(0, 19, (args.batch, args.size, args.size))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)

    def step():
        optimizer.zero_grad()
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()

    step_ms = median_ms(step, args.steps, 2)
    # Parameters that no output depends on, such as the deep layers of an encoder that is cut, have no gradient.
    parameters = sum(p.numel() for p in network.parameters() if p.grad is not None)
    network.eval()
    with torch.inference_mode():
        inference_ms = median_ms(lambda: network(images), args.steps, 2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        json.dumps(
            {
                "version": f"PyTorch {torch.__version__} with smp {smp.__version__}",
                "parameters": parameters,
                "step_ms": step_ms,
                "inference_ms": inference_ms,
                "peak_mib": peak,
            }
        )
    )


if __name__ == "__main__":
    main()
