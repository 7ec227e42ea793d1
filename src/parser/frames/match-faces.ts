import type { Framing } from '../../faces/framing.ts';

/** Two squares are not of the same face if they are farther apart, in sides, or differ more in size. */
const limits = { distance: 0.35, scale: 1.7 };

/**
 * Finds which new square belongs to which known face: the nearest pairs first, in terms of the size of the faces. A face moves
 * by less than its own width from one frame to the next, while two faces side by side are at least that far apart.
 *
 * @returns for each new square the index of its known face, or -1
 */
export function matchFaces(known: readonly Framing[], found: readonly Framing[]): number[] {
  const pairs: { readonly from: number; readonly to: number; readonly distance: number }[] = [];
  for (const [from, a] of known.entries()) {
    for (const [to, b] of found.entries()) {
      const distance = (2 * Math.hypot(a.x - b.x, a.y - b.y)) / (a.side + b.side);
      const scale = Math.max(a.side / b.side, b.side / a.side);
      if (distance <= limits.distance && scale <= limits.scale)
        pairs.push({ from, to, distance: distance + Math.log(scale) });
    }
  }
  const result = found.map(() => -1);
  const taken = new Set<number>();
  for (const { from, to } of pairs.sort((a, b) => a.distance - b.distance)) {
    if (result[to] >= 0 || taken.has(from)) continue;
    result[to] = from;
    taken.add(from);
  }
  return result;
}
