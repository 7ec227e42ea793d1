import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faceAt, fixedFinder } from '../../test/face-fixture.ts';
import { letterboxed, randomWeights } from '../../test/random-weights.ts';
import type { Engine } from '../engine/engine.ts';
import { createNodeOnnxEngine } from '../engine/onnx/node.ts';
import type { FaceFinder } from '../faces/face.ts';
import type { Framing } from '../faces/framing.ts';
import type { Photo } from '../image/image.ts';
import { Random } from '../random/random.ts';
import { FaceParser } from './face-parser.ts';

const { weights } = randomWeights();

/** Coloured noise in blocks of 8 pixels, so that a random network gives several classes. */
function noise(width: number, height: number): Photo {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const random = new Random(9, x >> 3, y >> 3);
      for (let c = 0; c < 3; c++) data[(y * width + x) * 3 + c] = random.uniform(0, 256);
    }
  }
  return { width, height, data };
}

/** Puts a photo into a larger one, turned clockwise by quarter turns. */
function paste(photo: Photo, onto: Photo, left: number, top: number, quarters: number): Photo {
  const { width: side } = photo;
  const data = onto.data.slice();
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      let [x, y] = [u, v];
      for (let k = 0; k < quarters; k++) [x, y] = [side - 1 - y, x];
      const at = ((top + y) * onto.width + left + x) * 3;
      data.set(photo.data.subarray((v * side + u) * 3, (v * side + u) * 3 + 3), at);
    }
  }
  return { ...onto, data };
}

