import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as nodeRuntime from 'onnxruntime-node';
import * as webRuntime from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import { selectEngine } from '../../src/engine/select-engine.ts';
import { onnxModel } from '../../src/export/onnx/onnx.ts';
import { type OnnxExportOptions, onnxInputTypes } from '../../src/export/onnx/onnx-options.ts';
import type { Photo } from '../../src/image/image.ts';
import { photoToInput } from '../../src/image/preprocessing.ts';
import { readPhoto } from '../../src/image/read-image.ts';
import { getLabelSet } from '../../src/labels/registry.ts';
import { getArchitecture, listModels } from '../../src/models/registry.ts';
import type { Weights } from '../../src/models/weights-file.ts';
import { weightsGraph } from '../../src/models/weights-graph.ts';
import { bundledWeights } from '../../src/node/bundled-weights.ts';
import { loadWeights } from '../../src/node/face-parser.ts';
import { FaceParser } from '../../src/parser/face-parser.ts';
import { drawPhoto, shareOfEqual } from '../image-fixture.ts';
import { independentEngine } from '../independent-engine.ts';
import { setInitialStates } from '../initial-states.ts';
import { atSize, letterboxed, randomStates, randomWeights } from '../random-weights.ts';
import { onTinyEncoder } from '../tiny-networks.ts';

const runtimes = { node: nodeRuntime, web: webRuntime } as unknown as Readonly<Record<string, typeof nodeRuntime>>;
const runtimeNames = Object.keys(runtimes);
const realImages = join(import.meta.dirname, '../../../shared/data/celebamask-mini/test/images');
const timeout = 300_000;

/** One session in one of the runtimes. */
class ExportedModel {
  private constructor(
    private readonly session: nodeRuntime.InferenceSession,
    private readonly runtime: typeof nodeRuntime,
    private readonly type: 'uint8' | 'float32',
  ) {}

  static async create(runtime: string, weights: Weights, options: OnnxExportOptions): Promise<ExportedModel> {
    const model = onnxModel(weights, options);
    const session = await runtimes[runtime].InferenceSession.create(model, { logSeverityLevel: 3 });
    return new ExportedModel(session, runtimes[runtime], options.input ?? 'uint8');
  }

  get names() {
    return [...this.session.inputNames, ...this.session.outputNames];
  }

  /** Photos of one size as one batch. */
  async run(photos: readonly Photo[]): Promise<{ data: Uint8Array | Float32Array; dims: readonly number[] }> {
    const { width, height } = photos[0];
    const bytes = new Uint8Array(Buffer.concat(photos.map(({ data }) => data)));
    const dims = [photos.length, height, width, 3];
    const { Tensor } = this.runtime;
    const photo =
      this.type === 'uint8' ? new Tensor('uint8', bytes, dims) : new Tensor('float32', Float32Array.from(bytes), dims);
    const result = Object.values(await this.session.run({ photo }))[0];
    return { data: result.data as Uint8Array | Float32Array, dims: result.dims };
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}

function drawPhotos(width: number, height: number, count: number): Photo[] {
  return Array.from({ length: count }, (_, index) => drawPhoto(width, height, index + 1));
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i] - b[i]));
  return largest;
}

