import type { PhotoFile } from '../data/dataset/find-photos.ts';
import type { Entry } from './entry.ts';
import { type MaskOptions, predictMasks } from './masks.ts';
import { challengeRules } from './rules.ts';
import { solutionFiles } from './solution.ts';
import { encodeZip } from './write-zip.ts';

/**
 * Builds the zip for the leaderboard: `masks/`, and in `solution/` the PyTorch code and weights that produce them. The same
 * run and images produce the same bytes.
 *
 * @throws FaceparseError for an image that has the wrong size or cannot be read
 */
export async function leaderboardZip(
  entry: Entry,
  photos: readonly PhotoFile[],
  options: MaskOptions,
): Promise<Uint8Array> {
  const { masks, solution } = challengeRules.zip;
  const files = new Map<string, Uint8Array | string>();
  for (const [name, content] of solutionFiles(entry)) files.set(solution + name, content);
  for (const [name, png] of await predictMasks(entry, photos, options)) files.set(masks + name, png);
  return encodeZip(files);
}
