import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Normalization } from '../../image/normalization.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { face8 } from '../../labels/face-8.ts';
import { loadAddon } from '../../native-addon/load-addon.ts';
import { Random } from '../../random/random.ts';
import { type DecodedDataset, decodedBytes, decodedLabels, decodedPhoto } from '../decoded/decoded-dataset.ts';
import { type BatchLoader, type BatchLoaderOptions, createBatchLoader } from './batch-loader.ts';

function makeDataset(count: number, size = 12): DecodedDataset {
  const decoded = {
    labelSet: celebamask19.name,
    size,
    stems: Array.from({ length: count }, (_, i) => `face-${i}`),
    buffer: new SharedArrayBuffer(decodedBytes(count, size)),
  };
  const random = new Random(1);
  for (let i = 0; i < count; i++) {
    const photo = decodedPhoto(decoded, i).data;
    const labels = decodedLabels(decoded, i).data;
    for (let k = 0; k < photo.length; k++) photo[k] = random.integer(256);
    for (let k = 0; k < labels.length; k++) labels[k] = random.integer(19);
  }
  return decoded;
}

const normalization: Normalization = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.5] };
const augmentation = { flip: 0.5, rotation: 20, scale: 0.2, shift: 0.1, brightness: 0.2, blur: 0.2, noise: 0.05 };
const decoded = makeDataset(10);
const loaders: BatchLoader[] = [];

function make(change: Partial<BatchLoaderOptions> = {}): BatchLoader {
  const loader = createBatchLoader({
    decoded,
    labelSet: celebamask19,
    batchSize: 3,
    size: 8,
    labelSize: 4,
    normalization,
    augmentation,
    seed: 5,
    workers: 0,
    ...change,
  });
  loaders.push(loader);
  return loader;
}

/** Copies of the next batches, which outlive the loader's buffers. */
async function take(loader: BatchLoader, count: number) {
  const batches = [];
  for (let i = 0; i < count; i++) {
    const { images, labels, ...rest } = await loader.next();
    batches.push({ ...rest, images: images.slice(), labels: labels.slice() });
  }
  return batches;
}

afterEach(async () => {
  await Promise.all(loaders.splice(0).map((loader) => loader.close()));
});

