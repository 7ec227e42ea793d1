import { beforeAll, describe, expect, it } from 'vitest';
import { randomStates } from '../../../test/random-weights.ts';
import { toHalf } from '../../formats/float16.ts';
import { encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import { type Graph, sizeOf } from '../../graph/graph.ts';
import { inferenceGraph } from '../model.ts';
import { createModel } from '../registry.ts';
import { encodeWeights, type Weights } from '../weights-file.ts';
import { decodeOwnWeights, importWeights } from './import-weights.ts';

const model = createModel('pspnet', { encoder: 'resnet18', classes: 19 });
const network = { model: 'pspnet', encoder: 'resnet18', labels: 'celebamask-19', size: 64 };
let graph: Graph;
let states: Map<string, Float32Array>;
let pth: Uint8Array;

beforeAll(() => {
  graph = inferenceGraph(model, { batch: 1, height: 64, width: 64 });
  states = randomStates(graph, 'foreign');
  pth = encodePyTorchCheckpoint({ state_dict: tensors('module.'), epoch: 3 });
});

function tensors(prefix = '') {
  return new Map(
    [...states].map(([name, data]) => [
      prefix + name,
      { dtype: 'float32' as const, shape: graph.states.get(name)!.shape, data },
    ]),
  );
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) => Buffer.from(buffer, byteOffset, byteLength);

/** Bytes, because comparing millions of numbers one by one takes a minute. */
function expectSame(found: ReadonlyMap<string, Float32Array>): void {
  expect([...found.keys()].sort()).toEqual([...states.keys()].sort());
  for (const [name, values] of found) expect(bytesOf(values).equals(bytesOf(states.get(name)!)), name).toBe(true);
}

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was thrown');
}

