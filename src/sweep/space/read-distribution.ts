import { show } from '../../config/explain-issue.ts';
import { joinWords } from '../../text/join-words.ts';
import { plainName, suggestName } from '../../text/similar-names.ts';
import type { Distribution } from './distribution.ts';

/** The distributions, each with an example. */
const examples = {
  choice: 'choice: [adamw, sgd]',
  uniform: 'uniform: [0, 2]',
  logUniform: 'logUniform: [1e-4, 1e-2]',
  int: 'int: [2, 8]',
  logInt: 'logInt: [1, 64]',
} as const;

type Kind = Distribution['kind'];
const kinds = Object.keys(examples) as Kind[];

/** What Optuna, Ray Tune and Weights & Biases call them. */
const usualNames: Readonly<Record<string, Kind>> = {
  values: 'choice',
  categorical: 'choice',
  gridsearch: 'choice',
  float: 'uniform',
  quniform: 'uniform',
  log: 'logUniform',
  loguniformvalues: 'logUniform',
  reciprocal: 'logUniform',
  integer: 'int',
  randint: 'int',
  qrandint: 'int',
  intuniform: 'int',
  lograndint: 'logInt',
  intlog: 'logInt',
};

/** A fault in the value of a key, with the path below the key. */
export interface ValueFault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** What `readDistribution` finds: a distribution, or faults. */
export type ReadDistribution = { readonly distribution: Distribution } | { readonly faults: readonly ValueFault[] };

function fault(message: string, ...path: PropertyKey[]): ReadDistribution {
  return { faults: [{ path, message }] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The distribution that a key of the file names; undefined if none is meant. */
function suggestKind(name: string): string {
  const usual = Object.hasOwn(usualNames, plainName(name)) ? usualNames[plainName(name)] : undefined;
  return usual === undefined
    ? suggestName(name, [...kinds, 'step'], `the distributions are ${joinWords(kinds, 'and')}`)
    : `did you mean '${usual}'?`;
}

function readChoice(key: string, values: unknown, path: readonly PropertyKey[]): ReadDistribution {
  if (!Array.isArray(values) || values.length === 0) {
    return fault(`${key}: choice is ${show(values)}, but must be a list of values, such as [1, 2, 4]`, ...path);
  }
  const texts = values.map((value) => JSON.stringify(value));
  const double = texts.findIndex((text, index) => texts.indexOf(text) < index);
  if (double < 0) return { distribution: { kind: 'choice', values } };
  return fault(
    `${key}: entry ${double + 1} of the choices repeats ${show(values[double])}; remove one of them`,
    ...path,
    double,
  );
}

/** The two ends of a range. */
function readRange(key: string, kind: Kind, given: unknown): readonly [number, number] | string {
  const isPair = Array.isArray(given) && given.length === 2 && given.every((end) => Number.isFinite(end));
  if (!isPair) return `${key}: ${kind} is ${show(given)}, but must be two numbers, such as ${examples[kind]}`;
  const [low, high] = given as [number, number];
  const at = `${key}: ${kind}: [${low}, ${high}]`;
  if (low === high) return `${at} has only one value; set it in the configuration instead`;
  if (low > high) return `${at} is empty; write the smaller number first`;
  if (kind.startsWith('log') && low <= 0) return `${at} needs a lower end above 0, because a logarithm has no other`;
  if ((kind === 'int' || kind === 'logInt') && !(Number.isInteger(low) && Number.isInteger(high))) {
    return `${at} needs whole numbers; for others use ${kind === 'int' ? 'uniform' : 'logUniform'}`;
  }
  return [low, high];
}

/** The step of a range, or what is wrong with it. */
function readStep(key: string, kind: Kind, step: unknown, width: number): number | string {
  if (kind !== 'uniform' && kind !== 'int') return `${key}: ${kind} takes no step; only uniform and int do`;
  if (typeof step !== 'number' || !(step > 0) || step > width) {
    return `${key}: step is ${show(step)}, but must be a number above 0, at most the width of the range, ${Number(width.toPrecision(6))}`;
  }
  if (kind === 'int' && !Number.isInteger(step)) return `${key}: step is ${step}, but must be a whole number for int`;
  return step;
}

/**
 * Reads the value that a space file gives a key: a distribution with its range, or a list of choices.
 *
 * @example readDistribution('train.lr', { logUniform: [1e-4, 1e-2] })
 * @example readDistribution('train.optimizer.kind', ['adamw', 'sgd'])
 */
export function readDistribution(key: string, value: unknown): ReadDistribution {
  if (Array.isArray(value)) return readChoice(key, value, []);
  if (!isRecord(value)) {
    return fault(
      `${key} is ${show(value)}, but must be a distribution, such as {${examples.logUniform}}, or a list of choices`,
    );
  }
  const unknown = Object.keys(value).filter((name) => name !== 'step' && !kinds.includes(name as Kind));
  if (unknown.includes('min') || unknown.includes('max')) {
    return fault(`${key}: a range is a list of both ends; write {uniform: [min, max]}, or another distribution`);
  }
  if (unknown.length > 0) {
    const faults = unknown.map((name) => ({
      path: [name],
      message: `${key}: unknown distribution '${name.slice(0, 80)}'; ${suggestKind(name)}`,
    }));
    return { faults };
  }
  const given = kinds.filter((kind) => Object.hasOwn(value, kind));
  const [kind] = given;
  if (kind === undefined || given.length > 1) {
    const which = kind === undefined ? 'has no distribution' : `has ${joinWords(given, 'and')}`;
    return fault(`${key} ${which}, but must have one of ${joinWords(kinds, 'and')}`);
  }
  if (kind === 'choice') {
    if (Object.hasOwn(value, 'step')) return fault(`${key}: a choice takes no step; only uniform and int do`, 'step');
    return readChoice(key, value.choice, ['choice']);
  }
  const range = readRange(key, kind, value[kind]);
  if (typeof range === 'string') return fault(range, kind);
  const [low, high] = range;
  if (!Object.hasOwn(value, 'step')) return { distribution: { kind, low, high } };
  const step = readStep(key, kind, value.step, high - low);
  if (typeof step === 'string') return fault(step, 'step');
  return { distribution: { kind: kind as 'uniform' | 'int', low, high, step } };
}
