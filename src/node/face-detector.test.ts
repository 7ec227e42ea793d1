import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selectEngine } from '../engine/select-engine.ts';
import type { FoundFace } from '../faces/face.ts';
import { readPhoto } from '../image/read-image.ts';
import { bundledWeights } from './bundled-weights.ts';
import { loadFaceDetector } from './face-detector.ts';

const engine = await selectEngine({ threads: 1 });

describe('loadFaceDetector', () => {
  it('says how to go on without its weights', async () => {
    await expect(loadFaceDetector(engine, '/absent/face-detector.safetensors')).rejects.toThrow(
      'the weights of the face detector are missing (/absent/face-detector.safetensors). ' +
        'Install faceparse again, or parse photos as a whole.',
    );
  });

  it('names a file with other weights', async () => {
    await expect(loadFaceDetector(engine, bundledWeights)).rejects.toThrow(
      `${bundledWeights} does not contain the weights of the face detector`,
    );
  });
});

const real = '../shared/data/celebamask-mini/val/images';

describe.skipIf(!existsSync(real))(`the bundled detector (skipped without ${real})`, () => {
  it('finds the face in aligned photos', async () => {
    const detector = await loadFaceDetector(engine);
    for (const file of readdirSync(real).sort().slice(0, 4)) {
      const faces = await detector.detect(await readPhoto(join(real, file)));
      expect(faces, file).toHaveLength(1);
      const [{ box, angle, confidence, landmarks }] = faces as [FoundFace];
      expect(confidence).toBeGreaterThan(0.8);
      expect(Math.abs(angle)).toBeLessThan(10);
      expect(box.width).toBeGreaterThan(200);
      expect(Math.abs(landmarks.rightEye.x - 192)).toBeLessThan(25);
      expect(Math.abs(landmarks.leftEye.x - 320)).toBeLessThan(25);
      expect(Math.abs(landmarks.mouth.y - 370)).toBeLessThan(40);
    }
    await detector.dispose();
  });
});
