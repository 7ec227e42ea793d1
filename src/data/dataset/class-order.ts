import type { LabelMap } from '../../image/image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { type ClassOrder, classOrders, classOrderTable } from '../../labels/class-orders.ts';
import { ignoreLabel } from '../../labels/label-set.ts';

/** Number and centre of the pixels of every id in a mask (256 entries each). x and y are NaN for absent ids. */
export interface IdMeasurements {
  readonly pixels: number;
  readonly count: Float64Array;
  /** Mean position from 0 (left, top) to 1. */
  readonly x: Float64Array;
  readonly y: Float64Array;
}

/** Result of `detectClassOrder`. */
export interface ClassOrderFinding {
  readonly order: ClassOrder;
  /** Indices of the masks that contradict celebamask-19 and agree with `order`. */
  readonly masks: readonly number[];
  /** Number of masks with enough parts to judge. */
  readonly judged: number;
}

/** Fewer masks give no finding. */
export const leastMasks = 3;
/** Fewer comparisons in a mask give no judgement. */
const leastChecks = 6;
/** Share of failed comparisons from which a mask contradicts an order, and up to which it agrees with one. */
const contradiction = 0.1;
const agreement = 0.05;
/** Share of the judged masks that a finding needs. */
export const majority = 0.6;

/**
 * Measures the ids of a mask for `detectClassOrder`.
 *
 * @example const measured = measureIds(await readMask('masks/0.png')); // measured.count[13] is the number of hair pixels
 */
export function measureIds({ width, height, data }: LabelMap): IdMeasurements {
  const count = new Float64Array(256);
  const x = new Float64Array(256);
  const y = new Float64Array(256);
  for (let row = 0; row < height; row++) {
    // Runs of one id at a time: masks consist of large areas, and the sums stay exact.
    const begin = row * width;
    for (let from = 0, to = 0; from < width; from = to) {
      const id = data[begin + from];
      do to++;
      while (to < width && data[begin + to] === id);
      count[id] += to - from;
      x[id] += ((to - from) * (from + to - 1)) / 2;
      y[id] += (to - from) * row;
    }
  }
  return {
    pixels: width * height,
    count,
    x: x.map((sum, id) => (sum / count[id] + 0.5) / width),
    y: y.map((sum, id) => (sum / count[id] + 0.5) / height),
  };
}

/** Size in pixels and centre of the parts of a face, by the class names of celebamask-19. */
type Parts = ReadonlyMap<string, { readonly size: number; readonly x: number; readonly y: number }>;

/** Upper part, lower part: true in upright faces at any scale and position. */
const above: readonly (readonly [string, string])[] = [
  ['l_brow', 'l_eye'],
  ['r_brow', 'r_eye'],
  ['l_brow', 'nose'],
  ['r_brow', 'nose'],
  ['l_eye', 'nose'],
  ['r_eye', 'nose'],
  ['eye_g', 'nose'],
  ['l_brow', 'l_ear'],
  ['r_brow', 'r_ear'],
  ['l_ear', 'l_lip'],
  ['r_ear', 'l_lip'],
  ['l_eye', 'ear_r'],
  ['r_eye', 'ear_r'],
  ['nose', 'u_lip'],
  ['nose', 'mouth'],
  ['nose', 'l_lip'],
  ['u_lip', 'mouth'],
  ['u_lip', 'l_lip'],
  ['mouth', 'l_lip'],
  ['skin', 'neck'],
  ['skin', 'cloth'],
  ['l_lip', 'neck'],
  ['l_lip', 'cloth'],
  ['l_lip', 'neck_l'],
  ['hair', 'l_lip'],
  ['hair', 'neck'],
  ['hair', 'cloth'],
  ['hat', 'nose'],
];

/** Smaller part, larger part, and their largest ratio of pixels: about twice the largest in 1100 real masks. */
const smaller: readonly (readonly [string, string, number])[] = [
  ['l_brow', 'skin', 0.12],
  ['r_brow', 'skin', 0.12],
  ['l_eye', 'skin', 0.08],
  ['r_eye', 'skin', 0.08],
  ['nose', 'skin', 0.4],
  ['mouth', 'skin', 0.3],
  ['u_lip', 'skin', 0.15],
  ['l_lip', 'skin', 0.15],
  ['l_ear', 'skin', 0.3],
  ['r_ear', 'skin', 0.3],
  ['ear_r', 'skin', 0.6],
  ['u_lip', 'hair', 1],
  ['nose', 'hair', 1],
  ['nose', 'hat', 1],
  ['l_eye', 'eye_g', 1],
  ['r_eye', 'eye_g', 1],
  ['u_lip', 'neck', 1],
];

/** Part near the middle, part outside, seen from the nose to either side. */
const outside: readonly (readonly [string, string])[] = [
  ['l_eye', 'l_ear'],
  ['r_eye', 'r_ear'],
  ['l_brow', 'l_ear'],
  ['r_brow', 'r_ear'],
  ['l_lip', 'l_eye'],
  ['l_lip', 'r_eye'],
  ['l_lip', 'l_brow'],
  ['l_lip', 'r_brow'],
];

