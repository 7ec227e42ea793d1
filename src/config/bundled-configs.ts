import { readdir, readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';

/** What a bundled file configures: one training, or the trainings of a study. */
export type ConfigKind = 'config' | 'study';

/** A configuration that faceparse ships. */
export interface BundledConfig {
  /** What commands take: `compact`. */
  readonly name: string;
  readonly kind: ConfigKind;
  readonly path: string;
  /** The first line of the comment at its head. */
  readonly description: string;
}

/** It lies beside both src/ and dist/. */
const folder = new URL('../../configs/', import.meta.url);

/**
 * The configurations that faceparse ships, sorted by name.
 *
 * @example (await listBundledConfigs()).map(({ name }) => name) // ['compact', 'flagship', 'study', 'unet']
 */
export async function listBundledConfigs(): Promise<BundledConfig[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort();
  return Promise.all(
    names.map(async (file) => {
      const url = new URL(file, folder);
      const text = await readFile(url, 'utf8');
      return {
        name: basename(file, '.yaml'),
        kind: /^groups:/m.test(text) ? ('study' as const) : ('config' as const),
        path: fileURLToPath(url),
        description: /^#\s*(.*)/.exec(text)?.[1] ?? '',
      };
    }),
  );
}

/**
 * The file that a word on the command line means: a path where there is something, else the bundled file of that name.
 *
 * @throws FaceparseError (exit code 2) that names the bundled files where the word is neither
 *
 * @example await findConfigFile('compact') // '…/node_modules/faceparse/configs/compact.yaml'
 */
export async function findConfigFile(word: string, kind: ConfigKind = 'config'): Promise<string> {
  if (await exists(word)) return word;
  const bundled = (await listBundledConfigs()).filter((entry) => entry.kind === kind);
  const match = bundled.find(({ name }) => name === word);
  if (match) return match.path;
  const wanted = basename(word, extname(word));
  const noun = kind === 'study' ? 'study' : 'config';
  const same = bundled.find(({ name }) => name === wanted);
  const names = bundled.map(({ name }) => name);
  const hint = same
    ? `to use the one that comes with faceparse, give its name: ${wanted}`
    : suggestName(wanted, names, `those that come with faceparse: ${names.join(', ')}`);
  throw new FaceparseError(`cannot read the ${noun} ${word}: there is no such file; ${hint}`, { exitCode: 2 });
}
