import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Engine } from '../engine/engine.ts';
import { FaceDetector } from '../faces/detector/face-detector.ts';
import { pixelKernels } from '../native-pixels/pixel-kernels.ts';
import { FaceparseError } from '../text/errors.ts';

/** The path of the detector's weights. It is the same relative to src/node/ and dist/node/. */
export const faceDetectorWeights = fileURLToPath(new URL('../../weights/face-detector.safetensors', import.meta.url));

/**
 * Loads the face detector with the weights that come with faceparse.
 *
 * @param path another weights file
 * @throws FaceparseError (exit code 2) if the file is missing; other errors name it
 * @example
 * const detector = await loadFaceDetector(await selectEngine());
 * const faces = await detector.detect(photo);
 */
export async function loadFaceDetector(engine: Engine, path = faceDetectorWeights): Promise<FaceDetector> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new FaceparseError(
      `the weights of the face detector are missing (${path}). Install faceparse again, or parse photos as a whole.`,
      { exitCode: 2, cause: error },
    );
  });
  return FaceDetector.create(bytes, engine, { name: path, kernels: pixelKernels() });
}
