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

/**
 * Returns the number of edits from a given name to a known one, or undefined if they are not similar: if more than a third
 * of the letters differ.
 */
export function misspelling(given: string, name: string): number | undefined {
  if (given.length > longestName) return undefined;
  const edits = editDistance(given, name);
  return edits <= Math.max(1, Math.floor(given.length / 3)) ? edits : undefined;
}

/** Returns the known name nearest to a given one, or undefined if none is similar. */
export function nearestName(given: string, names: readonly string[]): string | undefined {
  const near = names
    .map((name) => ({ name, edits: misspelling(given, name) ?? Number.POSITIVE_INFINITY }))
    .filter(({ edits }) => Number.isFinite(edits))
    .sort((a, b) => a.edits - b.edits);
  return near[0]?.name;
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
