import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faceAt } from '../../../test/face-fixture.ts';
import { randomWeights } from '../../../test/random-weights.ts';
import type { Engine } from '../../engine/engine.ts';
import { createNodeOnnxEngine } from '../../engine/onnx/node.ts';
import type { Photo } from '../../image/image.ts';
import { Random } from '../../random/random.ts';
import { FaceParser } from '../face-parser.ts';
import type { ParseResult } from '../result/parse-result.ts';

const { weights } = randomWeights();

function noise(seed: number, width = 72, height = 64): Photo {
  const random = new Random(seed);
  return { width, height, data: Uint8Array.from({ length: width * height * 3 }, () => random.integer(256)) };
}

async function collect(results: AsyncIterable<ParseResult>): Promise<ParseResult[]> {
  const all: ParseResult[] = [];
  for await (const result of results) all.push(result);
  return all;
}

describe('parseFrames', () => {
  let engine: Engine;
  let whole: FaceParser;
  beforeAll(async () => {
    engine = await createNodeOnnxEngine({ threads: 1 });
    whole = await FaceParser.create(weights, engine);
  });
  afterAll(() => whole.dispose());

  const following = (x: (call: number) => number) => {
    let call = 0;
    return FaceParser.create(weights, engine, {
      detector: { detect: async () => [faceAt({ x: x(call++), y: 30, side: 40, angle: 0 })] },
    });
  };

  it('gives the labels of parse without smoothing, in order, from any iterable', async () => {
    const frames = [noise(1), noise(2, 50, 64), noise(3)];
    const expected = await Promise.all(frames.map((frame) => whole.parse(frame)));
    async function* later() {
      for (const frame of frames) yield frame;
    }
    for (const source of [frames, new Set(frames), later(), frames.map((frame) => Promise.resolve(frame)) as never]) {
      const results = await collect(whole.parseFrames(source, { smoothing: 0 }));
      expect(results.map(({ labels }) => labels)).toEqual(expected.map(({ labels }) => labels));
    }
    expect(await collect(whole.parseFrames([]))).toEqual([]);
  });

  it('follows faces: they keep their id', async () => {
    const parser = await following((call) => 30 + call);
    const results = await collect(parser.parseFrames([1, 2, 3, 4].map((seed) => noise(seed))));
    expect(results.map(({ faces }) => faces.map(({ id }) => id))).toEqual([[1], [1], [1], [1]]);
    expect((await parser.parse(noise(1), { faces: 'every' })).faces[0].id).toBeUndefined();
    await parser.dispose();
  });

  it('steadies the labels of a still picture with noise', async () => {
    const still = noise(7);
    const random = new Random(8);
    const frames = Array.from({ length: 12 }, () => ({
      ...still,
      data: still.data.map((value) => Math.min(255, Math.max(0, value + Math.round(4 * random.normal())))),
    }));
    const flicker = async (smoothing: number) => {
      const results = await collect(whole.parseFrames(frames, { smoothing }));
      let changed = 0;
      for (let n = 4; n < results.length; n++) {
        changed += results[n].labels.filter((id, at) => id !== results[n - 1].labels[at]).length;
      }
      return changed;
    };
    const [none, some] = [await flicker(0), await flicker(0.9)];
    expect(none).toBeGreaterThan(50);
    expect(some).toBeLessThan(0.5 * none);
  });

  it('closes the source when the loop is left, and takes at most one frame ahead', async () => {
    let [taken, closed] = [0, false];
    function* source() {
      try {
        for (;;) {
          taken++;
          yield noise(taken);
        }
      } finally {
        closed = true;
      }
    }
    let results = 0;
    for await (const _ of whole.parseFrames(source())) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(taken).toBeLessThanOrEqual(results + 2);
      if (++results === 3) break;
    }
    expect(closed).toBe(true);
    taken = 0;
    results = 0;
    for await (const _ of whole.parseFrames(source(), { live: true })) {
      expect(taken).toBe(++results);
      if (results === 3) break;
    }
  });

  it('names the frame that cannot be used, and passes on what the source throws', async () => {
    const frames = [noise(1), { width: 3, height: 3, data: new Uint8Array(2) }, noise(2)];
    const seen: ParseResult[] = [];
    const loop = async () => {
      for await (const result of whole.parseFrames(frames)) seen.push(result);
    };
    await expect(loop()).rejects.toThrow(/^frame 1: a raw image of 3×3 needs/);
    expect(seen).toHaveLength(1);
    function* broken() {
      yield noise(1);
      throw new Error('no more film');
    }
    await expect(collect(whole.parseFrames(broken()))).rejects.toThrow('no more film');
    const times = whole.parseFrames([noise(1)], { timeOf: () => Number.NaN });
    await expect(collect(times)).rejects.toThrow('timeOf returned NaN for frame 0, but must return seconds');
  });

  it('ends with the reason of its signal, also while it waits for a frame', async () => {
    const controller = new AbortController();
    async function* camera() {
      yield noise(1);
      await new Promise(() => undefined);
    }
    const results = whole.parseFrames(camera(), { signal: controller.signal });
    await results.next();
    setTimeout(() => controller.abort(new Error('switched off')), 20);
    await expect(results.next()).rejects.toThrow('switched off');
  });

  /** A camera by hand, whose second frame never comes. */
  function stalledCamera() {
    const camera = {
      closed: 0,
      taken: 0,
      [Symbol.asyncIterator]: () => ({
        next: (): Promise<IteratorResult<Photo>> =>
          camera.taken++ === 0
            ? Promise.resolve({ done: false, value: noise(1) })
            : new Promise<IteratorResult<Photo>>(() => undefined),
        return: async (): Promise<IteratorResult<Photo>> => {
          camera.closed++;
          return { done: true, value: undefined };
        },
      }),
    };
    return camera;
  }

  it('can be left while the source waits, and closes it', async () => {
    const camera = stalledCamera();
    for await (const _ of whole.parseFrames(camera)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(camera.taken).toBe(2);
      break;
    }
    expect(camera.closed).toBe(1);
  });

  it('closes a source that waits when it is aborted', async () => {
    const camera = stalledCamera();
    const controller = new AbortController();
    const results = whole.parseFrames(camera, { signal: controller.signal });
    await results.next();
    setTimeout(() => controller.abort(new Error('switched off')), 20);
    await expect(results.next()).rejects.toThrow('switched off');
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(camera.closed).toBe(1);
  });

  it('closes a plain source one of whose promises is rejected', async () => {
    let closed = false;
    function* source() {
      try {
        yield Promise.resolve(noise(1));
        yield Promise.reject<Photo>(new Error('lost'));
        yield Promise.resolve(noise(2));
      } finally {
        closed = true;
      }
    }
    await expect(collect(whole.parseFrames(source() as never))).rejects.toThrow('lost');
    expect(closed).toBe(true);
  });

  it('asks no detector in the mode whole', async () => {
    const parser = await FaceParser.create(weights, engine, {
      detector: { detect: () => Promise.reject(new Error('asked')) },
    });
    const [result] = await collect(parser.parseFrames([noise(1)], { faces: 'whole', smoothing: 0 }));
    expect(result.labels).toEqual((await whole.parse(noise(1))).labels);
    await expect(collect(parser.parseFrames([noise(1)]))).rejects.toThrow('asked');
    await parser.dispose();
  });

  it('is refused by a disposed parser, also in the middle of a video', async () => {
    const parser = await FaceParser.create(weights, engine);
    const results = parser.parseFrames([1, 2, 3, 4, 5].map((seed) => noise(seed)));
    await results.next();
    await parser.dispose();
    await expect(collect(results)).rejects.toThrow('this parser has been disposed');
  });

  it.each([
    [{ smoothing: 2 }, /smoothing is 2, but must be a number from 0 to 1/],
    [{ detectEvery: 0 }, /detectEvery is 0/],
    [{ fps: -1 }, /fps is -1/],
    [{ fps: 30, live: true }, /fps has no effect with live/],
    [{ smoothin: 1 }, /unknown option 'smoothin' of parseFrames/],
    [{ faces: 'every' }, /this parser has no face detector/],
  ])('refuses %j', async (options, message) => {
    await expect(collect(whole.parseFrames([noise(1)], options as object))).rejects.toThrow(message);
  });

  it('refuses a single image', async () => {
    await expect(collect(whole.parseFrames(noise(1) as never))).rejects.toThrow(/use parse for a single image/);
  });
});
