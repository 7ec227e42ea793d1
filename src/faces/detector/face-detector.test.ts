import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createDiscEngine, type DiscFace, photoOfDiscs } from '../../../test/disc-face-fixture.ts';
import type { FoundFace } from '../face.ts';
import { framingOf } from '../framing.ts';
import { turnBetween } from './candidate.ts';
import { FaceDetector } from './face-detector.ts';

const weights = readFileSync(new URL('../../../weights/face-detector.safetensors', import.meta.url));

async function detectorOfDiscs() {
  const engine = createDiscEngine();
  return { engine, detector: await FaceDetector.create(weights, engine) };
}

function expectDisc({ box, angle, landmarks }: FoundFace, disc: DiscFace): void {
  const slack = disc.radius / 12;
  expect(Math.abs(box.x + box.width / 2 - disc.x)).toBeLessThan(slack);
  expect(Math.abs(box.y + box.height / 2 - disc.y)).toBeLessThan(slack);
  expect(Math.abs(box.width - 2 * disc.radius)).toBeLessThan(2 * slack);
  expect(Math.abs(turnBetween(disc.angle, angle))).toBeLessThan(4);
  const radians = (disc.angle * Math.PI) / 180;
  expect(Math.abs(landmarks.mouth.x - (disc.x - Math.sin(radians) * disc.radius * 0.5))).toBeLessThan(2 * slack);
  expect(Math.abs(landmarks.mouth.y - (disc.y + Math.cos(radians) * disc.radius * 0.5))).toBeLessThan(2 * slack);
}

describe('FaceDetector', () => {
  it.each([0, 25, 90, 135, 180, -100])('places a face that is turned by %d degrees', async (angle) => {
    const { detector } = await detectorOfDiscs();
    const disc = { x: 300, y: 420, radius: 110, angle };
    const faces = await detector.detect(photoOfDiscs(640, 660, [disc]));
    expect(faces).toHaveLength(1);
    expectDisc(faces[0], disc);
    expect(faces[0].confidence).toBeGreaterThan(0.9);
    expect(Math.abs(turnBetween(angle, framingOf(faces[0].landmarks).angle))).toBeLessThan(4);
  });

  it('places faces in a photo that is larger and not square', async () => {
    const { detector, engine } = await detectorOfDiscs();
    const discs = [
      { x: 330, y: 380, radius: 150, angle: 10 },
      { x: 1200, y: 500, radius: 90, angle: -60 },
    ];
    const faces = await detector.detect(photoOfDiscs(1601, 950, discs));
    expect(faces).toHaveLength(2);
    faces.forEach((face, index) => {
      expectDisc(face, discs[index]);
    });
    expect(engine.runs[0]).toBe('256×160');
    expect(await detector.detect(photoOfDiscs(1601, 950, discs), { maxFaces: 1 })).toEqual([faces[0]]);
    expect(await detector.detect(photoOfDiscs(1601, 950, discs), { minSize: 250 })).toEqual([faces[0]]);
  });

  it('enlarges nothing: a small photo is searched at its size', async () => {
    const { detector, engine } = await detectorOfDiscs();
    const disc = { x: 40, y: 45, radius: 24, angle: 0 };
    const faces = await detector.detect(photoOfDiscs(90, 80, [disc]));
    expect(faces).toHaveLength(1);
    expectDisc(faces[0], disc);
    expect(engine.runs[0]).toBe('96×96');
  });

  it('searches once more, in more detail, where nothing was found', async () => {
    const { detector, engine } = await detectorOfDiscs();
    const empty = photoOfDiscs(1200, 900, []);
    expect(await detector.detect(empty)).toEqual([]);
    expect(engine.runs.splice(0)).toEqual(['256×192', '512×384']);
    // Nothing smaller is asked for.
    expect(await detector.detect(empty, { minSize: 100 })).toEqual([]);
    expect(engine.runs.splice(0)).toEqual(['256×192']);
    // There is no more detail.
    expect(await detector.detect(photoOfDiscs(250, 100, []))).toEqual([]);
    expect(engine.runs).toEqual(['256×128']);
  });

  it('works on photos of one pixel and of extreme shape', async () => {
    const { detector } = await detectorOfDiscs();
    expect(await detector.detect(photoOfDiscs(1, 1, []))).toEqual([]);
    expect(await detector.detect(photoOfDiscs(4000, 1, []))).toEqual([]);
  });

  it('gives overlapping calls their own faces', async () => {
    const { detector } = await detectorOfDiscs();
    const discs = [90, 120, 150].map((radius) => ({ x: 300, y: 300, radius, angle: 0 }));
    const faces = await Promise.all(discs.map((disc) => detector.detect(photoOfDiscs(600, 600, [disc]))));
    faces.forEach(([face], index) => {
      expectDisc(face, discs[index]);
    });
  });

  it('leaves out faces that are not confident enough', async () => {
    const { detector } = await detectorOfDiscs();
    const photo = photoOfDiscs(400, 400, [{ x: 200, y: 200, radius: 80, angle: 0 }]);
    expect(await detector.detect(photo, { minConfidence: 0.99 })).toEqual([]);
  });

  it.each([
    [{ minConfidence: 1 }, 'minConfidence is 1, but must be a number above 0 and below 1'],
    [{ minSize: -1 }, 'minSize is -1, but must be a number of pixels of at least 0'],
    [{ maxFaces: 0 }, 'maxFaces is 0, but must be a positive integer'],
    [{ maxFace: 1 }, "unknown option 'maxFace' of detect; did you mean 'maxFaces'?"],
    [{ signal: 'now' }, 'signal is a string, but must be an AbortSignal'],
  ])('refuses %j', async (options, message) => {
    const { detector } = await detectorOfDiscs();
    await expect(detector.detect(photoOfDiscs(9, 9, []), options as object)).rejects.toThrow(message);
  });

  it('stops when aborted', async () => {
    const { detector } = await detectorOfDiscs();
    const photo = photoOfDiscs(600, 600, [{ x: 300, y: 300, radius: 90, angle: 0 }]);
    await expect(detector.detect(photo, { signal: AbortSignal.abort(new Error('too late')) })).rejects.toThrow(
      'too late',
    );
    const controller = new AbortController();
    const faces = detector.detect(photo, { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await expect(faces).rejects.toThrow('changed my mind');
    expect(await detector.detect(photo)).toHaveLength(1);
  });

  it('frees its programs', async () => {
    const { detector, engine } = await detectorOfDiscs();
    await detector.detect(photoOfDiscs(300, 200, []));
    await detector.dispose();
    // 128×128, 256×192 and 320×224.
    expect(engine.disposed).toBe(3);
    await expect(detector.detect(photoOfDiscs(9, 9, []))).rejects.toThrow('this detector has been disposed');
  });
});
