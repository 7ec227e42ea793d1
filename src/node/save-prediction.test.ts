import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { noiseRgb, temporaryFolder } from '../../test/dataset-fixture.ts';
import { fromHalf } from '../formats/float16.ts';
import { decodePalettePng } from '../formats/png/palette-png.ts';
import { getLabelSet } from '../labels/registry.ts';
import { upsampledArgmax } from '../parser/grid/argmax.ts';
import { ParseResult } from '../parser/result/parse-result.ts';
import { Random } from '../random/random.ts';
import { predictionPaths, savePrediction } from './save-prediction.ts';

const labelSet = getLabelSet('celebamask-19');
const [width, height] = [37, 150];
const photo = { width, height, data: new Uint8Array(noiseRgb(width, height)) };
const random = new Random(4);
const scores = {
  shape: [19, 7, 6] as const,
  data: Float32Array.from({ length: 19 * 42 }, () => 3 * random.normal()),
};
const { data: labels } = upsampledArgmax(scores, height, width);
const timing = { decode: 0, detect: 0, preprocess: 0, network: 0, postprocess: 0, total: 0 };
const result = new ParseResult({ width, height, labels, areas: [], scores, timing }, labelSet);
const prediction = { stem: 'a.b', photo, result, labelSet };

/** The probabilities at the size of the photo, C×H×W. */
let expected: Float32Array;

beforeAll(async () => {
  const { value } = await result.probabilityBands({ rows: height }).next();
  expected = value!.data;
});

async function pixels(path: string, depth: 'uchar' | 'ushort' = 'uchar') {
  const { channels } = await sharp(path).metadata();
  const image = channels > 1 ? sharp(path) : sharp(path).toColourspace(depth === 'ushort' ? 'grey16' : 'b-w');
  const { data, info } = await image.raw({ depth }).toBuffer({ resolveWithObject: true });
  const values = depth === 'uchar' ? data : new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return { values, width: info.width, height: info.height, channels };
}

describe('savePrediction', () => {
  it('writes only the mask where nothing else is asked', async () => {
    const folder = await temporaryFolder();
    const { paths } = await savePrediction({ ...prediction, folder });
    expect(paths).toEqual({ mask: join(folder, 'a.b.png') });
    expect(await readdir(folder, { recursive: true })).toEqual(['a.b.png']);
    expect(decodePalettePng(await readFile(join(folder, 'a.b.png'))).data).toEqual(labels);
  });

  it('writes probabilities as float16, C×H×W', async () => {
    const folder = await temporaryFolder();
    const { probabilities } = (await savePrediction({ ...prediction, folder }, { probabilities: 'npy' })).paths;
    expect(probabilities).toBe(join(folder, 'probabilities', 'a.b.npy'));
    const bytes = await readFile(probabilities!);
    const start = bytes.length - 19 * height * width * 2;
    expect(bytes.toString('latin1', 0, start)).toContain(
      `'descr': '<f2', 'fortran_order': False, 'shape': (19, 150, 37,)`,
    );
    for (let i = 0; i < expected.length; i++) {
      const value = fromHalf(bytes.readUInt16LE(start + 2 * i));
      if (Math.abs(value - expected[i]) > expected[i] * 2 ** -11 + 2 ** -25)
        expect.fail(`${i}: ${value}, ${expected[i]}`);
    }
    for (let i = 0; i < labels.length; i++) {
      let [sum, most] = [0, 0];
      for (let id = 0; id < 19; id++) {
        const value = fromHalf(bytes.readUInt16LE(start + 2 * (id * labels.length + i)));
        sum += value;
        most = Math.max(most, value);
      }
      expect(Math.abs(sum - 1)).toBeLessThan(0.001);
      expect(fromHalf(bytes.readUInt16LE(start + 2 * (labels[i] * labels.length + i)))).toBe(most);
    }
  });

  it('writes probabilities as 16-bit PNGs, one per class', async () => {
    const folder = await temporaryFolder();
    const { probabilities } = (await savePrediction({ ...prediction, folder }, { probabilities: 'png' })).paths;
    expect(probabilities).toBe(join(folder, 'probabilities', 'a.b'));
    expect((await readdir(probabilities!)).sort()).toEqual(labelSet.classes.map(({ name }) => `${name}.png`).sort());
    const sums = new Float64Array(labels.length);
    for (const { id, name } of labelSet.classes) {
      const image = await pixels(join(probabilities!, `${name}.png`), 'ushort');
      expect(image).toMatchObject({ width, height, channels: 1 });
      image.values.forEach((value, i) => {
        sums[i] += value;
        if (Math.abs(value - expected[id * labels.length + i] * 65535) > 0.51) expect.fail(`${name} ${i}: ${value}`);
      });
    }
    expect(sums.every((sum) => Math.abs(sum - 65535) <= 10)).toBe(true);
  });

  it('writes a black-and-white mask of classes, hard or soft', async () => {
    const folder = await temporaryFolder();
    const { only } = (await savePrediction({ ...prediction, folder }, { only: [13, 14] })).paths;
    expect(only).toBe(join(folder, 'only', 'a.b.png'));
    const hard = await pixels(only!);
    expect(hard).toMatchObject({ width, height, channels: 1 });
    expect([...hard.values]).toEqual([...labels].map((id) => (id === 13 || id === 14 ? 255 : 0)));
    await savePrediction({ ...prediction, folder }, { only: [13, 14], soft: true });
    expect([...(await pixels(only!)).values]).toEqual([...(await result.mask([13, 14])).data]);
  });

  it('writes a cutout whose alpha is the soft mask', async () => {
    const folder = await temporaryFolder();
    const { cutout } = (await savePrediction({ ...prediction, folder }, { cutout: [1, 2] })).paths;
    expect(cutout).toBe(join(folder, 'cutout', 'a.b.png'));
    const image = await pixels(cutout!);
    expect(image).toMatchObject({ width, height, channels: 4 });
    const { data: alpha } = await result.mask([1, 2]);
    expect([...image.values].filter((_, i) => i % 4 === 3)).toEqual([...alpha]);
    const at = alpha.indexOf(Math.max(...alpha));
    expect([...image.values.subarray(4 * at, 4 * at + 3)]).toEqual([...photo.data.subarray(3 * at, 3 * at + 3)]);
  });

  it('makes the subfolders of a stem', async () => {
    const folder = await temporaryFolder();
    const outputs = { overlay: true, only: [1], cutout: [1], probabilities: 'npy' } as const;
    const { paths } = await savePrediction({ ...prediction, folder, stem: join('sub', 'a') }, outputs);
    expect(paths).toEqual(predictionPaths(folder, join('sub', 'a'), outputs));
    for (const path of Object.values(paths)) expect((await readFile(path)).length).toBeGreaterThan(0);
  });
});