describe('an ONNX export', { timeout }, () => {
  it.each(listModels())('produces the logits of the engine for any number of photos: %s', async (model) => {
    const size = 2 * getArchitecture(model).multiple;
    const weights = randomWeights({ model, size, ...onTinyEncoder(getArchitecture(model)) }, randomStates).weights;
    const graph = weightsGraph(weights, model);
    setInitialStates(graph, weights.states);
    const program = await independentEngine().compile(graph);
    const photos = drawPhotos(size, size, 2);
    const expected: Float32Array[] = [];
    for (const photo of photos) {
      const { logits } = await program.run({ image: photoToInput(photo, weights.preprocessing) });
      expected.push(logits.slice());
    }
    await program.dispose();
    for (const [runtime, counts] of [
      ['node', [1, 2]],
      ['web', [2]],
    ] as const) {
      const exported = await ExportedModel.create(runtime, weights, { output: 'logits' });
      for (const count of counts) {
        const { data, dims } = await exported.run(photos.slice(0, count));
        expect(dims.slice(0, 2)).toEqual([count, 19]);
        const each = data.length / count;
        for (const [index, logits] of expected.slice(0, count).entries()) {
          const scale = logits.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
          const seen = data.subarray(index * each, (index + 1) * each);
          expect(largestDifference(seen, logits) / scale, `${runtime}, ${index + 1} of ${count}`).toBeLessThan(1e-4);
        }
      }
      await exported.release();
    }
  });

  describe.skipIf(!existsSync(bundledWeights))('of the bundled weights', () => {
    const sizes = [
      [64, 64],
      [128, 128],
      [97, 131],
      [41, 53],
      [200, 40],
      [1, 1],
      [1100, 700],
    ] as const;
    let weights: Weights;
    let cases: { size: readonly [number, number]; photos: Photo[]; expected: Uint8Array[] }[];
    beforeAll(async () => {
      weights = atSize((await loadWeights()).weights, 128);
      const parser = await FaceParser.create(weights, await selectEngine());
      cases = [];
      for (const size of sizes) {
        const [width, height] = size;
        const photos = drawPhotos(width, height, 2);
        const expected: Uint8Array[] = [];
        for (const photo of photos) expected.push((await parser.parse(photo)).labels);
        cases.push({ size, photos, expected });
      }
      await parser.dispose();
    });

    const variants = runtimeNames.flatMap((runtime) => onnxInputTypes.map((input) => [input, runtime] as const));
    it.each(variants)('gives labels of photos of any size, as %s in onnxruntime-%s', async (input, runtime) => {
      const exported = await ExportedModel.create(runtime, weights, { input });
      expect(exported.names).toEqual(['photo', 'labels']);
      for (const { size, photos, expected } of cases) {
        const [width, height] = size;
        const { data, dims } = await exported.run(photos);
        expect(dims).toEqual([2, height, width]);
        for (const [index, labels] of expected.entries()) {
          const seen = data.subarray(index * labels.length, (index + 1) * labels.length);
          expect(shareOfEqual(seen, labels), `${width}×${height}`).toBeGreaterThan(0.999);
          if (width > 50) expect(new Set(labels).size).toBeGreaterThan(2);
        }
      }
      await exported.release();
    });

    it.each(runtimeNames)('gives labels and logits of letterboxed photos: onnxruntime-%s', async (runtime) => {
      const stretched = atSize((await loadWeights()).weights, 64);
      const weights = letterboxed(stretched);
      const exported = await ExportedModel.create(runtime, weights, {});
      const scores = await ExportedModel.create(runtime, weights, { output: 'logits' });
      const parser = await FaceParser.create(weights, await selectEngine());
      const program = await (await selectEngine()).compile(weightsGraph(weights, 'the weights'));
      await program.writeStates(weights.states);
      for (const [width, height] of [
        [64, 64],
        [97, 131],
        [53, 41],
        [200, 40],
        [40, 200],
        [1, 1],
        [1, 300],
        [500, 333],
      ]) {
        const photos = drawPhotos(width, height, 2);
        const { data, dims } = await exported.run(photos);
        expect(dims).toEqual([2, height, width]);
        const all = await scores.run(photos);
        for (const [index, photo] of photos.entries()) {
          const { labels } = await parser.parse(photo);
          const seen = data.subarray(index * labels.length, (index + 1) * labels.length);
          expect(shareOfEqual(seen, labels), `${width}×${height}`).toBeGreaterThan(0.998);
          const { logits } = await program.run({ image: photoToInput(photo, weights.preprocessing) });
          const part = all.data.subarray(index * logits.length, (index + 1) * logits.length);
          expect(largestDifference(part, logits), `${width}×${height}`).toBeLessThan(1e-3);
        }
      }
      await Promise.all([parser.dispose(), program.dispose(), exported.release(), scores.release()]);
    });
  });
});

describe.skipIf(!existsSync(realImages) || !existsSync(bundledWeights))(
  'ONNX export of the bundled weights, on real images (skipped if either is missing)',
  { timeout },
  () => {
    let weights: Weights;
    let photos: Photo[];
    const expected: Uint8Array[] = [];
    beforeAll(async () => {
      ({ weights } = await loadWeights());
      const names = readdirSync(realImages).sort().slice(0, 12);
      photos = await Promise.all(names.map((name) => readPhoto(join(realImages, name))));
      const parser = await FaceParser.create(weights, await selectEngine());
      for (const photo of photos) expected.push((await parser.parse(photo)).labels);
      await parser.dispose();
    });

    it.each(runtimeNames)('labels and logits match the engine: onnxruntime-%s', async (runtime) => {
      const labels = await ExportedModel.create(runtime, weights, {});
      // WebAssembly needs some seconds per image here.
      for (const [index, photo] of (runtime === 'web' ? photos.slice(0, 4) : photos).entries()) {
        const { data } = await labels.run([photo]);
        expect(shareOfEqual(data, expected[index])).toBeGreaterThan(0.999);
      }
      await labels.release();

      const scores = await ExportedModel.create(runtime, weights, { output: 'logits' });
      const engine = await selectEngine();
      const program = await engine.compile(weightsGraph(weights, 'the weights'));
      await program.writeStates(weights.states);
      for (const photo of photos.slice(0, 2)) {
        const { logits } = await program.run({ image: photoToInput(photo, weights.preprocessing) });
        expect(largestDifference((await scores.run([photo])).data, logits)).toBeLessThan(1e-3);
      }
      await program.dispose();
      await scores.release();
    });
  },
);

describe('the metadata of an ONNX model', () => {
  it('contain classes, colours, size and the origin of the weights', () => {
    const { weights } = randomWeights({ labels: 'face-8' });
    const text = Buffer.from(onnxModel(weights)).toString('latin1');
    const { classes } = getLabelSet('face-8');
    expect(text).toContain(JSON.stringify(classes.map(({ name }) => name)));
    expect(text).toContain(JSON.stringify(classes.map(({ color }) => color)));
    expect(text).toContain('note.run');
  });

  it('and the bytes are the same each time', () => {
    const { weights } = randomWeights({ model: 'compact', size: 64 });
    expect(Buffer.from(onnxModel(weights)).equals(onnxModel(weights))).toBe(true);
  });
});