describe('createBatchLoader', () => {
  it('gives the same batches with 0, 1 and 2 workers', async () => {
    const inline = await take(make(), 8);
    expect(await take(make({ workers: 1 }), 8)).toEqual(inline);
    expect(await take(make({ workers: 2 }), 8)).toEqual(inline);
    expect(inline.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(inline.map(({ epoch }) => epoch)).toEqual([0, 0, 0, 1, 1, 1, 2, 2]);
    expect(new Set(inline.map(({ images }) => images.join())).size).toBe(8);
  });

  describe('with pairs that are mixed', () => {
    const mixed = {
      ...augmentation,
      jpeg: 0.3,
      cutMix: 0.5,
      copyPaste: { probability: 0.8, classes: ['background'] as const },
    };
    // Backgrounds that cover each other: on the random labels of the other tests nothing can be pasted.
    const twins = makeDataset(10);
    for (let i = 0; i < 10; i++) decodedLabels(twins, i).data.fill(0);

    it('gives the same batches with 0, 1 and 2 workers, and after any start', async () => {
      const options = { decoded: twins, augmentation: mixed };
      const inline = await take(make(options), 8);
      expect(await take(make({ ...options, workers: 1 }), 8)).toEqual(inline);
      expect(await take(make({ ...options, workers: 2 }), 8)).toEqual(inline);
      expect(await take(make({ ...options, startStep: 5 }), 3)).toEqual(inline.slice(5));
      for (const { labels } of inline) {
        for (const id of labels) expect(id === 255 || (id >= 0 && id < 19)).toBe(true);
      }
      for (const off of [{ jpeg: 0 }, { cutMix: 0 }, { copyPaste: { ...mixed.copyPaste, probability: 0 } }]) {
        expect(await take(make({ ...options, augmentation: { ...mixed, ...off } }), 8)).not.toEqual(inline);
      }
    });

    it('leaves everything as it was at probability 0', async () => {
      const off = { jpeg: 0, cutMix: 0, copyPaste: { ...mixed.copyPaste, probability: 0 } };
      expect(await take(make({ augmentation: { ...augmentation, ...off } }), 4)).toEqual(await take(make(), 4));
    });

    it('changes one rectangle of a sample and no more by CutMix', async () => {
      const large = { size: 32, labelSize: 16, batchSize: 5 };
      const [plain] = await take(make(large), 1);
      const [changed] = await take(make({ ...large, augmentation: { ...augmentation, cutMix: 1 } }), 1);
      for (let sample = 0; sample < 5; sample++) {
        let [left, top, right, bottom] = [16, 16, 0, 0];
        for (let i = 0; i < 256; i++) {
          if (plain.labels[sample * 256 + i] === changed.labels[sample * 256 + i]) continue;
          [left, top] = [Math.min(left, i % 16), Math.min(top, i >> 4)];
          [right, bottom] = [Math.max(right, (i % 16) + 1), Math.max(bottom, (i >> 4) + 1)];
        }
        const area = (right - left) * (bottom - top);
        expect(area > 0.05 * 256 && area < 0.45 * 256).toBe(true);
        for (let i = 0; i < 3 * 1024; i++) {
          const [x, y] = [i % 32, (i >> 5) % 32];
          // The labels at the edge of the rectangle may agree by chance.
          if (x >= 2 * left - 4 && x < 2 * right + 4 && y >= 2 * top - 4 && y < 2 * bottom + 4) continue;
          expect(changed.images[sample * 3072 + i]).toBe(plain.images[sample * 3072 + i]);
        }
      }
    });

    it('pastes into the pairs of a batch, and draws what else happens as before', async () => {
      const pasting = { copyPaste: { probability: 1, classes: ['background'] as const } };
      const options = { size: 12, labelSize: 12, batchSize: 5 };
      // Backgrounds that cover each other: the random labels of the other tests find no room.
      const twins = makeDataset(5);
      for (let i = 0; i < 5; i++) decodedLabels(twins, i).data.fill(0);
      const [plain] = await take(make({ ...options, decoded: twins, augmentation: { noise: 0.1, flip: 0.5 } }), 1);
      const [changed] = await take(
        make({ ...options, decoded: twins, augmentation: { noise: 0.1, flip: 0.5, ...pasting } }),
        1,
      );
      expect(changed.labels).toEqual(plain.labels);
      const images = await take(make({ ...options, decoded: twins, augmentation: pasting }), 1);
      const own = await take(make({ ...options, decoded: twins, augmentation: {} }), 1);
      for (let sample = 0; sample < 5; sample++) {
        const part = ({ images }: { images: Float32Array }, index: number) =>
          images.slice(index * 432, (index + 1) * 432).join();
        const source = [0, 1, 2, 3, 4].filter((index) => part(own[0], index) === part(images[0], sample));
        expect(source.length).toBe(1);
        expect(source[0]).not.toBe(sample);
        expect(part(changed, sample)).not.toBe(part(plain, sample));
      }
    });
  });

  it('gives the same batches with and without the add-on', () => {
    const built = new URL('../../../dist/', import.meta.url);
    const script = `
      const { createHash } = await import('node:crypto');
      const { createBatchLoader } = await import('${new URL('data/batches/batch-loader.js', built)}');
      const { loadAddon } = await import('${new URL('native-addon/load-addon.js', built)}');
      const { celebamask19 } = await import('${new URL('labels/celebamask-19.js', built)}');
      const buffer = new SharedArrayBuffer(5 * 40 * 40 * 4);
      new Uint8Array(buffer).forEach((_, i, bytes) => { bytes[i] = (i * i) % 19; });
      const decoded = { labelSet: 'celebamask-19', size: 40, stems: ['a', 'b', 'c', 'd', 'e'], buffer };
      const hashes = [];
      for (const workers of [0, 1, 2]) {
        const options = { decoded, labelSet: celebamask19, batchSize: 2, size: 24, labelSize: 12, seed: 1, workers };
        const given = ${JSON.stringify({ augmentation, normalization })};
        const loader = createBatchLoader({ ...options, ...given });
        const hash = createHash('sha256');
        for (let i = 0; i < 6; i++) {
          const { images, labels } = await loader.next();
          hash.update(images).update(labels);
        }
        hashes.push(hash.digest('hex'));
        await loader.close();
      }
      console.log(JSON.stringify({ addon: 'addon' in loadAddon(), hashes }));`;
    const run = (environment: Record<string, string>) => {
      const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...process.env, ...environment },
        timeout: 20_000,
        encoding: 'utf8',
      });
      expect(result.stderr).toBe('');
      return JSON.parse(result.stdout) as { addon: boolean; hashes: string[] };
    };
    const [usual, without] = [run({}), run({ FACEPARSE_NATIVE_ADDON: 'none' })];
    expect(usual.addon).toBe('addon' in loadAddon());
    expect(without.addon).toBe(false);
    expect(new Set([...usual.hashes, ...without.hashes]).size).toBe(1);
  });

  it('resumes at any step as if it had never stopped', async () => {
    const whole = await take(make(), 8);
    for (const workers of [0, 2]) {
      for (const startStep of [1, 4]) {
        expect(await take(make({ workers, startStep }), 4)).toEqual(whole.slice(startStep, startStep + 4));
      }
    }
  });

  it('names the pairs of a batch and gives each pair once an epoch', async () => {
    const batches = await take(make({ augmentation: {}, size: 12, labelSize: 12, batchSize: 5, workers: 1 }), 2);
    expect(batches.flatMap(({ stems }) => stems).sort()).toEqual([...decoded.stems].sort());
    for (const batch of batches) {
      batch.indices.forEach((index, sample) => {
        expect(batch.stems[sample]).toBe(`face-${index}`);
        const labels = batch.labels.subarray(sample * 144, (sample + 1) * 144);
        expect([...labels]).toEqual([...decodedLabels(decoded, index).data]);
        const { data } = decodedPhoto(decoded, index);
        for (let i = 0; i < 432; i++) {
          const value = batch.images[sample * 432 + Math.floor(i / 144) * 144 + (i % 144)];
          const channel = Math.floor(i / 144);
          const { mean, std } = normalization;
          expect(value).toBeCloseTo((data[(i % 144) * 3 + channel] / 255 - mean[channel]) / std[channel], 5);
        }
      });
    }
  });

  it('keeps a batch until the next but one call, then empties it', async () => {
    for (const workers of [0, 1]) {
      const loader = make({ workers });
      const first = await loader.next();
      const copy = first.images.slice();
      await loader.next();
      expect(first.images).toEqual(copy);
      for (let i = 0; i < 8; i++) await loader.next();
      expect(first.images.length).toBe(0);
      expect(first.labels.length).toBe(0);
    }
  });

  it('gives out a pair more often when its weight says so', async () => {
    const weights = [5, ...new Array(9).fill(5 / 9)];
    const batches = await take(make({ weights, batchSize: 5, workers: 1 }), 2);
    const first = batches.flatMap(({ indices, images }) =>
      [...indices].flatMap((index, i) => (index === 0 ? [images.slice(i * 192, (i + 1) * 192).join()] : [])),
    );
    expect(first.length).toBe(5);
    // Each time it is augmented anew.
    expect(new Set(first).size).toBe(5);
  });

  it('works ahead while the main thread is busy', async () => {
    const large = { size: 256, labelSize: 128, batchSize: 10 };
    const inline = make(large);
    await take(inline, 3);
    const start = performance.now();
    for (let i = 0; i < 3; i++) await inline.next();
    const cost = performance.now() - start;

    const loader = make({ ...large, workers: 1 });
    await loader.next();
    // However busy the machine is: given time, the worker has them ready. Without one they would cost as much as ever.
    let waited = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 6 && waited >= cost / 2; attempt++) {
      const end = performance.now() + 10 * cost * 2 ** attempt;
      while (performance.now() < end);
      const resumed = performance.now();
      for (let i = 0; i < 3; i++) await loader.next();
      waited = performance.now() - resumed;
    }
    expect(waited).toBeLessThan(cost / 2);
  });

  it('hands a failure in a worker to next()', async () => {
    // A data set that promises more pairs than its memory holds.
    const broken = { ...decoded, stems: [...decoded.stems, ...decoded.stems] };
    for (const workers of [0, 1]) {
      const loader = make({ decoded: broken, workers, batchSize: 10 });
      await expect(take(loader, 3)).rejects.toThrow(/length|offset|range/i);
    }
    const loader = make({ decoded: broken, workers: 1 });
    await expect(take(loader, 9)).rejects.toThrow(/batch of step \d could not be created/);
    await expect(loader.next()).rejects.toThrow(/could not be created/);
  });

  it('rejects after close, also the call that waits', async () => {
    const loader = make({ workers: 1 });
    const waiting = expect(loader.next()).rejects.toThrow(/closed/);
    await loader.close();
    await waiting;
    await expect(loader.next()).rejects.toThrow(/closed/);
    await loader.close();
    const inline = make();
    await inline.close();
    await expect(inline.next()).rejects.toThrow(/closed/);
  });

  it('refuses a second call of next() while one waits', async () => {
    const loader = make({ workers: 1 });
    const first = loader.next();
    await expect(loader.next()).rejects.toThrow(/previous call was pending/);
    expect((await first).step).toBe(0);
  });

  it('does not keep the process alive', () => {
    const built = new URL('../../../dist/', import.meta.url);
    const script = `
      const { createBatchLoader } = await import('${new URL('data/batches/batch-loader.js', built)}');
      const { celebamask19 } = await import('${new URL('labels/celebamask-19.js', built)}');
      const decoded = { labelSet: 'celebamask-19', size: 4, stems: ['a', 'b'], buffer: new SharedArrayBuffer(128) };
      const options = { decoded, labelSet: celebamask19, batchSize: 2, size: 4, seed: 1 };
      const loader = createBatchLoader({ ...options, normalization: ${JSON.stringify(normalization)} });
      console.log((await loader.next()).count, (await loader.next()).step);`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('../../..', import.meta.url)),
      timeout: 20_000,
      encoding: 'utf8',
    });
    expect(result.stderr).toBe('');
    expect(result.stdout).toBe('2 1\n');
    expect(result.status).toBe(0);
  });

  it('names the option that is wrong', () => {
    expect(() => make({ batchSize: 0 })).toThrow(/"batchSize" is 0/);
    expect(() => make({ size: 1.5 })).toThrow(/"size" is 1.5/);
    expect(() => make({ workers: -1 })).toThrow(/"workers" is -1/);
    expect(() => make({ batchSize: 11 })).toThrow(/batch of 11 cannot be filled from 10 pairs/);
    expect(() => make({ labelSet: face8 })).toThrow(/label set of the decoded images is celebamask-19, not face-8/);
    expect(() => make({ seed: Number.NaN })).toThrow(/seed is NaN/);
    expect(() => make({ weights: [1, 2] })).toThrow(/2 sampling weights for 10 pairs/);
    expect(() => make({ weights: new Array(10).fill(0) })).toThrow(/All sampling weights are 0/);
    expect(() => make({ weights: [...new Array(9).fill(1), -1] })).toThrow(/weight 9 is -1/);
    expect(() => make({ size: 16_384 })).toThrow(/GiB of buffers/);
    expect(() => make({ augmentation: { flip: 2 } })).toThrow(/"flip" is 2/);
    expect(() =>
      make({
        decoded: { ...decoded, labelSet: 'face-8' },
        labelSet: face8,
        augmentation: { copyPaste: { probability: 1, classes: ['hat'] } },
      }),
    ).toThrow(/the label set is face-8/);
    expect(() => make({ startStep: -1 })).toThrow(/"startStep" is -1/);
  });
});
