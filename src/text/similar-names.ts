/**
 * Returns the edit distance with transpositions (Damerau–Levenshtein, optimal string alignment).
 *
 * @example editDistance('lr', 'rl') // 1
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(row[j - 1] + 1, previous[j] + 1, previous[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        row[j] = Math.min(row[j], before[j - 2] + 1);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length];
}

/** Longer names are not compared: the distance is quadratic, and hostile input may contain names of megabytes. */
export const longestName = 200;

/** More edits are no misspelling, however long the name. */
const mostEdits = 3;

/**
 * Returns the number of edits from a given name to a known one, or undefined if they are not similar: if more than a third
 * of the letters differ, or more than three.
 */
export function misspelling(given: string, name: string): number | undefined {
  if (given.length > longestName) return undefined;
  const edits = editDistance(given, name);
  return edits <= Math.min(mostEdits, Math.max(1, Math.floor(given.length / 3))) ? edits : undefined;
}

/**
 * A name without case and separators, with `+` as a word.
 *
 * @example plainName('DeepLab-V3+') // 'deeplabv3plus'
 */
export function plainName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll('+', 'plus')
    .replace(/[^a-z0-9]/g, '');
}

/** Shorter names are no abbreviations. */
const shortestAbbreviation = 3;

/** How far a name is from a given one, both plain: first by misspellings, then as an abbreviation; undefined if it is neither. */
function distance(given: string, name: string): number | undefined {
  const edits = misspelling(given, name);
  if (edits !== undefined) return edits;
  const isAbbreviation = given.length >= shortestAbbreviation && name.startsWith(given);
  return isAbbreviation ? longestName + name.length : undefined;
}

/** Returns the known name nearest to a given one, or undefined if none is similar. Case and separators do not count. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  if (given.length > longestName) return undefined;
  const plain = plainName(given);
  const near = names
    .map((name) => ({ name, cost: distance(plain, plainName(name)) ?? Number.POSITIVE_INFINITY }))
    .filter(({ cost }) => plain !== '' && Number.isFinite(cost))
    .sort((a, b) => a.cost - b.cost);
  return near[0]?.name;
}

/**
 * The names that a given one may mean where numbers name versions and sizes: `resnet101` is no misspelling of `resnet18`. A name
 * stays if its numbers start with the given ones.
 *
 * @example ofSameNumbers('resnet-18', ['resnet18', 'resnet34']) // ['resnet18']
 */
export function ofSameNumbers(given: string, names: readonly string[]): string[] {
  const numbersOf = (name: string) => name.slice(0, longestName).match(/\d+/g) ?? [];
  const wanted = numbersOf(given);
  return names.filter((name) => {
    const numbers = numbersOf(name);
    return wanted.every((number, index) => numbers[index] === number);
  });
}

/**
 * Completes an error about an unknown name: `did you mean 'base'?`, or else lists the names.
 *
 * @param otherwise the text if no name is similar; default: all names
 * @example suggestName('bace', ['base', 'sgd']) // "did you mean 'base'?"
 */
export function suggestName(
  given: string,
  names: readonly string[],
  otherwise = `available: ${names.join(', ')}`,
): string {
  const near = nearestName(given, names);
  return near === undefined ? otherwise : `did you mean '${near}'?`;
}
