import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomWeights } from '../../test/random-weights.ts';
import type { Engine } from '../engine/engine.ts';
import { createNodeOnnxEngine } from '../engine/onnx/node.ts';
import { createReferenceEngine } from '../engine/reference/reference-engine.ts';
import type { Photo } from '../image/image.ts';
import { mirrorTable } from '../labels/mirror.ts';
import { getLabelSet } from '../labels/registry.ts';
import type { Weights } from '../models/weights-file.ts';
import { Random } from '../random/random.ts';
import { FaceParser } from './face-parser.ts';
import type { Averaging } from './grid/averaging.ts';

/** Smooth colours, as photos have, with some noise. */
function drawPhoto(width: number, height: number): Photo {
  const random = new Random(4, width, height);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3;
      data[at] = (255 * x) / width;
      data[at + 1] = (255 * y) / height;
      data[at + 2] = 128 + 60 * Math.sin(x / 5) + random.uniform(-20, 20);
    }
  }
  return { width, height, data };
}

const { weights } = randomWeights();
const sizes = [
  ['odd', 33, 47],
  ['portrait', 40, 90],
  ['landscape', 121, 50],
  ['that of the network', 32, 32],
  ['a single pixel', 1, 1],
  ['a line', 64, 1],
] as const;

describe('FaceParser', () => {
  let reference: FaceParser;
  let onnx: FaceParser;

  beforeAll(async () => {
    reference = await FaceParser.create(weights, createReferenceEngine());
    onnx = await FaceParser.create(weights, await createNodeOnnxEngine({ threads: 1 }));
  });
  afterAll(async () => {
    await Promise.all([reference.dispose(), onnx.dispose()]);
  });

  it.each(sizes)('gives labels of the size of the photo: %s, %i×%i', async (_, width, height) => {
    const photo = drawPhoto(width, height);
    const before = photo.data.slice();
    const result = await reference.parse(photo);
    expect([result.width, result.height]).toEqual([width, height]);
    expect(result.labels).toHaveLength(width * height);
    expect(Math.max(...result.labels)).toBeLessThan(19);
    expect(photo.data).toEqual(before);
  });

  it('gives the same labels on the onnx and on the reference engine', async () => {
    let equal = 0;
    let pixels = 0;
    const seen = new Set<number>();
    for (const [, width, height] of sizes) {
      const photo = drawPhoto(width, height);
      const [a, b] = [await reference.parse(photo), await onnx.parse(photo)];
      a.labels.forEach((id, index) => {
        seen.add(id);
        if (id === b.labels[index]) equal++;
      });
      pixels += a.labels.length;
    }
    expect(equal / pixels).toBeGreaterThanOrEqual(0.999);
    // A constant answer would agree too.
    expect(seen.size).toBeGreaterThan(2);
  });

  it('counts the classes that occur, largest first', async () => {
    const { areas, labels } = await onnx.parse(drawPhoto(50, 30));
    expect(areas.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(1500);
    areas.forEach((area, index) => {
      expect(area.pixels).toBe(labels.filter((id) => id === area.id).length);
      expect(area.share).toBeCloseTo(area.pixels / 1500, 12);
      expect(area.name).toBe(onnx.labelSet.classes[area.id].name);
      if (index > 0) expect(area.pixels).toBeLessThanOrEqual(areas[index - 1].pixels);
    });
  });

  it('tells how long the parts took', async () => {
    const { decode, preprocess, network, postprocess, total } = (await onnx.parse(drawPhoto(20, 20))).timing;
    for (const part of [preprocess, network, postprocess]) expect(part).toBeGreaterThanOrEqual(0);
    expect(decode + preprocess + network + postprocess).toBeCloseTo(total, 6);
  });

  it('takes photos one after the other and several at once, with the same result', async () => {
    const photos = Array.from({ length: 16 }, (_, index) => drawPhoto(20 + index, 50 - index));
    const alone = [];
    for (const photo of photos) alone.push((await onnx.parse(photo)).labels);
    const together = await Promise.all(photos.map((photo) => onnx.parse(photo)));
    expect(together.map(({ labels }) => labels)).toEqual(alone);
  });
});

describe('FaceParser for apps', () => {
  const photo = drawPhoto(40, 30);
  let parser: FaceParser;

  beforeAll(async () => {
    parser = await FaceParser.create(weights, createReferenceEngine());
  });
  afterAll(() => parser.dispose());

  it('takes RGBA as canvases give it', async () => {
    const rgba = new Uint8ClampedArray(40 * 30 * 4).fill(255);
    for (let i = 0; i < 1200; i++) rgba.set(photo.data.subarray(i * 3, i * 3 + 3), i * 4);
    const { labels } = await parser.parse({ width: 40, height: 30, data: rgba });
    expect(labels).toEqual((await parser.parse(photo)).labels);
  });

  it.each([
    [undefined, /^cannot read an image from undefined; pass \{ width, height, data \} with RGB or RGBA bytes$/],
    ['photo.jpg', /cannot read an image from a string; pass/],
    [Promise.resolve(photo), /cannot read an image from a Promise \(await it first\)/],
    [
      { width: 2, height: 2, data: new Uint8Array(5) },
      /2×2 needs 12 bytes \(RGB\) or 16 \(RGBA\), but its data has 5 bytes/,
    ],
  ])('refuses %o', async (image, message) => {
    await expect(parser.parse(image as Photo)).rejects.toThrow(message);
  });

  it('gives smaller labels of the same proportions with maxSide, of the whole image', async () => {
    const whole = await parser.parse(photo);
    const small = await parser.parse(photo, { maxSide: 20 });
    expect([small.width, small.height, small.labels.length]).toEqual([20, 15, 300]);
    expect(small.areas.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    expect(small.scores).toEqual(whole.scores);
    expect((await parser.parse(photo, { maxSide: 4000 })).labels).toEqual(whole.labels);
    expect(await parser.parse(drawPhoto(90, 1), { maxSide: 3 })).toMatchObject({ width: 3, height: 1 });
    for (const maxSide of [0, 2.5, Number.NaN]) {
      await expect(parser.parse(photo, { maxSide })).rejects.toThrow(
        `maxSide is ${maxSide}, but must be a positive integer`,
      );
    }
  });

  it('resolves calls in order, also after one that fails', async () => {
    const order: string[] = [];
    const calls = [drawPhoto(300, 200), 7 as unknown as Photo, drawPhoto(3, 2), drawPhoto(50, 60)].map((image, index) =>
      parser.parse(image).then(
        ({ width }) => order.push(`${index}: ${width}`),
        () => order.push(`${index} failed`),
      ),
    );
    await Promise.all(calls);
    expect(order).toEqual(['0: 300', '1 failed', '2: 3', '3: 50']);
  });

  it('leaves the time spent waiting out of the timing', async () => {
    const start = performance.now();
    const results = await Promise.all(Array.from({ length: 6 }, () => parser.parse(photo)));
    const all = performance.now() - start;
    const network = results.reduce((sum, { timing }) => sum + timing.network, 0);
    expect(network).toBeLessThan(all);
  });

  it('has results that later calls leave alone', async () => {
    const first = await parser.parse(photo);
    const scores = first.scores?.data.slice();
    await parser.parse(drawPhoto(20, 50));
    expect(first.scores?.data).toEqual(scores);
  });

  it('refuses what is no AbortSignal, without an unhandled rejection', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    const controller: unknown = new AbortController();
    await expect(parser.parse(drawPhoto(8, 8), { signal: controller as AbortSignal })).rejects.toThrow(
      'signal is an AbortController, but must be an AbortSignal',
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('refuses scores that are not finite', async () => {
    const states = new Map([...weights.states].map(([name, data]) => [name, data.map((value) => value * 1e30)]));
    await using diverged = await FaceParser.create({ ...weights, states }, createReferenceEngine());
    await expect(diverged.parse(photo)).rejects.toThrow('the network gives NaN or infinite scores for this image');
  });

  it('ends pending calls before it is disposed of, and says so afterwards', async () => {
    await using other = await FaceParser.create(weights, createReferenceEngine());
    const pending = other.parse(photo);
    const disposal = other.dispose();
    expect((await pending).labels).toHaveLength(1200);
    await disposal;
    await expect(other.parse(photo)).rejects.toThrow(
      'this parser has been disposed; create a new one to parse more images',
    );
    await other.dispose();
  });
});

describe('FaceParser with letterboxed photos', async () => {
  const engine = await createNodeOnnxEngine({ threads: 1 });
  const boxed = { ...weights, preprocessing: { ...weights.preprocessing, resize: 'letterbox-area-bilinear' } } as const;
  const views = [undefined, { flip: true, scales: [2] }] as const;

  it.each(views)('gives square photos the labels of stretched ones, averaging %j', async (averaging) => {
    const options = averaging && { averaging };
    const [parser, stretched] = await Promise.all(
      [boxed, weights].map((one) => FaceParser.create(one, engine, options)),
    );
    for (const side of [1, 32, 77]) {
      const photo = drawPhoto(side, side);
      const [result, other] = [await parser.parse(photo), await stretched.parse(photo)];
      expect(result.labels).toEqual(other.labels);
      expect(result.scores).toEqual(other.scores);
    }
    await Promise.all([parser.dispose(), stretched.dispose()]);
  });

  it.each(views)('gives labels, masks and probabilities of the size of the photo, averaging %j', async (averaging) => {
    const parser = await FaceParser.create(boxed, engine, averaging && { averaging });
    for (const [name, width, height] of sizes) {
      const result = await parser.parse(drawPhoto(width, height));
      expect([result.width, result.height, result.labels.length], name).toEqual([width, height, width * height]);
      const { data } = await result.mask(result.areas.map(({ id }) => id));
      expect(data).toHaveLength(width * height);
      const bands = [];
      for await (const band of result.probabilityBands({ rows: 1000 })) bands.push(band);
      expect(bands).toHaveLength(1);
      const [band] = bands;
      for (let at = 0; at < width * height; at++) {
        const all = Array.from({ length: 19 }, (_, id) => band.data[id * width * height + at]);
        expect(all.reduce((sum, p) => sum + p)).toBeCloseTo(1, 4);
        expect(all[result.labels[at]]).toBe(Math.max(...all));
      }
      expect((await result.segments()).length).toBe(result.areas.length);
    }
    await parser.dispose();
  });

  it('shows the network an undistorted photo, and no padding to the user', async () => {
    // A photo with margins of grey is what a letterbox makes of the inner part.
    const inner = drawPhoto(64, 32);
    const padded = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(128) };
    padded.data.set(inner.data, 16 * 64 * 3);
    const parser = await FaceParser.create(boxed, engine);
    const [whole, part] = [await parser.parse(padded), await parser.parse(inner)];
    const scores = part.scores!;
    const [, rows, columns] = scores.shape;
    expect([rows * 2, columns]).toEqual(whole.scores?.shape.slice(1));
    for (let id = 0; id < 19; id++) {
      const from = id * 4 * rows * rows + rows * rows;
      const expected = whole.scores?.data.subarray(from, from + rows * columns);
      expect(scores.data.subarray(id * rows * columns, (id + 1) * rows * columns)).toEqual(expected);
    }
    await parser.dispose();
  });
});

describe('FaceParser with averaging', async () => {
  const engine = await createNodeOnnxEngine({ threads: 1 });
  const photo = drawPhoto(61, 45);
  const swap = mirrorTable(getLabelSet('celebamask-19'));

  function mirroredPhoto({ width, height, data }: Photo): Photo {
    const result = data.slice();
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (y * width + width - 1 - x) * 3;
        result.set(data.subarray(from, from + 3), (y * width + x) * 3);
      }
    }
    return { width, height, data: result };
  }

  async function labelsOf(image: Photo, averaging?: Averaging, network: Weights = weights): Promise<Uint8Array> {
    const parser = await FaceParser.create(network, engine, averaging && { averaging });
    const { labels } = await parser.parse(image);
    await parser.dispose();
    return labels;
  }

  /** Share of pixels whose labels agree with those of the mirrored photo, brought back. */
  async function symmetry(averaging?: Averaging, network: Weights = weights): Promise<number> {
    const labels = await labelsOf(photo, averaging, network);
    const other = await labelsOf(mirroredPhoto(photo), averaging, network);
    const { width } = photo;
    const same = labels.filter((id, i) => {
      const row = i - (i % width);
      return id === swap[other[row + width - 1 - (i % width)]];
    });
    return same.length / labels.length;
  }

  it('of flips gives a mirrored photo the mirrored labels, left and right swapped', async () => {
    expect(await symmetry()).toBeLessThan(0.5);
    expect(await symmetry({ flip: true, scales: [] })).toBeGreaterThan(0.999);
    expect(await symmetry({ flip: true, scales: [2] })).toBeGreaterThan(0.999);
    for (const size of [32, 64]) {
      const preprocessing = { ...weights.preprocessing, size, resize: 'letterbox-area-bilinear' } as const;
      expect(await symmetry({ flip: true, scales: [2] }, { ...weights, preprocessing })).toBeGreaterThan(0.999);
    }
  });

  it('of nothing but the photo is the plain prediction', async () => {
    const plain = await labelsOf(photo);
    expect(await labelsOf(photo, { flip: false, scales: [1] })).toEqual(plain);
    expect(await labelsOf(photo, { flip: false, scales: [2] })).not.toEqual(plain);
  });

  it('takes several photos at once, with the same result', async () => {
    const averaging = { flip: true, scales: [2] };
    const parser = await FaceParser.create(weights, engine, { averaging });
    const photos = Array.from({ length: 6 }, (_, index) => drawPhoto(20 + index, 50 - index));
    const alone = [];
    for (const image of photos) alone.push((await parser.parse(image)).labels);
    const together = await Promise.all(photos.map((image) => parser.parse(image)));
    expect(together.map(({ labels }) => labels)).toEqual(alone);
    await parser.dispose();
  });

  it('tells its sizes and how long the parts took', async () => {
    const parser = await FaceParser.create(weights, engine, { averaging: { flip: true, scales: [2] } });
    expect(parser.sides).toEqual([32, 64]);
    const { decode, preprocess, network, postprocess, total } = (await parser.parse(photo)).timing;
    for (const part of [preprocess, network, postprocess]) expect(part).toBeGreaterThan(0);
    expect(decode + preprocess + network + postprocess).toBeCloseTo(total, 6);
    await parser.dispose();
  });

  it('frees every program, also those of a parser that could not be made', async () => {
    const open = new Set<number>();
    let made = 0;
    const counting = (limit: number): Engine => ({
      ...engine,
      compile: async (graph) => {
        if (made === limit) throw new Error('no memory');
        const program = await engine.compile(graph);
        const number = made++;
        open.add(number);
        const dispose = async () => {
          open.delete(number);
          await program.dispose();
        };
        return Object.assign(Object.create(program), { dispose });
      },
    });
    const averaging = { flip: false, scales: [2, 3] };
    const parser = await FaceParser.create(weights, counting(3), { averaging });
    expect(open.size).toBe(3);
    await parser.dispose();
    expect(open.size).toBe(0);
    made = 0;
    await expect(FaceParser.create(weights, counting(2), { averaging })).rejects.toThrow('no memory');
    expect([made, open.size]).toEqual([2, 0]);
  });

  it.each([
    [true, 'the options of averaging must be an object, not a boolean'],
    [{ flips: true, scales: [] }, "unknown option 'flips' of averaging; did you mean 'flip'?"],
    [{ flip: 'no', scales: [] }, 'averaging.flip is a string, but must be true or false'],
    [{ flip: true, scales: '1' }, 'averaging.scales is a string, but must be an array of numbers'],
  ])('refuses %o', async (averaging, message) => {
    const options = { averaging: averaging as unknown as Averaging };
    await expect(FaceParser.create(weights, createReferenceEngine(), options)).rejects.toThrow(message);
  });

  it('refuses what is no weights and no engine', async () => {
    const create = (...given: unknown[]) => FaceParser.create(...(given as Parameters<typeof FaceParser.create>));
    await expect(create(weights, Promise.resolve(createReferenceEngine()))).rejects.toThrow(
      'takes an engine (from selectEngine or createOnnxEngine), but got a Promise (await it first)',
    );
    await expect(create(new Uint8Array(8), createReferenceEngine())).rejects.toThrow(
      'takes weights (from decodeWeights), but got a Uint8Array',
    );
  });

  it('refuses unknown options', async () => {
    const options: object = { averging: {} };
    await expect(FaceParser.create(weights, createReferenceEngine(), options)).rejects.toThrow(
      "did you mean 'averaging'",
    );
  });

  it('refuses a scale that cannot be used', async () => {
    const averaging = { flip: true, scales: [200] };
    await expect(FaceParser.create(weights, engine, { averaging })).rejects.toThrow(/^scale 200 is not/);
  });
});

describe('FaceParser.create refuses, with the name of the file,', () => {
  const engine: Engine = {
    name: 'none',
    device: 'cpu',
    compile: () => expect.fail('nothing should be compiled'),
    compileEntries: () => expect.fail('nothing should be compiled'),
  };

  it.each([
    [
      'a network that there is not',
      { model: 'vgg' },
      /^best\.safetensors cannot be used: unknown model 'vgg'; .* import the module that registers it first/,
    ],
    [
      'another network',
      { model: 'compact' },
      /^best\.safetensors belongs to another network: 'stem\.0\.weight' has 864 values/,
    ],
    ['other classes', { labels: 'face-8' }, /^best\.safetensors belongs to another network: 'head\.weight'/],
    [
      'an impossible size',
      { preprocessing: { ...weights.preprocessing, size: 100 } },
      /^best\.safetensors cannot be used: mobile-unet takes .* multiples of 32/,
    ],
  ])('%s', async (_, changes, message) => {
    await expect(FaceParser.create({ ...weights, ...changes }, engine, { name: 'best.safetensors' })).rejects.toThrow(
      message,
    );
  });
});
