import { axesOf, type Framing, wrapAngle } from '../../faces/framing.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import type { Steps } from '../../scheduling/steps.ts';
import type { ClassScores } from '../grid/grid-classes.ts';

/** The middle of a part of a face, in sides of the square from its middle, and its share of the grid. */
export interface FacePart {
  readonly u: number;
  readonly v: number;
  readonly share: number;
}

/** Parts of a face by class id. */
export type FaceParts = ReadonlyMap<number, FacePart>;

/** Classes of celebamask-19 that are small and move with the head. Ears, glasses and hair come and go as it turns. */
const compactClasses = ['nose', 'l_eye', 'r_eye', 'l_brow', 'r_brow', 'mouth', 'u_lip', 'l_lip'];

/** Parts below this share of the grid are too small for a steady middle. */
const smallestShare = 2e-4;

/** The classes of a label set that contain only parts that move with the head. */
export function compactClassesOf({ classes, mergeFrom }: LabelSet): number[] {
  const sourcesOf = (id: number) =>
    celebamask19.classes.filter((source) => (mergeFrom?.[source.id] ?? source.id) === id);
  return classes
    .map(({ id }) => id)
    .filter((id) => id !== 0 && id !== ignoreLabel)
    .filter((id) => {
      const sources = sourcesOf(id);
      return sources.length > 0 && sources.every(({ name }) => compactClasses.includes(name));
    });
}

/** Finds the parts of a face on the grid of its square. In steps of one class, then of one row. */
export function* facePartsSteps({ shape, data }: ClassScores, ids: readonly number[]): Steps<FaceParts> {
  const [classes, height, width] = shape;
  const plane = height * width;
  const best = new Uint8Array(plane);
  const highest = data.slice(0, plane);
  for (let c = 1; c < classes; c++) {
    const start = c * plane;
    for (let i = 0; i < plane; i++) {
      const score = data[start + i];
      if (score <= highest[i]) continue;
      highest[i] = score;
      best[i] = c;
    }
    yield;
  }
  const sums = new Float64Array(3 * classes);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * best[y * width + x];
      sums[at]++;
      sums[at + 1] += x;
      sums[at + 2] += y;
    }
    yield;
  }
  const parts = new Map<number, FacePart>();
  for (const id of ids) {
    const [count, x, y] = sums.subarray(3 * id, 3 * id + 3);
    if (count < smallestShare * plane) continue;
    const [u, v] = [(x / count + 0.5) / width - 0.5, (y / count + 0.5) / height - 0.5];
    parts.set(id, { u, v, share: count / plane });
  }
  return parts;
}

/** The same parts, seen from another square. */
export function partsSeenFrom(parts: FaceParts, own: Framing, other: Framing): FaceParts {
  const [axes, { right, down }] = [axesOf(own), axesOf(other)];
  const ratio = (own.side / other.side) ** 2;
  return new Map(
    [...parts].map(([id, { u, v, share }]) => {
      const x = own.x - other.x + own.side * (u * axes.right.x + v * axes.down.x);
      const y = own.y - other.y + own.side * (u * axes.right.y + v * axes.down.y);
      const place = { u: (x * right.x + y * right.y) / other.side, v: (x * down.x + y * down.y) / other.side };
      return [id, { ...place, share: share * ratio }] as const;
    }),
  );
}

/** What counts as the same face: parts that have grown or shrunk more than this are left out, the others must fit. */
const limits = { parts: 3, growth: 2, residual: 0.03, shift: 0.35, scale: 1.35, angle: 30 };

/**
 * The square in which a face would have its parts where `anchors` has them: the similarity transform with the least squared
 * distances.
 *
 * @param parts of the face, as seen in `framing`
 * @returns undefined if too few parts are there, or they do not fit
 */
export function framingOfParts(parts: FaceParts, anchors: FaceParts, framing: Framing): Framing | undefined {
  const pairs: [FacePart, FacePart][] = [];
  for (const [id, anchor] of anchors) {
    const part = parts.get(id);
    if (part && Math.max(part.share / anchor.share, anchor.share / part.share) <= limits.growth)
      pairs.push([anchor, part]);
  }
  if (pairs.length < limits.parts) return undefined;
  const mean = (side: 0 | 1, axis: 'u' | 'v') => pairs.reduce((sum, pair) => sum + pair[side][axis], 0) / pairs.length;
  const [au, av, pu, pv] = [mean(0, 'u'), mean(0, 'v'), mean(1, 'u'), mean(1, 'v')];
  // Points as complex numbers: part = turn · anchor + shift.
  let [real, imaginary, extent] = [0, 0, 0];
  for (const [anchor, part] of pairs) {
    const [a, b, p, q] = [anchor.u - au, anchor.v - av, part.u - pu, part.v - pv];
    real += p * a + q * b;
    imaginary += q * a - p * b;
    extent += a * a + b * b;
  }
  const [cos, sin] = [real / extent, imaginary / extent];
  const [u, v] = [pu - cos * au + sin * av, pv - sin * au - cos * av];
  const squares = pairs.map(
    ([anchor, part]) =>
      (u + cos * anchor.u - sin * anchor.v - part.u) ** 2 + (v + sin * anchor.u + cos * anchor.v - part.v) ** 2,
  );
  const residual = Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / squares.length);
  const scale = Math.hypot(cos, sin);
  const angle = (Math.atan2(sin, cos) * 180) / Math.PI;
  const fits =
    residual <= limits.residual &&
    Math.hypot(u, v) <= limits.shift &&
    Math.max(scale, 1 / scale) <= limits.scale &&
    Math.abs(angle) <= limits.angle;
  if (!fits) return undefined;
  const { right, down } = axesOf(framing);
  return {
    x: framing.x + framing.side * (u * right.x + v * down.x),
    y: framing.y + framing.side * (u * right.y + v * down.y),
    side: framing.side * scale,
    angle: wrapAngle(framing.angle + angle),
  };
}
