import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';
import { moduleEntries, visitBudget } from './module-entries.ts';
import { PersistentId, PickleGlobal, PickleObject, type PickleValue } from './pickle-value.ts';
import { isTensor, otherTensorMaker } from './tensor-record.ts';

/** Named values that contain tensors: a state_dict, or a whole module. */
export interface NamedValues {
  /** Keys that lead to it in the file, joined by dots; empty for the top level. */
  readonly path: string;
  readonly entries: readonly (readonly [name: string, value: PickleValue])[];
  readonly tensorCount: number;
}

const maxDepth = 3;
/** Keys of the weights, in order of preference. */
const weightKeys = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'weights', 'params', 'module'];
/** Moving averages of the weights are read only where there is nothing else, or on request. */
const averageKey = /(^|[^a-z])(ema|swa|avg|averaged?|teacher)([^a-z]|$)/i;
/** Their tensors are not weights. */
const otherKey = /optim|sched|scaler|callback|loops|criterion|loss/i;
/** A dictionary with a usual name but few tensors, such as `params: {lr}`, does not hold the weights. */
const leastShare = 0.1;

/**
 * Finds the state dicts in a pickled value, the preferred one first: the top level, dictionaries in it to a depth of
 * three, and whole modules.
 */
export function findStateDicts(top: PickleValue): NamedValues[] {
  const found: NamedValues[] = [];
  const seen = new Set<PickleValue>();
  const budget = visitBudget();
  const visit = (value: PickleValue, path: readonly string[]): void => {
    // Dictionaries may contain each other and themselves.
    if (typeof value !== 'object' || seen.has(value)) return;
    seen.add(value);
    const dictionary = dictionaryOf(value);
    const entries = dictionary ? textEntries(dictionary) : (moduleEntries(value, budget) ?? []);
    const tensorCount = entries.filter(([, entry]) => isTensor(entry)).length;
    if (tensorCount > 0) found.push({ path: path.join('.'), entries, tensorCount });
    if (!dictionary || path.length === maxDepth) return;
    for (const [key, entry] of entries) if (!otherKey.test(key)) visit(entry, [...path, key]);
  };
  visit(top, []);
  // Not as arguments of Math.max: a hostile file has more dictionaries than a call takes arguments.
  const most = found.reduce((largest, { tensorCount }) => Math.max(largest, tensorCount), 0);
  const rank = (values: NamedValues) => (values.tensorCount < leastShare * most ? weightKeys.length : rankOf(values));
  return found.sort(
    (a, b) =>
      rank(a) - rank(b) || b.tensorCount - a.tensorCount || Number(isAverage(a.path)) - Number(isAverage(b.path)),
  );
}

/** The texts and numbers of a dictionary, as text; none for other values. */
export function textsAtTop(top: PickleValue): Record<string, string> {
  const entries = textEntries(dictionaryOf(top) ?? new Map());
  return Object.fromEntries(
    entries.flatMap(([key, value]) =>
      typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : [],
    ),
  );
}

/**
 * The error for a value without a state dict.
 *
 * @param remedy what to do, for the message
 */
export function noStateDictError(top: PickleValue, remedy: string): FaceparseError {
  return new FaceparseError(`the file has no tensors by name: ${describe(top)}; ${remedy}`);
}

function describe(top: PickleValue): string {
  const dictionary = dictionaryOf(top);
  if (dictionary) {
    const maker = [...dictionary.values()].map(otherTensorMaker).find((name) => name !== undefined);
    if (maker) return `its tensors have no storage (${maker}), such as those on the device "meta"`;
    if ([...dictionary.values()].some(isNumpyArray)) return 'its values are NumPy arrays, not tensors';
    const keys = [...dictionary.keys()].filter((key) => typeof key === 'string');
    if (keys.length === 0) return 'its top level is an empty dictionary, or one without text keys';
    return `its top level is a dictionary of ${keys.slice(0, 5).map(quote).join(', ')}${keys.length > 5 ? ', …' : ''}`;
  }
  if (isTensor(top)) return 'it is a single tensor';
  if (Array.isArray(top)) return `its top level is a list of ${top.length} values`;
  const name = top instanceof PickleObject ? classOf(top) : undefined;
  return name === undefined ? 'its top level is not a dictionary' : `its top level is an object of ${quote(name)}`;
}

function isNumpyArray(value: PickleValue): boolean {
  return value instanceof PickleObject && /^numpy\..*\._reconstruct$/.test(classOf(value) ?? '');
}

/** The class of an object. Old files save the source of a class with it. */
function classOf({ callable }: PickleObject): string | undefined {
  const named = callable instanceof PersistentId && Array.isArray(callable.id) ? callable.id[1] : callable;
  return named instanceof PickleGlobal ? named.path : undefined;
}

/** The place of a path in the order of preference; the usual names come first, averages of them last. */
function rankOf({ path }: NamedValues): number {
  if (isAverage(path)) return weightKeys.length;
  const keys = new Set(path.split('.'));
  const rank = weightKeys.findIndex((key) => keys.has(key));
  return rank < 0 ? weightKeys.length : rank;
}

function isAverage(path: string): boolean {
  return averageKey.test(path);
}

/** A dictionary, or the items of a subclass of dict. */
function dictionaryOf(value: PickleValue): ReadonlyMap<PickleValue, PickleValue> | undefined {
  if (value instanceof PickleObject) return value.items;
  return value instanceof Map ? value : undefined;
}

function textEntries(dictionary: ReadonlyMap<PickleValue, PickleValue>): [string, PickleValue][] {
  return [...dictionary].filter((entry): entry is [string, PickleValue] => typeof entry[0] === 'string');
}