describe('importWeights', () => {
  it('reads a checkpoint around a state_dict, and describes the network', () => {
    const { weights, notices } = importWeights(pth, 'a.pth', network);
    expectSame(weights.states);
    expect(weights).toMatchObject({ model: 'pspnet', settings: model.settings, labels: 'celebamask-19' });
    expect(weights.preprocessing).toEqual({ ...model.trainingPreprocessing, size: 64 });
    expect(notices).toEqual([expect.stringMatching(/^a\.pth: reads 74 tensors for pspnet \(resnet18\)/)]);
    expectSame(decodeOwnWeights(encodeWeights(weights, graph), 'b').states);
  });

  it('reads half precision in safetensors, and another normalisation', () => {
    const halves = new Map(
      [...tensors()].map(([name, { shape, data }]) => [name, { dtype: 'F16' as const, shape: [...shape], data }]),
    );
    const mean = [0, 0, 0] as const;
    const std = [1, 1, 1] as const;
    const { weights } = importWeights(encodeSafetensors(halves, { format: 'pt' }), 'a', { ...network, mean, std });
    expect(weights.preprocessing).toMatchObject({ mean, std });
    const [name, values] = [...states][0];
    const rounded = weights.states.get(name)!;
    expect(rounded[0]).not.toBe(values[0]);
    expect(Array.from(rounded.subarray(0, 50), toHalf)).toEqual(Array.from(values.subarray(0, 50), toHalf));
  });

  it('sorts the classes of another order', () => {
    const { weights } = importWeights(pth, 'a', { ...network, classOrder: 'bisenet' });
    const name = 'segmentation_head.0.weight';
    const [found, given] = [weights.states.get(name)!, states.get(name)!];
    const row = sizeOf(graph.states.get(name)!.shape) / 19;
    const rowOf = (values: Float32Array, id: number) => values.subarray(id * row, (id + 1) * row);
    // The nose is class 10 there and class 2 here, the background the same.
    expect(bytesOf(rowOf(found, 2)).equals(bytesOf(rowOf(given, 10)))).toBe(true);
    expect(bytesOf(rowOf(found, 0)).equals(bytesOf(rowOf(given, 0)))).toBe(true);
    const body = [...states].filter(([key]) => !key.startsWith('segmentation_head.'));
    for (const [key, values] of body) expect(bytesOf(weights.states.get(key)!).equals(bytesOf(values)), key).toBe(true);
    const order = (classOrder: string) => messageOf(() => importWeights(pth, 'a', { ...network, classOrder }));
    expect(order('lapa')).toMatch(/^the class order lapa cannot be sorted into celebamask-19/);
    expect(order('bisnet')).toMatch(/unknown class order 'bisnet'; did you mean 'bisenet'/);
  });

  it.each([
    [
      'no network',
      {},
      /^nothing in a\.pth says which network .* pspnet \(resnet18\) with 19 classes; convert it with `faceparse/,
    ],
    ['no labels and size', { model: 'pspnet' }, /^a\.pth: labels and size must be given too/],
    [
      'another encoder',
      { ...network, encoder: 'resnet34' },
      /does not fit pspnet \(resnet34\): .* pspnet \(resnet18\)/,
    ],
    [
      'other classes',
      { ...network, labels: 'face-8' },
      /the head has 19 classes, but 8 are needed; choose a label set/,
    ],
    ['an odd size', { ...network, size: 100 }, /^size is 100, but pspnet takes multiples of 16 from 32 to 4096$/],
    ['too small a size', { ...network, size: 16 }, /^size is 16, but pspnet takes multiples of 16 from 32 to 4096$/],
    [
      'a std of 0',
      { ...network, std: [0, 1, 1] as [number, number, number] },
      /has a std of \[0,1,1\], but .* for red, green and blue$/,
    ],
    [
      'an unknown class order',
      { ...network, classOrder: 'x' },
      /^unknown class order 'x'; the known orders are [^;]*$/,
    ],
    ['an unknown network', { ...network, model: 'pspnt' }, /^unknown model 'pspnt'; did you mean 'pspnet'\?$/],
    ['an unknown label set', { ...network, labels: 'x' }, /^unknown label set 'x'/],
  ])('refuses %s', (_, given, message) => {
    expect(messageOf(() => importWeights(pth, 'a.pth', given))).toMatch(message);
  });

  it('refuses NaN by the name of the tensor, an encoder alone, and a weights file of faceparse', () => {
    const broken = tensors();
    broken.set('decoder.conv.0.weight', {
      ...broken.get('decoder.conv.0.weight')!,
      data: new Float32Array(131072).fill(Number.NaN),
    });
    expect(messageOf(() => importWeights(encodePyTorchCheckpoint({ state_dict: broken }), 'a.pth', network))).toMatch(
      /^a\.pth: the tensor "decoder\.conv\.0\.weight" has NaN at \[0, 0, 0, 0\]/,
    );
    const encoder = new Map([...tensors()].filter(([name]) => name.startsWith('encoder.')));
    expect(messageOf(() => importWeights(encodePyTorchCheckpoint({ model: encoder }), 'a.pth', network))).toMatch(
      /no decoder, so it cannot parse faces; train .* faceparse train model\.name=pspnet model\.encoder=resnet18 --init a\.pth/,
    );
    const own: Weights = importWeights(pth, 'a', network).weights;
    expect(messageOf(() => importWeights(encodeWeights(own, graph), 'b.safetensors', network))).toBe(
      'b.safetensors is a faceparse weights file, which describes its own network; leave out model, labels and size',
    );
  });
});

describe('decodeOwnWeights', () => {
  it('says what to pass for weights of another program, in both formats', () => {
    const wanted =
      /^nothing in a says which network its tensors belong to; the tensors are those of pspnet \(resnet18\) with 19 classes; convert it with `faceparse import a --model pspnet --encoder resnet18 --labels celebamask-19 --size 512 --out NEW\.safetensors` \(with the size of its training\), or pass \{ model: "pspnet", encoder: "resnet18", labels: "celebamask-19", size: 512 \} to FaceParser\.load$/;
    expect(messageOf(() => decodeOwnWeights(pth, 'a'))).toMatch(wanted);
    const single = new Map(
      [...tensors()].map(([name, { shape, data }]) => [name, { dtype: 'F32' as const, shape: [...shape], data }]),
    );
    expect(messageOf(() => decodeOwnWeights(encodeSafetensors(single, {}), 'a'))).toMatch(wanted);
  });

  it('says so where no network fits, or no label set', () => {
    const other = encodePyTorchCheckpoint({ model: new Map([...tensors()].slice(1)) });
    expect(messageOf(() => decodeOwnWeights(other, 'a'))).toMatch(
      /, and none here fits all of them with default settings/,
    );
    const five = new Map(tensors());
    for (const [name, shape] of [
      ['segmentation_head.0.weight', [5, 512, 3, 3]],
      ['segmentation_head.0.bias', [5]],
    ] as const) {
      five.set(name, { dtype: 'float32', shape, data: new Float32Array(sizeOf(shape)) });
    }
    expect(messageOf(() => decodeOwnWeights(encodePyTorchCheckpoint({ model: five }), 'a'))).toMatch(
      /with 5 classes, but no label set has 5 classes; train a new head: .* --init a train\.initPart=body --data DATA$/,
    );
  });

  it('reports a file that is neither', () => {
    expect(messageOf(() => decodeOwnWeights(new Uint8Array(20), 'a'))).toMatch(/^a cannot be read as weights/);
  });
});