/** Pairs at the same height: less than 0.7 of their distance apart, a tilt of 35°. */
const level: readonly (readonly [string, string])[] = [
  ['l_eye', 'r_eye'],
  ['l_brow', 'r_brow'],
  ['l_ear', 'r_ear'],
];

function measuredParts(measured: IdMeasurements, table: Uint8Array): Parts {
  const parts = new Map<string, { size: number; x: number; y: number }>();
  for (const [id, size] of measured.count.entries()) {
    const name = celebamask19.classes[table[id]]?.name;
    if (size === 0 || name === undefined || name === 'background') continue;
    const known = parts.get(name) ?? { size: 0, x: 0, y: 0 };
    const total = known.size + size;
    parts.set(name, {
      size: total,
      x: (known.x * known.size + measured.x[id] * size) / total,
      y: (known.y * known.size + measured.y[id] * size) / total,
    });
  }
  return parts;
}

/** Compares the parts with the anatomy of an upright face: the number of comparisons, and how many fail. */
function compareWithFace(parts: Parts): { checks: number; failures: number } {
  let checks = 0;
  let failures = 0;
  const check = (holds: boolean): void => {
    checks++;
    if (!holds) failures++;
  };
  for (const [upper, lower] of above) {
    const [a, b] = [parts.get(upper), parts.get(lower)];
    if (a && b) check(a.y < b.y);
  }
  for (const [small, large, ratio] of smaller) {
    const [a, b] = [parts.get(small), parts.get(large)];
    if (a && b) check(a.size < ratio * b.size);
  }
  for (const [left, right] of level) {
    const [a, b] = [parts.get(left), parts.get(right)];
    if (a && b) check(Math.abs(a.y - b.y) < 0.7 * Math.abs(a.x - b.x));
  }
  const nose = parts.get('nose');
  for (const [inner, outer] of outside) {
    const [a, b] = [parts.get(inner), parts.get(outer)];
    if (nose && a && b) check(Math.abs(a.x - nose.x) < Math.abs(b.x - nose.x));
  }
  const [glasses, left, right] = [parts.get('eye_g'), parts.get('l_eye'), parts.get('r_eye')];
  if (glasses && left && right) {
    check(Math.abs(glasses.x - (left.x + right.x) / 2) < 0.3 * Math.abs(left.x - right.x));
  }
  return { checks, failures };
}

/** Whether every id of the mask is in the order; 255 is in all. */
function hasOnlyIdsOf({ count }: IdMeasurements, { classes }: ClassOrder): boolean {
  return count.every((pixels, id) => pixels === 0 || id < classes.length || id === ignoreLabel);
}

const identity = Uint8Array.from({ length: 256 }, (_, id) => id);

/**
 * Whether the parts of a mask with celebamask-19 ids are not where those of an upright face are; undefined if it has too few
 * parts to judge.
 */
export function contradictsFace(measured: IdMeasurements): boolean | undefined {
  const { checks, failures } = compareWithFace(measuredParts(measured, identity));
  return checks < leastChecks ? undefined : failures >= contradiction * checks;
}

/** Whether the parts of a mask are where those of an upright face are, with `table[id]` as their celebamask-19 ids. */
export function agreesWithFace(measured: IdMeasurements, table: Uint8Array): boolean {
  const { checks, failures } = compareWithFace(measuredParts(measured, table));
  return checks >= leastChecks && failures <= agreement * checks;
}

/**
 * Detects masks with the class order of another known program, from the measurements of all masks of a dataset.
 *
 * Each mask is compared with the anatomy of an upright face: brows above eyes, eyes above nose, ears outside the eyes, lips
 * smaller than the skin, and so on. A mask counts for an order if at least 10 % of these comparisons fail with the ids of
 * celebamask-19 and at most 5 % with those of the order. There is a finding if 60 % of the masks count for the same order;
 * if several fit, the one with the fewest classes.
 *
 * Left and right do not matter, so masks with sides swapped are not found here. Nor are rotated photos or orders that are not
 * in `classOrders`. None of the 1100 masks of celebamask-mini contradicts celebamask-19.
 *
 * @returns undefined for masks of celebamask-19, for fewer than three masks and in every case of doubt
 * @example detectClassOrder(masks.map(measureIds))?.order.name // 'face-parsing.pytorch'
 */
export function detectClassOrder(measured: readonly IdMeasurements[]): ClassOrderFinding | undefined {
  const verdicts = measured.map(contradictsFace);
  const judged = verdicts.filter((verdict) => verdict !== undefined).length;
  if (judged < leastMasks) return undefined;
  const suspects = measured.flatMap((mask, index) => (verdicts[index] ? { mask, index } : []));
  if (suspects.length < majority * judged) return undefined;
  let best: ClassOrderFinding | undefined;
  for (const order of classOrders) {
    const table = classOrderTable(order);
    const masks = suspects
      .filter(({ mask }) => hasOnlyIdsOf(mask, order) && agreesWithFace(mask, table))
      .map(({ index }) => index);
    if (masks.length < majority * judged) continue;
    const better =
      !best ||
      masks.length > best.masks.length ||
      (masks.length === best.masks.length && order.classes.length < best.order.classes.length);
    if (better) best = { order, masks, judged };
  }
  return best;
}
