import { basename, resolve } from 'node:path';
import { findConfigFile } from '../config/bundled-configs.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Notify } from '../config/parse-config.ts';
import { exists, isFolder } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { findRun } from '../training/earlier-run/find-run.ts';
import { runFolder } from '../training/record/run-folder.ts';
import { storedConfig } from '../training/stored-config.ts';
import type { RunSpec } from './runs/run-spec.ts';

/** More are a mistake: tables and charts would be unreadable. */
const maxRuns = 24;

/** Whether an argument means a run folder, rather than a configuration. */
async function isRunFolder(word: string): Promise<boolean> {
  return (await isFolder(word)) && (await exists(runFolder(word).config));
}

async function loadRun(word: string, overrides: readonly string[], notify: Notify | undefined): Promise<RunSpec> {
  if (await isRunFolder(word)) {
    if (overrides.length > 0) {
      throw new FaceparseError(
        `${overrides[0]} cannot change the run ${word}; give its configuration, ${runFolder(word).config}, to train another run`,
        { exitCode: 2 },
      );
    }
    const folder = await findRun(word);
    return { name: basename(resolve(folder)), config: await storedConfig(folder), folder };
  }
  const config = await loadConfig({ file: await findConfigFile(word), overrides, ...(notify && { notify }) });
  return { name: config.name, config };
}

/** Refuses names that are no names of folders. */
function requireFolderName({ name }: RunSpec, word: string): void {
  if (!/[/\\]|^\.{0,2}$/.test(name) && !name.includes('\0')) return;
  throw new FaceparseError(
    `${word}: the name '${name}' cannot be the name of a folder; set name in the configuration to one without slashes`,
    { exitCode: 2 },
  );
}

function describeTwice(name: string, words: readonly string[]): string {
  const same = new Set(words).size === 1;
  if (same) return `${words[0]} is given twice; give each configuration once`;
  return `${words.join(' and ')} have the same name, '${name}'; set name in one of them`;
}

/**
 * The runs that words of a command mean: configuration files, names of bundled configurations, and folders of runs.
 *
 * @param overrides settings such as `train.epochs=10` for all configurations; they cannot change runs
 * @throws FaceparseError (exit code 2) for a configuration that is not found or wrong, and for two of the same name
 *
 * @example await loadRuns(['sibling-pspnet', 'sibling-deeplab', 'runs/mine'], [])
 */
export async function loadRuns(
  words: readonly string[],
  overrides: readonly string[],
  notify?: Notify,
): Promise<RunSpec[]> {
  if (words.length === 0) {
    throw new FaceparseError('nothing to compare; give configurations, names of bundled ones, or run folders', {
      exitCode: 2,
    });
  }
  if (words.length > maxRuns) {
    throw new FaceparseError(`${words.length} runs given, but a comparison shows at most ${maxRuns}`, { exitCode: 2 });
  }
  const runs: RunSpec[] = [];
  const wordsOf = new Map<string, string[]>();
  for (const word of words) {
    const run = await loadRun(word, overrides, notify);
    requireFolderName(run, word);
    // Folders of names that differ only in case are one folder on some systems.
    const key = run.name.toLowerCase();
    const same = [...(wordsOf.get(key) ?? []), word];
    if (same.length > 1) throw new FaceparseError(describeTwice(run.name, same), { exitCode: 2 });
    wordsOf.set(key, same);
    runs.push(run);
  }
  return runs;
}
