import { fileURLToPath } from 'node:url';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';

/** Where the weights that come with faceparse are; their folder lies two folders up both from src/node/ and from dist/node/. */
export const bundledWeights = fileURLToPath(new URL('../../weights/flagship.safetensors', import.meta.url));

/** The path of the weights that come with faceparse. @throws FaceparseError (exit code 2) where they are missing */
export async function requireBundledWeights(path = bundledWeights): Promise<string> {
  if (await exists(path)) return path;
  throw new FaceparseError(
    `no run is named, and the weights that come with faceparse are missing (${path}). ` +
      'Train a network with `faceparse train --data DATA`, then name its run folder.',
    { exitCode: 2 },
  );
}
