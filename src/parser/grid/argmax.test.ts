import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../random/random.ts';
import { upsampledArgmax } from './argmax.ts';
import { pixelGrid } from './grid-taps.ts';
import { RowUpsampler } from './row-upsampler.ts';

type LogitsShape = readonly [number, number, number];

/** One axis of bilinear upsampling with half-pixel centres: two neighbours and how much the second counts. */
function neighbours(index: number, input: number, output: number): [number, number, number] {
  const position = Math.max(0, ((index + 0.5) * input) / output - 0.5);
  const low = Math.min(Math.floor(position), input - 1);
  return [low, Math.min(low + 1, input - 1), position - low];
}

/** Every score of a pixel by the formula. */
function scoresAt(
  logits: Float32Array,
  [classes, height, width]: LogitsShape,
  y: [number, number, number],
  x: typeof y,
) {
  return Array.from({ length: classes }, (_, c) => {
    const at = (row: number, column: number) => logits[(c * height + row) * width + column];
    const upper = at(y[0], x[0]) * (1 - x[2]) + at(y[0], x[1]) * x[2];
    const lower = at(y[1], x[0]) * (1 - x[2]) + at(y[1], x[1]) * x[2];
    return upper * (1 - y[2]) + lower * y[2];
  });
}

/** The plain method: every class upsampled at every pixel. */
function plainArgmax(logits: Float32Array, [classes, height, width]: LogitsShape, outH: number, outW: number) {
  const upsampler = new RowUpsampler(pixelGrid(height, width), pixelGrid(outH, outW));
  const labels = new Uint8Array(outH * outW);
  const rows = Array.from({ length: classes }, () => new Float32Array(outW));
  for (let y = 0; y < outH; y++) {
    for (const [c, row] of rows.entries()) upsampler.write(logits, c * height * width, y, row);
    for (let x = 0; x < outW; x++) {
      let best = 0;
      for (let c = 1; c < classes; c++) if (rows[c][x] > rows[best][x]) best = c;
      labels[y * outW + x] = best;
    }
  }
  return labels;
}

/** Logits that are smooth, as those of networks are: regions of one class with borders between them. */
function smoothLogits([classes, height, width]: LogitsShape, random: Random): Float32Array {
  const waves = Array.from({ length: classes }, () => [
    random.uniform() * 9,
    random.uniform() * 0.7,
    random.uniform() * 0.7,
  ]);
  return Float32Array.from({ length: classes * height * width }, (_, i) => {
    const [phase, down, across] = waves[Math.floor(i / (height * width))];
    return Math.sin(phase + down * (Math.floor(i / width) % height) + across * (i % width));
  });
}

describe('upsampledArgmax', () => {
  it.each(['noise', 'smooth', 'tied'])('gives the labels of the plain method, and counts them (%s)', (kind) => {
    const side = fc.integer({ min: 1, max: 12 });
    const output = fc.integer({ min: 1, max: 60 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        side,
        side,
        output,
        output,
        fc.nat(),
        (classes, h, w, outH, outW, seed) => {
          const random = new Random(seed);
          const shape = [classes, h, w] as const;
          const logits =
            kind === 'smooth'
              ? smoothLogits(shape, random)
              : Float32Array.from({ length: classes * h * w }, () =>
                  kind === 'tied' ? Math.round(random.normal()) : random.normal() * 10 ** (random.uniform() * 6),
                );
          const { data, pixels } = upsampledArgmax({ data: logits, shape }, outH, outW);
          expect(data).toEqual(plainArgmax(logits, shape, outH, outW));
          const counts = new Float64Array(256);
          for (const id of data) counts[id]++;
          expect(pixels).toEqual(counts);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('takes scores that are not finite', () => {
    const logits = Float32Array.of(0, 0, 0, 0, Number.NEGATIVE_INFINITY, -1, -1, -1);
    expect([...upsampledArgmax({ data: logits, shape: [2, 2, 2] }, 4, 4).data]).toEqual(new Array(16).fill(0));
  });

  it('is the best of the upsampled scores at every pixel, for any sizes', () => {
    const side = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(
        fc.record({ classes: fc.integer({ min: 1, max: 6 }), h: side, w: side, outH: fc.integer({ min: 1, max: 23 }) }),
        fc.integer({ min: 1, max: 23 }),
        fc.nat(),
        ({ classes, h, w, outH }, outW, seed) => {
          const random = new Random(seed);
          const shape = [classes, h, w] as const;
          const logits = Float32Array.from({ length: classes * h * w }, () => random.normal());
          const map = upsampledArgmax({ data: logits, shape }, outH, outW);
          expect([map.width, map.height, map.data.length]).toEqual([outW, outH, outW * outH]);
          for (let y = 0; y < outH; y++) {
            for (let x = 0; x < outW; x++) {
              const scores = scoresAt(logits, shape, neighbours(y, h, outH), neighbours(x, w, outW));
              const chosen = scores[map.data[y * outW + x]];
              // Where two classes are as good as equal, rounding may decide.
              expect(chosen).toBeGreaterThan(Math.max(...scores) - 1e-5);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('is the plain argmax at the size of the logits', () => {
    const logits = Float32Array.of(3, 0, 0, 1, 2, 9, 0, 1, 1, 2, 5, 0);
    expect([...upsampledArgmax({ data: logits, shape: [3, 2, 2] }, 2, 2).data]).toEqual([0, 1, 2, 0]);
  });

  it('gives ties to the lower id', () => {
    expect([...upsampledArgmax({ data: new Float32Array(12), shape: [3, 2, 2] }, 3, 3).data]).toEqual(
      new Array(9).fill(0),
    );
    expect([...upsampledArgmax({ data: Float32Array.of(-1, 2, 2), shape: [3, 1, 1] }, 1, 2).data]).toEqual([1, 1]);
  });

  it('compares upsampled scores, which upsampled labels would not give', () => {
    // Class 1 wins at neither of the two places, yet between them.
    const logits = Float32Array.of(4, -4, 1.5, 1.5, -4, 4);
    expect([...upsampledArgmax({ data: logits, shape: [3, 1, 2] }, 1, 6).data]).toEqual([0, 0, 1, 1, 2, 2]);
  });
});
