import { describe, expect, it } from 'vitest';
import { stateDictOf } from '../../../test/state-dict-fixture.ts';
import { type CheckpointTensor, encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import { type Shape, sizeOf } from '../../graph/graph.ts';
import { guessNetwork } from './guess-network.ts';
import { importWeights } from './import-weights.ts';

/** Batch normalisation in the order of a state_dict. */
function norm(name: string, channels: number): [string, Shape][] {
  const vectors = ['weight', 'bias', 'running_mean', 'running_var'].map((part): [string, Shape] => [
    `${name}.${part}`,
    [channels],
  ]);
  return [...vectors, [`${name}.num_batches_tracked`, []]];
}

function convolution(name: string, [output, input, side]: readonly [number, number, number]): [string, Shape] {
  return [`${name}.weight`, [output, input, side, side]];
}

/** `ConvBNReLU` of face-parsing.PyTorch. */
function block(name: string, [output, input, side]: readonly [number, number, number]): [string, Shape][] {
  return [convolution(`${name}.conv`, [output, input, side]), ...norm(`${name}.bn`, output)];
}

function basicBlock(name: string, input: number, output: number): [string, Shape][] {
  return [
    convolution(`${name}.conv1`, [output, input, 3]),
    ...norm(`${name}.bn1`, output),
    convolution(`${name}.conv2`, [output, output, 3]),
    ...norm(`${name}.bn2`, output),
    ...(input === output
      ? []
      : [convolution(`${name}.downsample.0`, [output, input, 1]), ...norm(`${name}.downsample.1`, output)]),
  ];
}

function attention(name: string, input: number): [string, Shape][] {
  return [
    ...block(`${name}.conv`, [128, input, 3]),
    convolution(`${name}.conv_atten`, [128, 128, 1]),
    ...norm(`${name}.bn_atten`, 128),
  ];
}

function output(name: string, input: number, middle: number): [string, Shape][] {
  return [...block(`${name}.conv`, [middle, input, 3]), convolution(`${name}.conv_out`, [19, middle, 1])];
}

/** Names and shapes of 79999_iter.pth, the weights that face-parsing.PyTorch publishes. */
const published: readonly [string, Shape][] = [
  convolution('cp.resnet.conv1', [64, 3, 7]),
  ...norm('cp.resnet.bn1', 64),
  ...[64, 128, 256, 512].flatMap((channels, layer) => [
    ...basicBlock(`cp.resnet.layer${layer + 1}.0`, Math.max(64, channels / (layer === 0 ? 1 : 2)), channels),
    ...basicBlock(`cp.resnet.layer${layer + 1}.1`, channels, channels),
  ]),
  ...attention('cp.arm16', 256),
  ...attention('cp.arm32', 512),
  ...block('cp.conv_head32', [128, 128, 3]),
  ...block('cp.conv_head16', [128, 128, 3]),
  ...block('cp.conv_avg', [128, 512, 1]),
  ...block('ffm.convblk', [256, 256, 1]),
  convolution('ffm.conv1', [64, 256, 1]),
  convolution('ffm.conv2', [256, 64, 1]),
  ...output('conv_out', 256, 256),
  ...output('conv_out16', 128, 64),
  ...output('conv_out32', 128, 64),
];

describe('79999_iter.pth of face-parsing.PyTorch', () => {
  it('is recognised', () => {
    expect(guessNetwork(stateDictOf(published))).toEqual({ model: 'bisenet', encoder: 'resnet18', classes: 19 });
  });

  it.each(['', 'module.'])('is read completely but for its auxiliary heads, with the prefix "%s"', (prefix) => {
    const tensors = new Map(
      published.map(([name, shape], place): [string, CheckpointTensor] => {
        const key = prefix + name;
        if (shape.length === 0) return [key, { dtype: 'int64' as const, shape, data: BigInt64Array.of(80000n) }];
        return [key, { dtype: 'float32' as const, shape, data: new Float32Array(sizeOf(shape)).fill(place) }];
      }),
    );
    const bytes = encodePyTorchCheckpoint({ state_dict: tensors });
    const network = { model: 'bisenet', labels: 'celebamask-19', size: 512, classOrder: 'face-parsing.pytorch' };
    const { weights, notices } = importWeights(bytes, '79999_iter.pth', network);
    const used = published.filter(([name, shape]) => shape.length > 0 && !/^conv_out(?:16|32)\./.test(name));
    expect(weights.states.size).toBe(used.length);
    for (const [name, shape] of used) {
      const own = name.replace('cp.resnet.', 'encoder.');
      const place = published.findIndex(([other]) => other === name);
      const values = weights.states.get(own);
      expect([values?.length, values?.[0], values?.at(-1)], name).toEqual([sizeOf(shape), place, place]);
    }
    expect(weights).toMatchObject({ model: 'bisenet', settings: { encoder: 'resnet18' } });
    expect(weights.preprocessing).toMatchObject({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] });
    expect(notices[0]).toBe(
      `79999_iter.pth: reads ${used.length} tensors for bisenet (resnet18), with the names of face-parsing.PyTorch`,
    );
    expect(notices[1]).toMatch(
      /leaves out 12 tensors \(.*conv_out16.*\): auxiliary heads, which are used in training only$/,
    );
    expect(notices.join('\n')).not.toMatch(/add classOrder/);
    const { classOrder: _, ...inOrder } = network;
    expect(importWeights(bytes, 'a', inOrder).notices.join('\n')).toMatch(
      /^a: the classes are read in the order of the label set; .* add classOrder: 'face-parsing\.pytorch'$/m,
    );
  });
});
