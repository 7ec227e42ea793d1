import { describe, expect, it } from 'vitest';
import { Graph, sizeOf, trainableStates } from '../../graph/graph.ts';
import { Scope } from '../../nn/scope.ts';
import { kerasResnet50 } from '../encoders/resnet.ts';
import { inferenceGraph } from '../model.ts';
import { createModel } from '../registry.ts';

/** The trainable parameters of a network for eight classes by the first parts of their names. */
function groupsOf(name: string, prefixes: readonly string[]): Record<string, number> {
  const graph = inferenceGraph(createModel(name, { classes: 8 }), { batch: 1, height: 64, width: 64 });
  const counts = Object.fromEntries(prefixes.map((prefix) => [prefix, 0]));
  for (const [key, size] of sizes(graph)) {
    const prefix = prefixes.find((candidate) => key.startsWith(`${candidate}.`));
    if (prefix === undefined) throw new Error(`${key} is in no group`);
    counts[prefix] += size;
  }
  return counts;
}

function sizes(graph: Graph): [string, number][] {
  const trainable = new Set(trainableStates(graph));
  return [...graph.states].filter(([, state]) => trainable.has(state)).map(([key, { shape }]) => [key, sizeOf(shape)]);
}

/** A convolution without bias. */
const conv = (kernel: number, from: number, to: number) => kernel * kernel * from * to;
/** Scale and shift of a batch normalisation. */
const norm = (channels: number) => 2 * channels;
const convNorm = (kernel: number, from: number, to: number) => conv(kernel, from, to) + norm(to);

describe('the parameters of pspnet-resnet50-conv3', () => {
  /** With a bias. */
  const biased = (kernel: number, from: number, to: number) => convNorm(kernel, from, to) + to;
  const block = (from: number, width: number) =>
    biased(1, from, width) + biased(3, width, width) + biased(1, width, 4 * width);

  it('are those of its layers', () => {
    const expected = {
      'encoder.conv1': conv(7, 3, 64) + 64,
      'encoder.bn1': norm(64),
      'encoder.layer1': block(64, 64) + biased(1, 64, 256) + 2 * block(256, 64),
      'encoder.layer2': block(256, 128) + biased(1, 256, 512) + 3 * block(512, 128),
      'decoder.reduce': convNorm(1, 512, 128),
      'decoder.pyramid': 4 * convNorm(1, 128, 32),
      'decoder.fuse': convNorm(3, 128 + 4 * 32, 64),
      segmentation_head: conv(1, 64, 8) + 8,
    };
    expect(groupsOf('pspnet-resnet50-conv3', Object.keys(expected))).toEqual(expected);
  });

  it('of the whole encoder are those of Keras, which counts the running statistics too', () => {
    const graph = new Graph();
    const scope = new Scope(graph, { training: false, seed: 0 });
    kerasResnet50.build(scope, graph.input('image', [1, 3, 64, 64]));
    expect([...graph.states.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(23_587_712);
  });
});

describe('the parameters of deeplabv3plus-efficientnet-b0-lite', () => {
  /** A block of EfficientNet: expansion by six, depthwise convolution, excitation, projection. */
  const block = (kernel: number, from: number, to: number, expansion = 6) => {
    const [inside, squeezed] = [expansion * from, from / 4];
    return (
      (expansion > 1 ? convNorm(1, from, inside) : 0) +
      convNorm(kernel, 1, inside) +
      (conv(1, inside, squeezed) + squeezed + conv(1, squeezed, inside) + inside) +
      convNorm(1, inside, to)
    );
  };

  it('are those of its layers', () => {
    const blocks = [
      block(3, 32, 16, 1),
      block(3, 16, 24),
      block(3, 24, 24),
      block(5, 24, 40),
      block(5, 40, 40),
      block(3, 40, 80),
      block(3, 80, 80),
      block(3, 80, 80),
      block(5, 80, 112),
      block(5, 112, 112),
      block(5, 112, 112),
      // Of block 6a, the expansion alone.
      convNorm(1, 112, 672),
    ];
    const expected = {
      'encoder._conv_stem': conv(3, 3, 32),
      'encoder._bn0': norm(32),
      ...Object.fromEntries(blocks.map((count, index) => [`encoder._blocks.${index}`, count])),
      'decoder.aspp.convs.0': convNorm(1, 672, 64),
      'decoder.aspp.convs.1': convNorm(3, 672, 64),
      'decoder.aspp.convs.2': convNorm(3, 672, 64),
      'decoder.aspp.convs.3': convNorm(3, 672, 64),
      'decoder.aspp.convs.4': convNorm(1, 672, 64),
      'decoder.aspp.project': convNorm(1, 5 * 64, 64),
      'decoder.fine': convNorm(1, 144, 64),
      'decoder.conv1': convNorm(3, 2 * 64, 64),
      'decoder.conv2': convNorm(3, 64, 64),
      segmentation_head: conv(1, 64, 8) + 8,
    };
    expect(groupsOf('deeplabv3plus-efficientnet-b0-lite', Object.keys(expected))).toEqual(expected);
  });
});
