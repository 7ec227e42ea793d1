/** Scrambles a 32-bit integer (the finaliser of MurmurHash3); close seeds give unrelated results. */
function scramble(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Returns a number in [0, 1) that depends only on a lattice point and a seed. */
export function latticeNoise(x: number, y: number, seed: number): number {
  return scramble(Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1)) / 4294967296;
}

/** Smooth noise in [0, 1): smoothstep between lattice values; one feature per unit of x and y. */
export function valueNoise(x: number, y: number, seed: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const top = latticeNoise(x0, y0, seed) * (1 - sx) + latticeNoise(x0 + 1, y0, seed) * sx;
  const bottom = latticeNoise(x0, y0 + 1, seed) * (1 - sx) + latticeNoise(x0 + 1, y0 + 1, seed) * sx;
  return top * (1 - sy) + bottom * sy;
}
