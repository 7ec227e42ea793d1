import { fileURLToPath } from 'node:url';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';

/** The path of the bundled weights. It is the same relative to src/node/ and dist/node/. */
export const bundledWeights = fileURLToPath(new URL('../../weights/flagship.safetensors', import.meta.url));

/** The path of the bundled weights. @throws FaceparseError (exit code 2) if they are missing */
export async function requireBundledWeights(path = bundledWeights): Promise<string> {
  if (await exists(path)) return path;
  throw new FaceparseError(
    `no run given, and the bundled weights are missing (${path}). ` +
      'Train a network with `faceparse train --data DATA`, then pass its run folder.',
    { exitCode: 2 },
  );
}
