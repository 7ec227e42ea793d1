import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blazeFaceWithWeights, detectionHeads } from '../../src/faces/detector/blaze-face.ts';
import { readDetectorWeights } from '../../src/faces/detector/weights.ts';
import { decodeSafetensors } from '../../src/formats/safetensors.ts';
import { expectClose } from '../contract/compare.ts';
import { loadEngines } from '../contract/engines.ts';

const { tensors, metadata } = decodeSafetensors(readFileSync(new URL('face-detector.safetensors', import.meta.url)));
const [height, width] = [Number(metadata.height), Number(metadata.width)];
const weights = readFileSync(new URL('../../weights/face-detector.safetensors', import.meta.url));
const states = readDetectorWeights(weights, 'the bundled weights');
const engines = await loadEngines();

/** `picture` of face_detector.py, as 3×height×width. */
function picture(): Float32Array {
  const values = new Float32Array(3 * height * width);
  for (let c = 0; c < 3; c++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const board = 90 * ((Math.floor(x / 16) + Math.floor(y / 16)) % 2);
        const value = (y * 7 + x * 5 + c * 31 + Math.floor((x * y) / 3) + board) % 256;
        values[(c * height + y) * width + x] = value / 127.5 - 1;
      }
    }
  }
  return values;
}

describe.each(engines)('the face detector on the engine $name ($device)', (engine) => {
  it('computes what the original does', async () => {
    const program = await engine.compile(blazeFaceWithWeights(states, { batch: 1, height, width }));
    const outputs = await program.run({ image: picture() });
    expect(Object.keys(outputs).sort()).toEqual(
      detectionHeads.flatMap(({ name }) => [`scores.${name}`, `values.${name}`]).sort(),
    );
    for (const [name, values] of Object.entries(outputs)) {
      expectClose(values, tensors.get(`stored.${name}`)!.data as Float32Array, 1e-5, name);
      // Kernels in half precision.
      expectClose(values, tensors.get(`original.${name}`)!.data as Float32Array, 3e-3, `${name} of the original`);
    }
    await program.dispose();
  });
});
