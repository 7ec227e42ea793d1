import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { FaceDetector } from '../../src/faces/detector/face-detector.ts';
import type { FaceLandmarks, FoundFace } from '../../src/faces/face.ts';
import { framingOf } from '../../src/faces/framing.ts';
import { drawScene } from '../scene-fixture.ts';
import { loadEngines } from './engines.ts';

const weights = readFileSync(new URL('../../weights/face-detector.safetensors', import.meta.url));
const placed = { x: 230, y: 140, side: 200, angle: 115 };
const { photo } = drawScene(400, 300, [placed]);

async function find(detector: FaceDetector): Promise<FoundFace[]> {
  const faces = await detector.detect(photo);
  await detector.dispose();
  return faces;
}

const expected = await find(await FaceDetector.create(weights, createReferenceEngine()));
const engines = await loadEngines();

describe('the face detector', () => {
  it('finds a drawn face where it is', () => {
    expect(expected).toHaveLength(1);
    const { x, y, side, angle } = framingOf(expected[0].landmarks);
    expect(Math.hypot(x - placed.x, y - placed.y)).toBeLessThan(0.12 * placed.side);
    expect(Math.abs(Math.log(side / placed.side))).toBeLessThan(0.25);
    expect(Math.abs(angle - placed.angle)).toBeLessThan(12);
  });

  it.each(engines)('finds the same on the engine $name ($device)', async (engine) => {
    const faces = await find(await FaceDetector.create(weights, engine));
    expect(faces).toHaveLength(1);
    const [{ box, confidence, landmarks }] = faces;
    expect(confidence).toBeCloseTo(expected[0].confidence, 3);
    expect(box.width).toBeCloseTo(expected[0].box.width, 1);
    for (const name of Object.keys(landmarks) as (keyof FaceLandmarks)[]) {
      expect(landmarks[name].x).toBeCloseTo(expected[0].landmarks[name].x, 1);
      expect(landmarks[name].y).toBeCloseTo(expected[0].landmarks[name].y, 1);
    }
  });
});
