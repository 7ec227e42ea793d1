import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { configDifferences } from '../config/config-differences.ts';
import { show } from '../config/explain-issue.ts';
import { parseRunConfig } from '../config/parse-config.ts';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { exists } from '../files/path-kind.ts';
import { FaceparseError } from '../text/errors.ts';
import { type Distribution, describeDistribution } from './space/distribution.ts';
import type { SweepPlan } from './sweep.ts';

/** The files of a sweep. */
export function sweepFiles(out: string) {
  return {
    plan: join(out, 'sweep.json'),
    trials: join(out, 'trials'),
    shards: join(out, 'shards'),
    best: join(out, 'best.yaml'),
    csv: join(out, 'sweep.csv'),
    markdown: join(out, 'sweep.md'),
    scoreChart: join(out, 'best-score.svg'),
    importanceChart: join(out, 'importance.svg'),
    settingsChart: join(out, 'settings.svg'),
  };
}

/** The name of a trial in its folder: `0003`. Names sort like numbers. */
export function trialName(trial: number): string {
  return String(trial).padStart(4, '0');
}

const range = { low: z.number(), high: z.number() };
const distributionSchema = z.union([
  z.object({ kind: z.literal('choice'), values: z.array(z.unknown()) }),
  z.object({ kind: z.enum(['uniform', 'int']), ...range, step: z.number().optional() }),
  z.object({ kind: z.enum(['logUniform', 'logInt']), ...range }),
]);

const planSchema = z.object({
  version: z.literal(1),
  config: z.record(z.string(), z.unknown()),
  space: z.array(z.object({ key: z.string(), distribution: distributionSchema })),
  metric: z.string(),
  rungs: z.array(z.number().positive()).min(1),
  factor: z.number().min(2),
  seed: z.number(),
  pairs: z.number().int().positive(),
});

type StoredPlan = z.output<typeof planSchema>;

async function readPlan(path: string): Promise<StoredPlan> {
  const text = await readFile(path, 'utf8');
  try {
    return planSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new FaceparseError(`${path} is damaged: it is not the plan of a sweep. Use a new --out folder.`, { cause });
  }
}

/** A change of a plan: what it was and what it is now. */
interface PlanChange {
  readonly what: string;
  readonly before: string;
  readonly now: string;
}

function spaceChanges(before: StoredPlan['space'], now: SweepPlan['space']): PlanChange[] {
  const text = (space: StoredPlan['space'] | SweepPlan['space'], key: string) => {
    const found = space.find((dimension) => dimension.key === key);
    return found ? `{${describeDistribution(found.distribution as Distribution)}}` : 'not searched';
  };
  const keys = [...new Set([...before, ...now].map(({ key }) => key))];
  return keys
    .map((key) => ({ what: `the space of ${key}`, before: text(before, key), now: text(now, key) }))
    .filter((change) => change.before !== change.now);
}

/** Everything in which a plan differs from that of a folder. */
function planChanges(path: string, before: StoredPlan, now: SweepPlan): PlanChange[] {
  const stored = parseRunConfig(JSON.stringify(before.config), path);
  const simple = (what: string, a: unknown, b: unknown) =>
    JSON.stringify(a) === JSON.stringify(b) ? [] : [{ what, before: String(a), now: String(b) }];
  const changes = [
    ...configDifferences(stored, now.config, ['name']).map(({ path: key, a, b }) => ({
      what: key,
      before: a === undefined ? 'unset' : show(a),
      now: b === undefined ? 'unset' : show(b),
    })),
    ...spaceChanges(before.space, now.space),
    ...simple('--metric', before.metric, now.metric),
    ...simple('--eta', before.factor, now.halving.factor),
    ...simple('--seed', before.seed, now.seed),
    ...simple('the number of training pairs', before.pairs, now.pairs),
  ];
  if (changes.length > 0) return changes;
  // They follow from what is compared above, and from --min-epochs.
  return simple('the list of rungs (--min-epochs)', before.rungs.join(', '), now.halving.rungs.join(', '));
}

async function requireSamePlan(out: string, plan: SweepPlan): Promise<void> {
  const { plan: path } = sweepFiles(out);
  const changes = planChanges(path, await readPlan(path), plan);
  if (changes.length === 0) return;
  const list = changes.map(({ what, before, now }) => `${what} was ${before} and is now ${now}`);
  const end = `Trials of different sweeps cannot be compared; restore it, or use a new --out folder.`;
  throw new FaceparseError(`${out} holds another sweep: ${list.join('; ')}. ${end}`, { exitCode: 2 });
}

/** The number of training pairs of the sweep in a folder; undefined if there is no sweep yet. */
export async function pairsOf(out: string): Promise<number | undefined> {
  const { plan } = sweepFiles(out);
  return (await exists(plan)) ? (await readPlan(plan)).pairs : undefined;
}

/**
 * Creates the folder of a sweep, or checks that it holds the same one. Shards may do so at the same time.
 *
 * @throws FaceparseError (exit code 2) that names every difference from the sweep in the folder
 */
export async function openSweepFolder(out: string, plan: SweepPlan): Promise<void> {
  const files = sweepFiles(out);
  if (await exists(files.plan)) return requireSamePlan(out, plan);
  const names = await readdir(out).catch(() => []);
  // Shards that start now may have made these.
  if (names.some((name) => !name.startsWith('.') && !['trials', 'shards'].includes(name))) {
    throw new FaceparseError(`${out} exists and holds no sweep; use a new folder`, { exitCode: 2 });
  }
  for (const folder of [files.trials, files.shards]) {
    await makeFolder(folder);
  }
  const { config, space, metric, halving, seed, pairs } = plan;
  const stored = { version: 1, config, space, metric, rungs: halving.rungs, factor: halving.factor, seed, pairs };
  await writeFileAtomic(files.plan, `${JSON.stringify(stored, null, 2)}\n`);
  // Another shard may have written another one.
  return requireSamePlan(out, plan);
}

const failureSchema = z.object({ reason: z.string() });

function failureFile(out: string, trial: number): string {
  return join(sweepFiles(out).trials, `${trialName(trial)}.failed.json`);
}

/** Records that a trial failed. */
export async function recordFailure(out: string, trial: number, reason: string): Promise<void> {
  await writeFileAtomic(failureFile(out, trial), `${JSON.stringify({ reason }, null, 2)}\n`);
}

/** Why a trial failed; undefined if it did not. */
export async function readFailure(out: string, trial: number): Promise<string | undefined> {
  const path = failureFile(out, trial);
  if (!(await exists(path))) return undefined;
  try {
    return failureSchema.parse(JSON.parse(await readFile(path, 'utf8'))).reason;
  } catch (cause) {
    throw new FaceparseError(`${path} is damaged; remove it to train the trial again.`, { cause });
  }
}

/** The numbers of all trials that were started, in order. */
export async function startedTrials(out: string): Promise<number[]> {
  const names = await readdir(sweepFiles(out).trials).catch(() => []);
  const numbers = names.flatMap((name) => {
    const match = /^(\d{4,})(\.failed\.json)?$/.exec(name);
    return match ? [Number(match[1])] : [];
  });
  return [...new Set(numbers)].sort((a, b) => a - b);
}
