import { beforeAll, describe, expect, it } from 'vitest';
import { randomStates, randomWeights } from '../../../test/random-weights.ts';
import { pytorchCheckpoint } from '../../export/pytorch/pytorch.ts';
import { toHalf } from '../../formats/float16.ts';
import { encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import { encodeSafetensors } from '../../formats/safetensors.ts';
import { readStateDict } from '../../formats/state-dict/read-state-dict.ts';
import { type Graph, sizeOf } from '../../graph/graph.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { parseLabelTable } from '../../labels/parse-label-table.ts';
import { inferenceGraph } from '../model.ts';
import { createModel } from '../registry.ts';
import { decodeWeights, encodeDescription, encodeWeights, type Weights } from '../weights-file.ts';
import { decodeOwnWeights, importStateDict, importWeights } from './import-weights.ts';

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
    expect(notices).toEqual([
      'a.pth: reads 74 tensors for pspnet (resnet18), with the names of segmentation_models.pytorch',
      'a.pth: photos are stretched to 64×64 pixels and normalized with mean 0.485, 0.456, 0.406 and std 0.229, 0.224, 0.225; change it with resize, mean and std',
    ]);
    expectSame(decodeOwnWeights(encodeWeights(weights, graph), 'b').weights.states);
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
      /^nothing in a\.pth says which network .* pspnet \(resnet18\) with 19 classes; pass \{ model: "pspnet", .* `faceparse/,
    ],
    [
      'no network, but its label set',
      { labels: 'celebamask-19', size: 64 },
      /^nothing in a\.pth says .* with 19 classes; add model: 'pspnet' and encoder: 'resnet18'$/,
    ],
    [
      'no labels and size',
      { model: 'pspnet' },
      /^a\.pth does not describe its network completely; add labels \(the label set .*\) and size \(.*a table \{ name, classes \} works too$/,
    ],
    [
      'another encoder',
      { ...network, encoder: 'resnet34' },
      /does not fit pspnet \(resnet34\); .* pspnet \(resnet18\) with 19 classes: pass encoder: 'resnet18'$/,
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
    ['a size as text', { ...network, size: '64' as never }, /^size must be a number, but is the string '64'$/],
    ['a network that is no name', { ...network, model: 3 as never }, /^model must be a string, but is a number$/],
    [
      'no label set',
      { ...network, labels: null as never },
      /^labels must be the name of a label set \(.*\) or a table/,
    ],
    [
      'another rule',
      { ...network, resize: 'crop' as never },
      /^resize is 'crop', but must be 'stretch' or 'letterbox'$/,
    ],
    [
      'a misspelled option',
      { ...network, sise: 3 } as never,
      /^unknown option 'sise' of importWeights; did you mean 'size'/,
    ],
    ['another type of options', 'pspnet' as never, /^the options of importWeights must be an object, not a string$/],
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
      'b.safetensors is a faceparse weights file, which describes its own network; leave out model, encoder, labels and size',
    );
  });
});

it('says what importWeights takes', () => {
  const call = (...given: unknown[]) => messageOf(() => (importWeights as (...given: unknown[]) => unknown)(...given));
  expect(call('a.pth')).toMatch(/^importWeights takes the bytes .* as a Uint8Array, but got a string$/);
  expect(call(undefined)).toMatch(/but got undefined$/);
  expect(call(pth.buffer, 'a')).toMatch(/but got an ArrayBuffer; pass new Uint8Array\(buffer\)$/);
  expect(call(pth, network)).toMatch(
    /^importWeights takes the name of the file as its second argument, .* an object with/,
  );
  expect(call(pth, 'a', null)).toMatch(/^the options of importWeights must be an object, not null$/);
});

describe('a label set of the user', () => {
  const table = {
    name: 'three',
    classes: [
      { name: 'background', from: ['background'], color: [0, 0, 0] },
      { name: 'face', from: ['skin', 'nose'], color: [9, 9, 9] },
      { name: 'hair', from: ['hair'], color: [1, 2, 3] },
    ],
    drop: [
      'l_brow',
      'r_brow',
      'l_eye',
      'r_eye',
      'eye_g',
      'l_ear',
      'r_ear',
      'mouth',
      'u_lip',
      'l_lip',
      'hat',
      'ear_r',
      'neck_l',
      'neck',
      'cloth',
    ],
    pairs: [],
  } as const;
  const other = createModel('pspnet', { encoder: 'resnet18', classes: 3 });
  const otherGraph = inferenceGraph(other, { batch: 1, height: 64, width: 64 });
  const three = new Map(
    [...randomStates(otherGraph, 'three')].map(([name, data]) => [
      name,
      { dtype: 'float32' as const, shape: otherGraph.states.get(name)!.shape, data },
    ]),
  );

  it('is a table, with the classes of the network', () => {
    const bytes = encodePyTorchCheckpoint({ state_dict: three });
    const { weights } = importWeights(bytes, 'a', { ...network, labels: table, resize: 'letterbox' });
    expect(weights.labels).toEqual({ ...table, drop: expect.arrayContaining([...table.drop]) });
    expect(weights.preprocessing.resize).toBe('letterbox-area-bilinear');
    expect(decodeWeights(encodeWeights(weights, otherGraph)).labels).toEqual(weights.labels);
    expect(messageOf(() => importWeights(bytes, 'a', network))).toMatch(
      /the head has 3 classes, but 19 are needed; choose a label set with as many classes \(labels\), or train/,
    );
    const wrong = { ...table, classes: [...table.classes, { name: 'x', from: ['y'], color: [0, 0, 0] as const }] };
    expect(messageOf(() => importWeights(bytes, 'a', { ...network, labels: wrong }))).toMatch(/'y'/);
  });
});

describe('a ckpt.pth of faceparse export', () => {
  const settings = { encoder: 'mobilenet_v2', depth: 3, outputStride: 8 } as const;
  const other = createModel('pspnet', { ...settings, classes: 8 });
  const otherStates = randomStates(inferenceGraph(other, { batch: 1, height: 64, width: 64 }), 'exported');
  const preprocessing = {
    size: 64,
    resize: 'letterbox-area-bilinear',
    mean: [0.4, 0.4, 0.4],
    std: [0.3, 0.3, 0.3],
  } as const;
  const given: Weights = {
    model: 'pspnet',
    settings: other.settings,
    labels: 'face-8',
    preprocessing,
    states: otherStates,
    notes: { run: 'a' },
  };

  /** The file with a description that export would not write. */
  const tampered = (change: Partial<Weights>) => {
    const { states } = inferenceGraph(other, { batch: 1, height: 64, width: 64 });
    const state_dict = new Map(
      [...states].map(([name, { shape }]) => [
        name,
        { dtype: 'float32' as const, shape, data: otherStates.get(name)! },
      ]),
    );
    return encodePyTorchCheckpoint({ state_dict, ...encodeDescription({ ...given, ...change }) });
  };

  it('describes its network, label set and preprocessing', () => {
    const { weights, notices } = importWeights(pytorchCheckpoint(given), 'ckpt.pth');
    const { notes: _, ...described } = given;
    expect({ ...weights, states: null }).toEqual({ ...described, states: null });
    for (const [name, values] of given.states) {
      expect(bytesOf(weights.states.get(name)!).equals(bytesOf(values)), name).toBe(true);
    }
    expect(notices).toEqual([
      `ckpt.pth: reads ${weights.states.size} tensors for pspnet (mobilenet_v2), with the names of faceparse`,
    ]);
    expect(decodeOwnWeights(pytorchCheckpoint(given), 'a').weights.preprocessing).toEqual(weights.preprocessing);
  });

  it.each<[string, Partial<Weights>, RegExp]>([
    ['a depth', { settings: { ...other.settings, depth: 1e9 } }, /depth is 1000000000, but must be 3, 4 or 5/],
    ['an encoder', { settings: { ...other.settings, encoder: '__proto__' } }, /unknown encoder '__proto__'/],
    ['a size', { preprocessing: { ...preprocessing, size: 33 } }, /size is 33, but pspnet takes multiples of 16/],
  ])('with %s that it cannot have is named, whatever the caller is', (_, change, message) => {
    const bytes = tampered(change);
    for (const caller of ['command', 'library'] as const) {
      const state = readStateDict(bytes, 'ckpt.pth');
      const found = messageOf(() => importStateDict(state, { name: 'ckpt.pth', network: {}, caller }));
      expect(found).toMatch(
        /^the description of the network in ckpt\.pth cannot be used: .*; export the run again, or give/,
      );
      expect(found).toMatch(message);
    }
  });

  it('of a network that is not registered says how to register it', () => {
    const bytes = tampered({ model: 'fpn-mini', settings: {} });
    expect(messageOf(() => importWeights(bytes, 'a'))).toMatch(
      /unknown model 'fpn-mini'; .*; for a network of your own, import/,
    );
  });

  it('takes options in place of a wrong description', () => {
    const bytes = tampered({ preprocessing: { ...preprocessing, size: 33 } });
    expect(importWeights(bytes, 'a', { size: 64 }).weights.preprocessing.size).toBe(64);
  });

  it('takes options in place of its own description', () => {
    const { weights } = importWeights(pytorchCheckpoint(given), 'a', { resize: 'stretch', size: 96 });
    expect(weights.preprocessing).toMatchObject({ resize: 'stretch-area-bilinear', size: 96, mean: [0.4, 0.4, 0.4] });
  });

  it('has defaults where a former version stored less', () => {
    const { weights: small, graph: own } = randomWeights({ model: 'compact', size: 64 });
    const state_dict = new Map(
      [...small.states].map(([name, data]) => [
        name,
        { dtype: 'float32' as const, shape: own.states.get(name)!.shape, data },
      ]),
    );
    const former = { state_dict, model: 'compact', labels: 'celebamask-19', classes: 19, size: 64 };
    const { weights, notices } = importWeights(encodePyTorchCheckpoint(former), 'a');
    expect(weights.preprocessing).toEqual(small.preprocessing);
    expect(notices.at(-1)).toMatch(/^a: the version of faceparse that exported the file did not store how photos are/);
    // A checkpoint of another program may have the same keys.
    expect(messageOf(() => importWeights(encodePyTorchCheckpoint({ ...former, labels: 'mine' }), 'a'))).toMatch(
      /^nothing in a says which network/,
    );
  });
});

describe('decodeOwnWeights', () => {
  it('says what to pass for weights of another program, in both formats', () => {
    const wanted =
      /^nothing in a says which network its tensors belong to; the tensors are those of pspnet \(resnet18\) with 19 classes; pass \{ model: "pspnet", encoder: "resnet18", labels: "celebamask-19", size: 512 \} as options \(with the size of its training\), or convert it with `faceparse import a --model pspnet --encoder resnet18 --labels celebamask-19 --size 512 --out NEW\.safetensors`$/;
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
    const bytes = encodePyTorchCheckpoint({ model: five });
    const kept = ['background', 'skin', 'hair', 'nose', 'hat'];
    const drop = celebamask19.classes.map(({ name }) => name).filter((name) => !kept.includes(name));
    const { table } = parseLabelTable({ name: 'five', classes: kept.map((name) => ({ name })), drop });
    const given = { name: 'a', network: { labels: table! }, caller: 'command' as const };
    expect(messageOf(() => importStateDict(readStateDict(bytes, 'a'), given))).toMatch(
      /with 5 classes; add --model \w+, --encoder resnet18 and --size \(the side of its input in training\)$/,
    );
    expect(messageOf(() => decodeOwnWeights(bytes, 'a'))).toMatch(
      /with 5 classes, but no built-in label set has 5 classes; pass a table of them as labels, with model: '\w+' and encoder: '\w+', or train a new head: .* --init a train\.initPart=body --data DATA$/,
    );
  });

  it('does not ask for a label set of one class', () => {
    const one = new Map(tensors());
    one.set('segmentation_head.0.weight', { dtype: 'float32', shape: [1, 512, 3, 3], data: new Float32Array(4608) });
    one.set('segmentation_head.0.bias', { dtype: 'float32', shape: [1], data: new Float32Array(1) });
    expect(messageOf(() => decodeOwnWeights(encodePyTorchCheckpoint({ model: one }), 'a'))).toMatch(
      /with 1 class, but faceparse needs at least two; train a new head: /,
    );
  });

  it('reports a file that is neither', () => {
    expect(messageOf(() => decodeOwnWeights(new Uint8Array(20), 'a'))).toMatch(/^a cannot be read as weights/);
  });
});
