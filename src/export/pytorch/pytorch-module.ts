import type { Graph } from '../../graph/graph.ts';
import type { Preprocessing, ResizeRule } from '../../image/preprocessing.ts';
import { inferenceGraph, type Model } from '../../models/model.ts';
import { FaceparseError } from '../../text/errors.ts';
import { NetworkModules } from './network-modules.ts';
import { writeClasses } from './pytorch-classes.ts';
import { helperFunctions } from './pytorch-ops.ts';

/** The class of the whole network in the generated code, whatever the architecture. */
export const networkClass = 'FaceParsingNet';

/** How a picture is resized, in words for who calls the network. */
const resizeWords: Readonly<Record<ResizeRule, (size: number) => string>> = {
  'stretch-area-bilinear': (size) =>
    `stretched to ${size} x ${size} (means over areas where a side shrinks, bilinear where it grows)`,
};

/** Builds the same network for any size of image. */
export type GraphBuilder = (height: number, width: number) => Graph;

/** Sides in units of what the sides must be multiples of; prime, so that few extents are equal by chance. */
const probes = [
  [23, 29],
  [31, 19],
] as const;

/**
 * The Python code of a network: imports, helper functions and classes, the last of which is `FaceParsingNet`. Attributes are
 * named as the states of the graph, so that `state_dict` names are those of faceparse. The code takes images of all
 * sizes that the network takes; to make sure, it is generated for two sizes and must be the same.
 *
 * @param multiple what the sides of images must be multiples of
 * @throws FaceparseError for an op that cannot be exported, or if the structure of the network depends on the size of the image
 */
export function pytorchNetworkOf(build: GraphBuilder, multiple: number, docstring: string): string {
  const [code, other] = probes.map(([height, width]) => {
    const modules = new NetworkModules(build(height * multiple, width * multiple));
    return writeClasses(modules, { name: networkClass, docstring }).join('\n\n\n');
  }) as [string, string];
  if (code !== other) {
    const lines = other.split('\n');
    const line = code.split('\n').find((text, index) => text !== lines[index]);
    throw new FaceparseError(
      `the network cannot be exported to PyTorch for images of any size: '${line?.trim()}' depends on the size`,
    );
  }
  const helpers = Object.entries(helperFunctions)
    .filter(([name]) => new RegExp(`\\b${name}\\(`).test(code))
    .map(([, text]) => text);
  const imports = `import torch\nimport torch.nn.functional as F\nfrom torch import nn`;
  return `${[imports, ...helpers, code].join('\n\n\n')}\n`;
}

/**
 * The Python code of a model of the registry, as `pytorchNetworkOf` writes it: what a script that holds the network itself
 * begins with.
 *
 * @example pytorchNetwork(createModel('compact', { classes: 19 }))
 */
export function pytorchNetwork(model: Model): string {
  const [, , height] = inferenceGraph(model, { batch: 1, height: model.multiple, width: model.multiple }).outputs.get(
    'logits',
  )!.shape;
  const docstring = `Face parsing network '${model.name}': pictures N x 3 x H x W to scores N x ${model.classes} x H/${model.multiple / height} x W/${model.multiple / height}.`;
  const build: GraphBuilder = (rows, columns) => inferenceGraph(model, { batch: 1, height: rows, width: columns });
  return pytorchNetworkOf(build, model.multiple, docstring);
}

/**
 * A file `model.py` that needs nothing but PyTorch: the network, and a main program that loads a checkpoint and prints the
 * number of trainable parameters.
 *
 * @param preprocessing that of the weights, which callers are told
 */
export function pytorchModule(model: Model, { size, resize, mean, std }: Preprocessing): string {
  return `"""The face parsing network '${model.name}' of faceparse, generated from its graph.

Input: RGB pictures ${resizeWords[resize](size)},
as (value / 255 - mean) / std with mean ${list(mean)} and std ${list(std)}.
Output: scores of ${model.classes} classes before the softmax; enlarge them to the picture (bilinear, align_corners=False),
then take the largest.

    python3 model.py ckpt.pth        prints the number of trainable parameters
"""
import sys

${pytorchNetwork(model)}

def load(path):
    """The network with the weights of a checkpoint, ready for inference."""
    network = ${networkClass}()
    network.load_state_dict(torch.load(path, map_location="cpu")["state_dict"])
    return network.eval()


def count_parameters(network):
    """The number of trainable parameters; running statistics are none."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


if __name__ == "__main__":
    print(count_parameters(load(sys.argv[1] if len(sys.argv) > 1 else "ckpt.pth")))
`;
}

function list(values: readonly [number, number, number]): string {
  return `(${values.join(', ')})`;
}
