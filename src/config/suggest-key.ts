import { joinWords } from '../text/join-words.ts';
import { editDistance, longestName, misspelling, plainName } from '../text/similar-names.ts';
import { configKeys, parentOf } from './config-keys.ts';
import { mainKeyOf } from './group-values.ts';
import { keyOfUsualName } from './usual-names.ts';

/**
 * The distance between a known key and an unknown path; undefined if they are too different. The name counts
 * most: the same name in another group comes before a similar name in the same group.
 */
function distance(unknown: string, known: string): number | undefined {
  const [name, other] = [unknown, known].map((path) => plainName(path.slice(parentOf(path).length).replace('.', '')));
  const edits = misspelling(name, other);
  if (edits === undefined) return undefined;
  const [group, otherGroup] = [parentOf(unknown), parentOf(known)].map(plainName);
  if (group === otherGroup) return edits;
  return edits + 0.4 + (0.5 * editDistance(group, otherGroup)) / Math.max(group.length, otherGroup.length);
}

/**
 * The keys with a name, in any group and spelling; groups are excluded.
 *
 * @example keysNamed('batch-size') // ['train.batchSize']
 */
export function keysNamed(name: string): string[] {
  return [...configKeys().values()]
    .filter(({ path, group }) => !group && plainName(path.slice(path.lastIndexOf('.') + 1)) === plainName(name))
    .map(({ path }) => path);
}

/**
 * The end of an error about an unknown key: `did you mean 'train.lr'?`, or else the keys of its group.
 *
 * @param value whether a value was given, not a group of keys
 * @example suggestKey('lr') // "did you mean 'train.lr'?"
 */
export function suggestKey(path: string, { value = false }: { readonly value?: boolean } = {}): string {
  const usual = path.length > longestName ? undefined : keyOfUsualName(path);
  if (usual !== undefined) return `did you mean '${usual}'?`;
  const candidates =
    path.length > longestName
      ? []
      : [...configKeys().keys()]
          .map((known) => ({ known, cost: distance(path, known) }))
          .filter((entry): entry is { known: string; cost: number } => entry.cost !== undefined)
          .sort((a, b) => a.cost - b.cost);
  const best = candidates.filter(({ cost }) => cost - candidates[0].cost < 0.2).slice(0, 3);
  if (best.length > 0)
    return `did you mean ${joinWords(
      best.map(({ known }) => `'${value ? mainKeyOf(known) : known}'`),
      'or',
    )}?`;
  let group = parentOf(path);
  while (group !== '' && !configKeys().get(group)?.group) group = parentOf(group);
  const siblings = [...configKeys().keys()].filter((known) => parentOf(known) === group);
  return `${group === '' ? 'the keys are' : `the keys of ${group} are`} ${joinWords(
    siblings.map((known) => known.slice(group === '' ? 0 : group.length + 1)),
    'and',
  )}`;
}
