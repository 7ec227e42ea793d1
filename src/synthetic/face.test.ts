import { describe, expect, it } from 'vitest';
import type { LabelMap } from '../image/image.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { drawSyntheticFace } from './face.ts';

const seeds = Array.from({ length: 60 }, (_, seed) => seed);
const faces = seeds.map((seed) => drawSyntheticFace(seed, 128));

function count(labels: LabelMap, id: number): number {
  return labels.data.reduce((sum, value) => sum + (value === id ? 1 : 0), 0);
}

function meanX(labels: LabelMap, id: number): number | undefined {
  let sum = 0;
  let pixels = 0;
  labels.data.forEach((value, i) => {
    if (value !== id) return;
    sum += i % labels.width;
    pixels++;
  });
  return pixels === 0 ? undefined : sum / pixels;
}

describe('drawSyntheticFace', () => {
  it('draws every class of celebamask-19 within 60 faces, and nothing else', () => {
    const seen = new Set(faces.flatMap(({ labels }) => [...labels.data]));
    expect([...seen].sort((a, b) => a - b)).toEqual(celebamask19.classes.map(({ id }) => id));
  });

  it.each([
    ['eyes', 4, 5],
    ['brows', 6, 7],
    ['ears', 8, 9],
  ])("puts the person's left %s at the larger x", (_name, left, right) => {
    let compared = 0;
    for (const { labels } of faces) {
      const [leftX, rightX] = [meanX(labels, left), meanX(labels, right)];
      if (leftX === undefined || rightX === undefined) continue;
      expect(leftX).toBeGreaterThan(rightX + 10);
      compared++;
    }
    expect(compared).toBeGreaterThan(30);
  });

  it('draws small classes large enough to be learned at 128 pixels', () => {
    for (const [id, pixels] of [
      [4, 30],
      [6, 20],
      [10, 25],
      [11, 20],
      [15, 12],
      [16, 40],
    ] as const) {
      const counts = faces.map(({ labels }) => count(labels, id)).filter((n) => n > 0);
      counts.sort((a, b) => a - b);
      expect(counts[Math.floor(counts.length / 2)], celebamask19.classes[id].name).toBeGreaterThanOrEqual(pixels);
    }
  });

  it('makes what is worn neither rare nor usual', () => {
    for (const [id, low, high] of [
      [3, 0.1, 0.45],
      [10, 0.3, 0.7],
      [14, 0.08, 0.4],
      [15, 0.12, 0.5],
      [16, 0.1, 0.5],
    ] as const) {
      const share = faces.filter(({ labels }) => count(labels, id) > 0).length / faces.length;
      expect(share, celebamask19.classes[id].name).toBeGreaterThan(low);
      expect(share, celebamask19.classes[id].name).toBeLessThan(high);
    }
  });

  it('gives the same bytes for the same seed and other faces for other seeds', () => {
    const again = drawSyntheticFace(7, 128);
    expect(again.photo.data).toEqual(faces[7].photo.data);
    expect(again.labels.data).toEqual(faces[7].labels.data);
    expect(new Set(faces.map(({ labels }) => labels.data.join())).size).toBe(faces.length);
  });

  it('draws the same face at another size', () => {
    for (const seed of seeds.slice(0, 12)) {
      const { labels } = drawSyntheticFace(seed, 256);
      const small = faces[seed].labels;
      let same = 0;
      for (let y = 0; y < 128; y++) {
        for (let x = 0; x < 128; x++) {
          if (labels.data[(2 * y + 1) * 256 + 2 * x + 1] === small.data[y * 128 + x]) same++;
        }
      }
      expect(same / small.data.length, `seed ${seed}`).toBeGreaterThanOrEqual(0.97);
    }
  });

  it('varies the photo: skin tones, light and background differ between faces', () => {
    const brightness = faces.map(({ photo, labels }) => {
      let sum = 0;
      labels.data.forEach((id, i) => {
        if (id === 1) sum += photo.data[i * 3] + photo.data[i * 3 + 1] + photo.data[i * 3 + 2];
      });
      return sum / 3 / count(labels, 1);
    });
    expect(Math.max(...brightness) - Math.min(...brightness)).toBeGreaterThan(80);
  });

  it('draws at odd sizes', () => {
    const { photo, labels } = drawSyntheticFace(3, 37);
    expect([photo.width, photo.height, photo.data.length, labels.data.length]).toEqual([37, 37, 37 * 37 * 3, 37 * 37]);
  });

  it('takes the largest seed and refuses seeds and sizes out of range', () => {
    expect(drawSyntheticFace(Number.MAX_SAFE_INTEGER, 16).labels.data.length).toBe(256);
    expect(() => drawSyntheticFace(-1, 128)).toThrow(/seed of a synthetic face is -1/);
    expect(() => drawSyntheticFace(0.5, 128)).toThrow(RangeError);
    expect(() => drawSyntheticFace(1, 1e9)).toThrow(/size of a synthetic face is 1000000000/);
    expect(() => drawSyntheticFace(1, Number.NaN)).toThrow(RangeError);
  });
});
