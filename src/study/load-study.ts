import { dirname, join } from 'node:path';
import type { RunResult } from '../comparison/runs/run-result.ts';
import type { RunSpec } from '../comparison/runs/run-spec.ts';
import { listBundledConfigs, listHint } from '../config/bundled-configs.ts';
import { loadConfig, readConfigText } from '../config/load-config.ts';
import { inspectConfig, type Notify, throwFaults } from '../config/parse-config.ts';
import { type Locate, sortByLine } from '../config/parse-yaml.ts';
import { exists, isFolder } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';
import { type GivenGroup, maxFaults, maxRuns, readStudy, type StudyGroup, type StudyVariant } from './parse-study.ts';

/** One run of a study. */
export interface StudyRun extends RunSpec {
  readonly group: StudyGroup;
  readonly variant: StudyVariant;
  readonly seed: number;
}

/** The result of a study's run. */
export type StudyResult = RunResult<StudyRun>;

/** All groups and runs of a study file, in order. */
export interface Study {
  readonly groups: readonly StudyGroup[];
  readonly runs: readonly StudyRun[];
}

/** The configuration file of a group: a path relative to the study file, or the name of a bundled configuration. */
async function configOf(file: string, { config }: Pick<StudyGroup, 'config'>): Promise<string> {
  const path = join(dirname(file), config);
  const found = await exists(path);
  if (found && !(await isFolder(path))) return path;
  const bundled = (await listBundledConfigs()).filter(({ kind }) => kind === 'config');
  const match = bundled.find(({ name }) => name === config);
  if (match) return match.path;
  if (found) return path;
  const names = bundled.map(({ name }) => name);
  throw new FaceparseError(
    `cannot read the config ${path}: there is no such file; ${suggestName(config, names, listHint)}`,
    { exitCode: 2 },
  );
}

/** The message of a FaceparseError that the work throws, or its result. */
async function resultOrFault<Result>(work: () => Promise<Result>): Promise<Result | FaceparseError> {
  return work().catch((error: unknown) => {
    if (error instanceof FaceparseError) return error;
    throw error;
  });
}

/** The faults of a group's configuration file and of all its overrides, each once and with its line. */
async function configFaults(file: string, group: GivenGroup, locate: Locate): Promise<Set<string>> {
  const found = new Set<string>();
  const place = locate(['groups', group.name, 'config']);
  const path = await resultOrFault(() => configOf(file, group));
  if (path instanceof FaceparseError) return found.add(`${place}: ${path.message}`);
  const text = await resultOrFault(() => readConfigText(path));
  if (text instanceof FaceparseError) return found.add(`${place}: ${text.message}`);
  // The group without a variant is its base.
  for (const variant of [[], ...group.variants.slice(0, maxRuns)]) {
    const overrides = [...group.overrides, ...variant];
    const inspected = await resultOrFault(async () =>
      inspectConfig(
        text,
        path,
        overrides.map((override) => override.text),
      ),
    );
    // The file is not YAML.
    if (inspected instanceof FaceparseError) return found.add(`${place}: ${inspected.message}`);
    for (const { message, override } of inspected.faults) {
      const given = override === undefined ? undefined : overrides[override];
      found.add(given ? `${locate(given.path)}: ${message}` : message);
    }
    if (found.size >= maxFaults) break;
  }
  return found;
}

/** The groups of a study file. @throws FaceparseError that lists all faults of the file and of its configurations */
async function readGroups(file: string): Promise<readonly StudyGroup[]> {
  const { groups, faults, given, locate } = readStudy(await readConfigText(file), file);
  const found = new Set(faults);
  for (const group of given) {
    if (found.size >= maxFaults) break;
    for (const fault of await configFaults(file, group, locate)) found.add(fault);
  }
  if (groups && found.size === 0) return groups;
  return throwFaults(file, sortByLine(found, file));
}

/**
 * Reads a study file and builds the configuration of every run.
 *
 * @param notify receives a line for every key under a former name
 * @throws FaceparseError (exit code 2) that lists all unknown keys, wrong values and wrong overrides, each with its line
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
  const groups = await readGroups(file);
  const runs: StudyRun[] = [];
  for (const group of groups) {
    const path = await configOf(file, group);
    for (const variant of group.variants) {
      for (const seed of variant.seeds) {
        const name = `${variant.name}-s${seed}`;
        const overrides = [...group.overrides, ...variant.overrides, `train.seed=${seed}`, `name=${name}`];
        const config = await loadConfig({ file: path, overrides, notify: notifyOnce });
        runs.push({ group, variant, seed, name: `${group.name}/${name}`, config });
      }
    }
  }
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
