import { describe, expect, it } from 'vitest';
import { randomWeights } from '../../test/random-weights.ts';
import { fromHalf, toHalf } from '../formats/float16.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { FaceparseError } from '../text/errors.ts';
import { inferenceGraph } from './model.ts';
import { createModel } from './registry.ts';
import { checkWeightsFit, decodeWeights, encodeWeights, type Weights } from './weights-file.ts';

const { weights: untrained, graph } = randomWeights({
  rules: { resize: 'stretch-area-bilinear', mean: [0.485, 0.456, 1 / 3], std: [0.229, 0.224, 0.225] },
});
const weights: Weights = { ...untrained, origin: { kind: 'random', seed: 7 } };
const bytes = encodeWeights(weights, graph);

function bytesOf({ buffer, byteOffset, byteLength }: Uint8Array | Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** The file with other metadata or other tensors. */
function changed(change: (metadata: Record<string, string>, tensors: Map<string, StoredTensor>) => void): Uint8Array {
  const { metadata, tensors } = decodeSafetensors(bytes);
  change(metadata, tensors);
  return encodeSafetensors(tensors, metadata);
}

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(FaceparseError);
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    return message;
  }
  return expect.fail('nothing was thrown');
}

describe('a weights file', () => {
  it('is read from bytes only', () => {
    const decode = (value: unknown) => messageOf(() => decodeWeights(value as Uint8Array));
    expect(decode(new ArrayBuffer(8))).toBe(
      'the weights must be a Uint8Array, not an ArrayBuffer; pass new Uint8Array(buffer)',
    );
    expect(decode('best.safetensors')).toBe('the weights must be a Uint8Array, not a string');
    expect(decode(undefined)).toBe('the weights must be a Uint8Array, not undefined');
  });

  it('gives back what was written: the description, the notes, every state', () => {
    const { states, ...description } = decodeWeights(bytes, 'a');
    const { states: written, ...writtenDescription } = weights;
    expect(description).toEqual(writtenDescription);
    expect([...states.keys()]).toEqual([...written.keys()]);
    // A million numbers: compared as bytes, since element by element takes long.
    for (const [name, data] of written) expect(bytesOf(states.get(name)!).equals(bytesOf(data)), name).toBe(true);
    expect(bytesOf(encodeWeights(decodeWeights(bytes, 'a'), graph)).equals(bytesOf(bytes))).toBe(true);
  });

  it('holds the settings of the network, in version 3', () => {
    const settings = { encoder: 'resnet18', depth: 5, stochasticDepth: 0 };
    const encoded = encodeWeights({ ...weights, settings }, graph);
    expect(decodeSafetensors(encoded).metadata).toMatchObject({ version: '3' });
    expect(decodeWeights(encoded).settings).toEqual(settings);
  });

  it.each(['constructor', '__proto__'])('keeps a network named %s apart from the language', (model) => {
    const file = changed((metadata) => Object.assign(metadata, { model, version: '2' }));
    expect(decodeWeights(file).model).toBe(model);
  });

  it('from before version 3 gets the present name of its network', () => {
    const named = (version: string) =>
      decodeWeights(changed((metadata) => Object.assign(metadata, { model: 'unet', version }))).model;
    expect(['1', '2', '3'].map(named)).toEqual(['mobile-unet', 'mobile-unet', 'unet']);
  });

  it('holds the shapes of the network, so that others can read it', () => {
    const { tensors, metadata } = decodeSafetensors(bytes);
    expect(tensors.get('stem.0.weight')!.shape).toEqual([32, 3, 3, 3]);
    expect(metadata).toMatchObject({ format: 'faceparse-weights', model: 'mobile-unet', size: '32' });
  });

  it('says in its metadata what photos are made into, and what the weights were before training', () => {
    expect(decodeSafetensors(bytes).metadata).toEqual({
      format: 'faceparse-weights',
      version: '2',
      model: 'mobile-unet',
      labels: 'celebamask-19',
      size: '32',
      resize: 'stretch-area-bilinear',
      mean: '[0.485,0.456,0.3333333333333333]',
      std: '[0.229,0.224,0.225]',
      origin: '{"kind":"random","seed":7}',
      'note.run': 'untrained',
    });
    const origin = { kind: 'file', file: 'resnet18 (1).safetensors', sha256: 'a'.repeat(64) } as const;
    expect(decodeWeights(encodeWeights({ ...weights, origin }, graph), 'a').origin).toEqual(origin);
    expect(decodeWeights(encodeWeights(untrained, graph), 'a')).not.toHaveProperty('origin');
  });

  it('of version 1 reads as the preprocessing that all had then, whatever else it holds', () => {
    const { preprocessing, origin } = decodeWeights(
      changed((metadata) => {
        metadata.version = '1';
      }),
      'a',
    );
    expect(preprocessing).toEqual({
      size: 32,
      resize: 'stretch-area-bilinear',
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
    });
    expect(origin).toBeUndefined();
  });

  it('is not written where it could not be read', () => {
    const write = (change: Partial<Weights>) => () => encodeWeights({ ...weights, ...change }, graph);
    const { preprocessing } = weights;
    expect(write({ preprocessing: { ...preprocessing, std: [1, 1, 0] } })).toThrow(
      'the description of the weights has a std of [1,1,0]',
    );
    expect(write({ origin: { kind: 'file', file: '/home/me/a.safetensors', sha256: 'a'.repeat(64) } })).toThrow(
      'the description of the weights does not record the origin',
    );
  });

  it('in half precision rounds the kernels, keeps the vectors, and takes about half the bytes', () => {
    const halved = encodeWeights(weights, graph, { half: true });
    expect(halved.length / bytes.length).toBeLessThan(0.52);
    const { states } = decodeWeights(halved, 'a');
    expect(() => checkWeightsFit({ ...weights, states }, graph, 'a')).not.toThrow();
    for (const [name, data] of weights.states) {
      const read = states.get(name)!;
      if (graph.states.get(name)!.shape.length === 1) expect(read, name).toEqual(data);
      else expect(Buffer.compare(bytesOf(read), bytesOf(data.map((x) => fromHalf(toHalf(x))))), name).toBe(0);
    }
    // What was rounded once stays as it is.
    const again = encodeWeights({ ...weights, states }, graph, { half: true });
    expect(bytesOf(decodeWeights(again, 'a').states.get('head.weight')!)).toEqual(bytesOf(states.get('head.weight')!));
  });

  it('in half precision lies so that readers can map it: every tensor at a multiple of its element', () => {
    const file = encodeWeights(weights, graph, { half: true });
    const headerBytes = Number(new DataView(file.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(file.subarray(8, 8 + headerBytes)));
    for (const [name, { dtype, data_offsets: offsets }] of Object.entries<{ dtype: string; data_offsets: number[] }>(
      header,
    )) {
      if (name !== '__metadata__') expect((8 + headerBytes + offsets[0]) % (dtype === 'F16' ? 2 : 4), name).toBe(0);
    }
  });

  it('in half precision refuses what no half can hold', () => {
    const large = new Map(weights.states).set('head.weight', new Float32Array(608).fill(-70_000));
    expect(messageOf(() => encodeWeights({ ...weights, states: large }, graph, { half: true }))).toMatch(
      /^the weights cannot be stored in half precision: 'head\.weight' contains -70000, beyond the limit of ±65504/,
    );
    expect(() => encodeWeights({ ...weights, states: large }, graph)).not.toThrow();
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY])('that holds %s is refused', (value) => {
    for (const dtype of ['F32', 'F16'] as const) {
      const file = changed((_, tensors) => {
        tensors.set('head.bias', { dtype, shape: [2], data: Float32Array.of(1, value) });
      });
      expect(messageOf(() => decodeWeights(file, 'a'))).toMatch(
        /^a: the tensor 'head\.bias' contains infinite .*diverged/,
      );
    }
  });

  it('cut short anywhere is told with its name', () => {
    for (const length of [0, 7, 100, 10_000, bytes.length - 1]) {
      expect(messageOf(() => decodeWeights(bytes.subarray(0, length), 'runs/a/best.safetensors'))).toMatch(
        /^runs\/a\/best\.safetensors cannot be read as weights: .*truncated/,
      );
    }
  });

  it('that is something else is told', () => {
    const text = new TextEncoder().encode('no weights at all, but a text');
    expect(messageOf(() => decodeWeights(text, 'a'))).toMatch(/^a cannot be read as weights: not a safetensors file/);
    const foreign = encodeSafetensors(new Map(), { format: 'pt' });
    expect(messageOf(() => decodeWeights(foreign, 'a'))).toMatch(/^a is a safetensors file but not a faceparse/);
  });

  it.each([
    ['version', '4', /version 4 of the weights format; this version of faceparse reads versions 1, 2 and 3/],
    ['settings', '{"encoder": [1]}', /settings of the network in an unknown form/],
    ['settings', '{"size": 3}', /settings of the network in an unknown form/],
    ['settings', '[]', /settings of the network in an unknown form/],
    ['settings', '7', /settings of the network in an unknown form/],
    ['model', '', /does not say which network/],
    ['size', 'large', /^a has a size of "large", but it must be a whole number of pixels from 32 to 4096/],
    ['size', '1e9', /size of 1000000000/],
    ['size', '31', /size of 31/],
    [
      'resize',
      'letterbox',
      /^a requires the resize rule "letterbox", but this version supports only stretch-area.*, letterbox-area/,
    ],
    ['mean', '', /^a has a mean of "", but it must be three numbers/],
    ['mean', '[0.5,0.5]', /^a has a mean of \[0\.5,0\.5\]/],
    ['mean', '[NaN,0,0]', /^a has a mean of "\[NaN,0,0\]"/],
    ['mean', '[1e999,0,0]', /^a has a mean of \[null,0,0\]/],
    ['mean', '['.repeat(100_000), /^a has a mean of "\[{59}…, but/],
    ['std', '[0.2,0.2,0]', /^a has a std of \[0\.2,0\.2,0\]/],
    ['std', '{"length":3}', /^a has a std of \{"length":3\}/],
    ['origin', 'imagenet', /^a does not record the origin/],
    ['origin', 'null', /does not record the origin/],
    ['origin', '{"kind":"random","seed":0.5}', /does not record the origin/],
    ['origin', '{"kind":"url"}', /does not record the origin/],
    ['origin', `{"kind":"file","file":"a\\nb","sha256":"${'0'.repeat(64)}"}`, /does not record the origin/],
    ['origin', '{"kind":"file","file":"a","sha256":"0"}', /does not record the origin/],
    ['labels', '', /does not say which network/],
    ['labels', 'face-99', /^a uses the label set 'face-99'/],
  ])('with %s = "%s" is refused', (key, value, message) => {
    const file = changed((metadata) => {
      metadata[key] = value;
    });
    expect(messageOf(() => decodeWeights(file, 'a'))).toMatch(message);
  });

  it.each(['size', 'resize', 'mean', 'std'])('without %s is refused', (key) => {
    const file = changed((metadata) => {
      delete metadata[key];
    });
    expect(messageOf(() => decodeWeights(file, 'a'))).toMatch(/^a (has|requires) .*nothing/);
  });

  it('with a tensor of whole numbers is refused', () => {
    const file = changed((_, tensors) => {
      tensors.set('head.bias', { dtype: 'I32', shape: [1], data: Int32Array.of(1) });
    });
    expect(messageOf(() => decodeWeights(file, 'a'))).toBe("a: the tensor 'head.bias' is not floating-point.");
  });
});

describe('checkWeightsFit', () => {
  it('passes the network that the weights belong to', () => {
    expect(() => checkWeightsFit(weights, graph, 'a')).not.toThrow();
  });

  it('names what is missing, too much, or of another size', () => {
    const missing = new Map(weights.states);
    missing.delete('head.bias');
    expect(messageOf(() => checkWeightsFit({ ...weights, states: missing }, graph, 'a'))).toBe(
      "a belongs to another network: mobile-unet requires 'head.bias', which the file lacks.",
    );
    const more = new Map(weights.states).set('extra', new Float32Array(1));
    expect(messageOf(() => checkWeightsFit({ ...weights, states: more }, graph, 'a'))).toBe(
      "a belongs to another network: it contains 'extra', which mobile-unet does not have.",
    );
    const eight = inferenceGraph(createModel('mobile-unet', { classes: 8 }), { batch: 1, height: 32, width: 32 });
    expect(messageOf(() => checkWeightsFit(weights, eight, 'a'))).toBe(
      "a belongs to another network: 'head.weight' has 608 values, but mobile-unet expects 8×32×1×1.",
    );
  });
});
