import { readdir, readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists, isFolder } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { plainName, suggestName } from '../text/similar-names.ts';

/** What a bundled file configures: one run, a study, or the search space of a sweep. */
export type ConfigKind = 'config' | 'study' | 'space';

/** What a file of a kind is called in errors. */
const nouns: Readonly<Record<ConfigKind, string>> = { config: 'config', study: 'study', space: 'search space' };

/** The kind of a file, by its top-level keys. */
function kindOf(text: string): ConfigKind {
  if (/^groups:/m.test(text)) return 'study';
  return /^space:/m.test(text) ? 'space' : 'config';
}

/** A configuration bundled with faceparse. */
export interface BundledConfig {
  /** The name that commands accept: `compact`. */
  readonly name: string;
  readonly kind: ConfigKind;
  readonly path: string;
  /** The first line of the file's leading comment. */
  readonly description: string;
}

/** Where to find the bundled names, too many for a message. */
export const listHint = '`faceparse config --list` lists the bundled ones';

/** The same relative path works from src/ and dist/. */
const folder = new URL('../../configs/', import.meta.url);

/**
 * The bundled configurations, sorted by name.
 *
 * @example (await listBundledConfigs()).map(({ name }) => name) // ['compact', 'flagship', 'mobile-unet', …]
 */
export async function listBundledConfigs(): Promise<BundledConfig[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'));
  // Sorting file names would put `a-b.yaml` before `a.yaml`.
  const names = files.map((file) => basename(file, '.yaml')).sort();
  return Promise.all(
    names.map(async (name) => {
      const url = new URL(`${name}.yaml`, folder);
      const text = await readFile(url, 'utf8');
      return {
        name,
        kind: kindOf(text),
        path: fileURLToPath(url),
        description: /^#\s*(.*)/.exec(text)?.[1] ?? '',
      };
    }),
  );
}

/**
 * Resolves a command-line argument to a file: an existing file, else the bundled file of that name. A folder of that name does
 * not hide the bundled file.
 *
 * @throws FaceparseError (exit code 2) that says where to find the bundled names if it is neither
 *
 * @example await findConfigFile('compact') // '…/node_modules/faceparse/configs/compact.yaml'
 */
export async function findConfigFile(word: string, kind: ConfigKind = 'config'): Promise<string> {
  const found = await exists(word);
  if (found && !(await isFolder(word))) return word;
  const bundled = (await listBundledConfigs()).filter((entry) => entry.kind === kind);
  const match = bundled.find(({ name }) => name === word);
  if (match) return match.path;
  // Reading the folder says that it is one.
  if (found) return word;
  const wanted = basename(word, extname(word));
  const noun = nouns[kind];
  const same = bundled.find(({ name }) => name === wanted);
  const names = bundled.map(({ name }) => name);
  const hint = same
    ? `for the bundled ${noun}, use its name: ${wanted}`
    : (kind === 'config' && (await networkHint(word))) || suggestName(wanted, names, listHint);
  throw new FaceparseError(`${noun} ${word} not found; ${hint}`, { exitCode: 2 });
}

/** A hint for the name of a network or an encoder in place of a configuration. */
async function networkHint(word: string): Promise<string | undefined> {
  const [{ listModels }, { listEncoders }] = await Promise.all([
    import('../models/registry.ts'),
    import('../models/encoders/registry.ts'),
  ]);
  const sameName = (name: string) => plainName(name) === plainName(word);
  const model = listModels().find(sameName);
  if (model !== undefined) return `${model} is a network, which a configuration names; write model.name=${model}`;
  const encoder = listEncoders().find(sameName);
  if (encoder === undefined) return undefined;
  return `${encoder} is an encoder, which a configuration names; write model.name=unet model.encoder=${encoder}`;
}