describe('parsing faces', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createNodeOnnxEngine({ threads: 1 });
  });

  async function parserOf(...framings: Framing[]) {
    const detector = fixedFinder(...framings);
    const parser = await FaceParser.create(weights, engine, { detector });
    return { parser, detector };
  }

  it.each([0, 1, 2, 3])('labels a face turned by %i quarters as the upright one', async (quarters) => {
    const face = noise(64, 64);
    const photo = paste(face, noise(150, 130), 31, 22, quarters);
    const angle = quarters === 3 ? -90 : quarters * 90;
    const { parser } = await parserOf({ x: 63, y: 54, side: 64, angle });
    const upright = await parser.parse(face, { faces: 'whole' });
    const result = await parser.parse(photo);
    expect(new Set(upright.labels).size).toBeGreaterThan(2);
    let equal = 0;
    for (let v = 0; v < 64; v++) {
      for (let u = 0; u < 64; u++) {
        let [x, y] = [u, v];
        for (let k = 0; k < quarters; k++) [x, y] = [63 - y, x];
        if (result.labels[(22 + y) * 150 + 31 + x] === upright.labels[v * 64 + u]) equal++;
      }
    }
    expect(equal / 4096).toBeGreaterThan(0.995);
    const [found] = result.faces;
    expect(found.angle).toBe(angle);
    expect(found.region.x).toBeCloseTo(31, -0.5);
    expect(result.labels.filter((id) => id !== 0)).toHaveLength(found.labels.filter((id) => id !== 0).length);
    expect(result.scores).toBeUndefined();
    await parser.dispose();
  });

  it('parses a photo in the right framing as a whole, byte for byte', async () => {
    const photo = noise(64, 64);
    const { parser, detector } = await parserOf({ x: 30, y: 34, side: 60, angle: 5 });
    const whole = await parser.parse(photo, { faces: 'whole' });
    expect([detector.calls, whole.faces]).toEqual([0, []]);
    const auto = await parser.parse(photo);
    expect(detector.calls).toBe(1);
    expect(auto.labels).toEqual(whole.labels);
    expect(auto.scores).toEqual(whole.scores);
    expect(auto.areas).toEqual(whole.areas);
    const [face] = auto.faces;
    expect(face.labels).toEqual(whole.labels);
    expect((await face.mask()).data).toEqual(
      (await whole.mask(Array.from({ length: 18 }, (_, index) => index + 1))).data,
    );
    const every = await parser.parse(photo, { faces: 'every' });
    expect(every.scores).toBeUndefined();
    expect(every.faces[0].framing.side).toBeCloseTo(60);
    await parser.dispose();
  });

  it('looks again for a hidden face where aligned photos have theirs, if the photo is square', async () => {
    const asked: unknown[] = [];
    const detector: FaceFinder = {
      async detect(_, options) {
        asked.push(options?.minConfidence);
        const far = faceAt({ x: 10, y: 10, side: 20, angle: 0 }, 0.5);
        return options?.minConfidence === undefined ? [] : [far, faceAt({ x: 33, y: 31, side: 60, angle: 3 }, 0.5)];
      },
    };
    const parser = await FaceParser.create(weights, engine, { detector });
    const { faces, scores } = await parser.parse(noise(64, 64));
    expect(faces.map(({ confidence }) => confidence)).toEqual([0.5]);
    expect(scores).toBeDefined();
    expect((await parser.parse(noise(64, 50))).faces).toEqual([]);
    expect((await parser.parse(noise(64, 64), { faces: 'every' })).faces).toEqual([]);
    expect(asked).toEqual([undefined, 0.4, undefined, undefined]);
    await parser.dispose();
  });

  it('gives background alone where no face is found', async () => {
    const { parser } = await parserOf();
    const result = await parser.parse(noise(40, 30));
    expect(Math.max(...result.labels)).toBe(0);
    expect(result.faces).toEqual([]);
    expect(result.areas).toEqual([{ id: 0, name: 'background', pixels: 1200, share: 1 }]);
    expect(Math.max(...(await result.mask('hair')).data)).toBe(0);
    expect(Math.min(...(await result.mask('background')).data)).toBe(255);
    expect((await result.segments()).map(({ label, score }) => [label, score])).toEqual([['background', 1]]);
    for await (const { data } of result.probabilityBands()) expect(Math.min(...data.subarray(0, 40))).toBe(1);
    await parser.dispose();
  });

  describe('of two faces', () => {
    const photo = noise(160, 90);
    const framings = [
      { x: 50, y: 45, side: 64, angle: 0 },
      { x: 100, y: 40, side: 60, angle: 20 },
    ];
    let parser: FaceParser;
    beforeAll(async () => {
      ({ parser } = await parserOf(...framings));
    });
    afterAll(() => parser.dispose());

    it('gives each pixel to one face', async () => {
      const { faces, labels, areas } = await parser.parse(photo);
      const sum = new Uint8Array(labels.length);
      for (const { region, labels: own, areas: ownAreas } of faces) {
        own.forEach((id, at) => {
          const to = (region.y + Math.trunc(at / region.width)) * 160 + region.x + (at % region.width);
          if (id === 0) return;
          expect(sum[to]).toBe(0);
          sum[to] = id;
        });
        expect(ownAreas.reduce((total, { pixels }) => total + pixels, 0)).toBe(own.filter((id) => id !== 0).length);
      }
      expect(sum).toEqual(labels);
      expect(areas.reduce((total, { pixels }) => total + pixels, 0)).toBe(labels.length);
    });

    it('has masks of each face that make up the mask of all', async () => {
      const result = await parser.parse(photo);
      const [first, second] = result.faces;
      for (const soft of [true, false]) {
        const id = result.areas.find((area) => area.id !== 0)!.id;
        const all = await result.mask(id, { soft });
        const parts = [await first.mask(id, { soft }), await second.mask(id, { soft })];
        expect(all.data).toEqual(parts[0].data.map((value, at) => value + parts[1].data[at]));
        expect(Math.max(...all.data)).toBeGreaterThan(100);
      }
      await expect(first.mask('hairs')).rejects.toMatchObject({ exitCode: 2 });
      await expect(first.mask('hair', { Soft: true } as object)).rejects.toMatchObject({ exitCode: 2 });
    });

    it('has probabilities that sum to 1, none above that of the label', async () => {
      const result = await parser.parse(photo);
      for await (const { y, rows, data } of result.probabilityBands({ rows: 9 })) {
        const band = rows * 160;
        for (let at = 0; at < band; at++) {
          const all = Array.from({ length: 19 }, (_, id) => data[id * band + at]);
          expect(all.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
          expect(all[result.labels[y * 160 + at]]).toBe(Math.max(...all));
        }
      }
    });

    it('scales places with the labels', async () => {
      const [large, small] = [await parser.parse(photo), await parser.parse(photo, { maxSide: 80 })];
      expect([small.width, small.height, small.labels.length]).toEqual([80, 45, 3600]);
      const [a, b] = [large.faces[1], small.faces[1]];
      expect([b.box.x, b.box.width, b.framing.x, b.framing.side, b.landmarks.mouth.y]).toEqual(
        [a.box.x, a.box.width, a.framing.x, a.framing.side, a.landmarks.mouth.y].map((value) => value / 2),
      );
      expect(b.angle).toBe(a.angle);
    });
  });

  it('averages views of faces, and uses letterboxed networks, too', async () => {
    const framing = { x: 45, y: 45, side: 64, angle: 0 };
    const photo = paste(noise(64, 64), noise(200, 100), 13, 13, 0);
    for (const own of [weights, letterboxed(weights)]) {
      const parser = await FaceParser.create(own, engine, {
        detector: fixedFinder(framing),
        averaging: { flip: true, scales: [1, 2] },
      });
      const upright = await parser.parse(noise(64, 64), { faces: 'whole' });
      const { labels } = await parser.parse(photo);
      let equal = 0;
      for (let at = 0; at < 4096; at++) {
        if (labels[(13 + (at >> 6)) * 200 + 13 + (at & 63)] === upright.labels[at]) equal++;
      }
      expect(equal / 4096).toBeGreaterThan(0.995);
      await parser.dispose();
    }
  });

  it('takes at most 254 faces, and faces that are outside of the photo', async () => {
    const many = Array.from({ length: 300 }, (_, index) => ({ x: index, y: 20, side: 4, angle: index }));
    const { parser } = await parserOf(...many, { x: -500, y: 9, side: 20, angle: 0 });
    expect((await parser.parse(noise(40, 40))).faces).toHaveLength(254);
    await parser.dispose();
    const outside = await parserOf({ x: -500, y: 9000, side: 20, angle: 0 });
    const { faces } = await outside.parser.parse(noise(40, 40));
    expect([faces[0].region.width, faces[0].region.height, faces[0].areas]).toEqual([0, 0, []]);
    await outside.parser.dispose();
  });

  it('refuses wrong options and detectors', async () => {
    const plain = await FaceParser.create(weights, engine);
    await expect(plain.parse(noise(8, 8), { faces: 'every' })).rejects.toThrow(
      "this parser has no face detector, which faces: 'every' needs",
    );
    expect((await plain.parse(noise(8, 8))).faces).toEqual([]);
    await expect(plain.parse(noise(8, 8), { faces: 'al' as 'auto' })).rejects.toMatchObject({ exitCode: 2 });
    await plain.dispose();
    await expect(FaceParser.create(weights, engine, { detector: {} as never })).rejects.toThrow(
      'must be an object with a method detect(photo)',
    );
  });

  it('passes on errors of the detector, and parses the next photo', async () => {
    let fails = true;
    const detector = {
      async detect() {
        if (fails) throw new Error('no camera');
        return [faceAt({ x: 20, y: 20, side: 30, angle: 0 })];
      },
    };
    const parser = await FaceParser.create(weights, engine, { detector });
    await expect(parser.parse(noise(40, 50))).rejects.toThrow('no camera');
    fails = false;
    expect((await parser.parse(noise(40, 50))).faces).toHaveLength(1);
    await parser.dispose();
  });
});
