import { basename, extname } from 'node:path';

/** The name by which a photo and its mask are matched. */
export function stemOf(path: string): string {
  const name = basename(path);
  // macOS decomposes accented letters in names (NFD), other systems do not.
  return name.slice(0, name.length - extname(name).length).normalize('NFC');
}

/**
 * The suffix that all masks have after the stem of a photo, such as `_mask` in 0_mask.png; empty if they have none.
 *
 * A suffix starts with a sign, so that 1.jpg and 11.png are no pair. If several fit, the one with the most pairs counts, then
 * the shortest.
 */
export function findMaskSuffix(photos: ReadonlySet<string>, masks: readonly string[]): string {
  if (masks.length === 0 || masks.some((stem) => photos.has(stem))) return '';
  const [first] = masks;
  const signs = [...first.matchAll(/[^\p{L}\p{N}]/gu)].filter(({ index }) => index > 0);
  const suffixes = signs.map(({ index }) => first.slice(index));
  const fits = (suffix: string) => masks.every((stem) => stem.endsWith(suffix));
  const pairs = (suffix: string) => masks.filter((stem) => photos.has(stem.slice(0, -suffix.length))).length;
  let best = { suffix: '', count: 0 };
  for (const suffix of suffixes.filter(fits)) {
    const count = pairs(suffix);
    // The suffixes become shorter: a_1_mask belongs to a_1, even if there is an a.
    if (count > 0 && count >= best.count) best = { suffix, count };
  }
  return best.suffix;
}
