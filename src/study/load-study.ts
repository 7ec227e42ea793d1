import { dirname, join } from 'node:path';
import { listBundledConfigs } from '../config/bundled-configs.ts';
import { loadConfig, readConfigText } from '../config/load-config.ts';
import type { Notify } from '../config/parse-config.ts';
import type { Config } from '../config/schema.ts';
import { exists, isFolder } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';
import { parseStudy, type StudyGroup, type StudyVariant } from './parse-study.ts';

/** One run of a study. */
export interface StudyRun {
  readonly group: StudyGroup;
  readonly variant: StudyVariant;
  readonly seed: number;
  /** Such as `recipe/sgd-s0`; also its path in the folder of the study's runs. */
  readonly name: string;
  readonly config: Config;
}

/** All groups and runs of a study file, in order. */
export interface Study {
  readonly groups: readonly StudyGroup[];
  readonly runs: readonly StudyRun[];
}

/** The configuration file of a group: a path relative to the study file, or the name of a bundled configuration. */
async function configOf(file: string, { config }: StudyGroup): Promise<string> {
  const path = join(dirname(file), config);
  const found = await exists(path);
  if (found && !(await isFolder(path))) return path;
  const bundled = (await listBundledConfigs()).filter(({ kind }) => kind === 'config');
  const match = bundled.find(({ name }) => name === config);
  if (match) return match.path;
  if (found) return path;
  const names = bundled.map(({ name }) => name);
  throw new FaceparseError(
    `cannot read the config ${path}: there is no such file; ${suggestName(config, names, `bundled configs: ${names.join(', ')}`)}`,
    { exitCode: 2 },
  );
}

async function loadRun(
  file: string,
  group: StudyGroup,
  variant: StudyVariant,
  seed: number,
  notify: Notify,
): Promise<StudyRun> {
  const runName = `${variant.name}-s${seed}`;
  const name = `${group.name}/${runName}`;
  try {
    const config = await loadConfig({
      file: await configOf(file, group),
      overrides: [...group.overrides, ...variant.overrides, `train.seed=${seed}`, `name=${runName}`],
      notify,
    });
    return { group, variant, seed, name, config };
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    throw new FaceparseError(`${file}: ${name}: ${error.message}`, { exitCode: error.exitCode, cause: error });
  }
}

/**
 * Reads a study file and builds the configuration of every run.
 *
 * @param notify receives a line for every key under a former name
 * @throws FaceparseError (exit code 2) that lists all unknown keys and wrong values or, without any, all wrong overrides
 *
 * @example (await loadStudy('configs/study.yaml')).runs.map(({ name }) => name)
 */
export async function loadStudy(file: string, notify: Notify = () => undefined): Promise<Study> {
  // All runs of a group share their sources; print each notice once.
  const said = new Set<string>();
  const notifyOnce = (line: string) => {
    if (!said.has(line)) notify(line);
    said.add(line);
  };
  const groups = parseStudy(await readConfigText(file), file);
  const runs: StudyRun[] = [];
  const errors = new Map<string, FaceparseError>();
  for (const group of groups) {
    for (const variant of group.variants) {
      for (const seed of variant.seeds) {
        try {
          runs.push(await loadRun(file, group, variant, seed, notifyOnce));
        } catch (error) {
          if (!(error instanceof FaceparseError)) throw error;
          // Seeds of a variant fail in the same way, and so do variants of a faulty group.
          const reason = `${group.name}: ${(error.cause as Error).message}`;
          if (!errors.has(reason)) errors.set(reason, error);
        }
      }
    }
  }
  const [first, ...others] = errors.values();
  if (others.length > 0) {
    const faults = [...errors.values()].map(({ message }) => message);
    throw new FaceparseError(`${file} has ${faults.length} errors:`, { exitCode: 2, faults });
  }
  if (first) throw first;
  return { groups, runs };
}

/**
 * The part of a study selected by names: groups (`recipe`), variants (`recipe/sgd`), runs (`recipe/sgd-s0`). Groups stay
 * complete, because a comparison needs its base.
 *
 * @throws FaceparseError (exit code 2) for an unknown name
 */
export function selectRuns({ groups, runs }: Study, names: readonly string[]): Study {
  const namesOf = ({ group, variant, name }: StudyRun) => [group.name, `${group.name}/${variant.name}`, name];
  const known = new Set(runs.flatMap(namesOf));
  for (const name of names) {
    if (known.has(name)) continue;
    throw new FaceparseError(`the study has no '${name}'; ${suggestName(name, [...known])}`, { exitCode: 2 });
  }
  const chosen = runs.filter((run) => namesOf(run).some((name) => names.includes(name)));
  return { groups: groups.filter((group) => chosen.some((run) => run.group === group)), runs: chosen };
}
