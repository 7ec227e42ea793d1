import { describe, expect, it } from 'vitest';
import { faceAt } from '../../../test/face-fixture.ts';
import type { Framing } from '../../faces/framing.ts';
import { FaceTracker } from './face-tracker.ts';
import { matchFaces } from './match-faces.ts';

const at = (x: number, y = 100, side = 80): Framing => ({ x, y, side, angle: 0 });
const photo = { width: 640, height: 480, data: new Uint8Array() };

describe('matchFaces', () => {
  it('finds the nearest, whatever the order', () => {
    expect(matchFaces([at(100), at(300)], [at(305), at(95)])).toEqual([1, 0]);
    expect(matchFaces([at(100)], [at(300)])).toEqual([-1]);
    expect(matchFaces([], [at(1)])).toEqual([-1]);
    expect(matchFaces([at(100)], [])).toEqual([]);
  });

  it('gives each known face one square: the nearer', () => {
    expect(matchFaces([at(100)], [at(120), at(104)])).toEqual([-1, 0]);
  });

  it('does not take a face for one of quite another size', () => {
    expect(matchFaces([at(100, 100, 80)], [at(100, 100, 160)])).toEqual([-1]);
  });
});

/** Runs a tracker over frames that each show these faces; none is followed by its labels. */
async function track(frames: readonly (readonly Framing[])[], detectEvery = 1) {
  const tracker = new FaceTracker({ detectEvery, smoothing: 0 });
  const detections: number[] = [];
  const shown: { id: number; x: number }[][] = [];
  for (const [index, faces] of frames.entries()) {
    const tracks = await tracker.next(photo, { time: index / 30, seconds: index === 0 ? 0 : 1 / 30 }, async () => {
      detections.push(index);
      return faces.map((framing) => faceAt(framing));
    });
    shown.push(tracks.map(({ id, target }) => ({ id, x: Math.round(target.framing.x) })));
  }
  return { shown, detections };
}

describe('FaceTracker', () => {
  it('keeps the ids of faces that move, in any order of detection', async () => {
    const frames = Array.from({ length: 20 }, (_, n) => {
      const faces = [at(100 + 5 * n, 100), at(500 - 5 * n, 300)];
      return n % 2 ? faces.reverse() : faces;
    });
    const { shown } = await track(frames);
    for (const [n, faces] of shown.entries()) {
      expect(faces).toEqual([
        { id: 1, x: 100 + 5 * n },
        { id: 2, x: 500 - 5 * n },
      ]);
    }
  });

  it('gives a lost face its id back, if it returns within half a second', async () => {
    const there = [at(100)];
    const { shown } = await track([there, there, [], [], there, there]);
    expect(shown.map((faces) => faces.map(({ id }) => id))).toEqual([[1], [1], [], [], [1], [1]]);
  });

  it('gives a face that returns later, and one that appears, a new id', async () => {
    const gone = Array.from({ length: 20 }, () => []);
    const { shown } = await track([[at(100)], ...gone, [at(100)], [at(100), at(400)]]);
    expect(shown.at(-2)).toEqual([{ id: 2, x: 100 }]);
    expect(shown.at(-1)).toEqual([
      { id: 2, x: 100 },
      { id: 3, x: 400 },
    ]);
  });

  it('detects on every frame while no labels show the faces', async () => {
    const frames = Array.from({ length: 6 }, () => [at(100)]);
    expect((await track(frames, 5)).detections).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('detects rarely while labels show the face, and at once when they do not', async () => {
    const tracker = new FaceTracker({ detectEvery: 5, smoothing: 0 });
    const detections: number[] = [];
    const parts = new Map(
      [2, 4, 5, 10].map((id, k) => [id, { u: 0.1 * (k % 2), v: 0.1 * (k >> 1), share: 0.01 }] as const),
    );
    for (let index = 0; index < 14; index++) {
      const time = { time: index / 30, seconds: index === 0 ? 0 : 1 / 30 };
      const [face] = await tracker.next(photo, time, async () => {
        detections.push(index);
        return [faceAt(at(100))];
      });
      face.observe(index === 11 ? new Map() : parts, time);
    }
    expect(detections).toEqual([0, 5, 10, 12]);
  });

  it('goes on when the size of frames changes', async () => {
    const tracker = new FaceTracker({ detectEvery: 1, smoothing: 0.8 });
    await tracker.next(photo, { time: 0, seconds: 0 }, async () => [faceAt(at(100))]);
    const half = { width: 320, height: 240, data: new Uint8Array() };
    const [face] = await tracker.next(half, { time: 0.03, seconds: 0.03 }, async () => [faceAt(at(50, 50, 40))]);
    expect(face.id).toBe(1);
    expect(face.target.framing.x).toBeCloseTo(50);
  });
});
