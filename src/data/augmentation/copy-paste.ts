import type { LabelMap, Photo } from '../../image/image.ts';
import type { Random } from '../../random/random.ts';
import { type DecodedDataset, decodedLabels, decodedPhoto } from '../decoded/decoded-dataset.ts';
import type { CopyPastePlan, PastedClass } from './copy-paste-plan.ts';

/** A photo and its labels, of the same size. */
export interface Pair {
  readonly photo: Photo;
  readonly labels: LabelMap;
}

/** Number of donors to try before giving up: not every hat fits every head. */
const attempts = 4;

/** Maximum gap between a hanging object and its support, as a share of the side. */
const reach = 0.02;

/** Pastes classes of other pairs into pairs; reuses its buffers. */
export class CopyPaster {
  readonly #decoded: DecodedDataset;
  readonly #plan: CopyPastePlan;
  readonly #result: Pair;
  /** 1 where the donor's pixel is used; all 0 between calls. */
  readonly #mask: Uint8Array;

  constructor(decoded: DecodedDataset, plan: CopyPastePlan) {
    const { size } = decoded;
    this.#decoded = decoded;
    this.#plan = plan;
    this.#mask = new Uint8Array(size * size);
    this.#result = {
      photo: { width: size, height: size, data: new Uint8Array(size * size * 3) },
      labels: { width: size, height: size, data: new Uint8Array(size * size) },
    };
  }

  /**
   * Returns the pair with that index. With the plan's probability, a class of another pair is pasted in at the same
   * position.
   *
   * Class and donor are drawn uniformly. If the rules refuse a donor, a few others are drawn. A result that differs from
   * the decoded pair is valid until the next call.
   */
  pair(index: number, random: Random): Pair {
    const pair = { photo: decodedPhoto(this.#decoded, index), labels: decodedLabels(this.#decoded, index) };
    const { probability, classes } = this.#plan;
    if (!random.chance(probability)) return pair;
    const pasted = classes[random.integer(classes.length)];
    if (pasted.barred[index]) return pair;
    for (let attempt = 0; attempt < attempts; attempt++) {
      let chosen = random.integer(pasted.donors.length);
      // Pasting a pair into itself has no effect; take the next donor instead.
      if (pasted.donors[chosen] === index) chosen = (chosen + 1) % pasted.donors.length;
      const donor = pasted.donors[chosen];
      if (donor === index) return pair;
      const box = pasted.boxes.subarray(4 * chosen, 4 * chosen + 4);
      const donorLabels = decodedLabels(this.#decoded, donor);
      if (!this.#select(pair.labels, donorLabels, pasted, box)) continue;
      this.#result.photo.data.set(pair.photo.data);
      this.#result.labels.data.set(pair.labels.data);
      this.#blend({ photo: decodedPhoto(this.#decoded, donor), labels: donorLabels }, box);
      return this.#result;
    }
    return pair;
  }

  /** Marks the donor's pixels to paste. Returns false, with nothing marked, if the rules refuse this donor. */
  #select(target: LabelMap, donor: LabelMap, pasted: PastedClass, box: Uint16Array): boolean {
    const [left, top, right, bottom] = box;
    if (pasted.cover > 0 && !this.#covers(target, donor, pasted)) return false;
    if (!pasted.hangsFrom) return this.#selectPart(target, donor, pasted, left, top, right, bottom);
    const middle = Math.min(right, Math.max(left, target.width >> 1));
    const first = this.#selectPart(target, donor, pasted, left, top, middle, bottom);
    const second = this.#selectPart(target, donor, pasted, middle, top, right, bottom);
    return first || second;
  }

  /** Whether enough of the target's pixels of the class would be replaced; checks every fourth row. */
  #covers(target: LabelMap, donor: LabelMap, { id, cover }: PastedClass): boolean {
    let own = 0;
    let covered = 0;
    for (let y = 0; y < target.height; y += 4) {
      const end = (y + 1) * target.width;
      for (let i = y * target.width; i < end; i++) {
        if (target.data[i] !== id) continue;
        own++;
        if (donor.data[i] === id) covered++;
      }
    }
    return covered >= cover * own;
  }

  #selectPart(
    target: LabelMap,
    donor: LabelMap,
    pasted: PastedClass,
    left: number,
    top: number,
    right: number,
    bottom: number,
  ): boolean {
    const { id, onto, along, room, worn } = pasted;
    const { width } = target;
    const mask = this.#mask;
    let wanted = 0;
    let found = 0;
    let on = 0;
    let hangs = pasted.hangsFrom === undefined;
    for (let y = top; y < bottom; y++) {
      let first = y * width + left;
      let last = y * width + right - 1;
      while (first <= last && donor.data[first] !== id) first++;
      while (last > first && donor.data[last] !== id) last--;
      for (let i = first; i <= last; i++) {
        const own = donor.data[i] === id;
        if (own && ++wanted === 1 && pasted.hangsFrom) hangs = hasNear(target, pasted.hangsFrom, i % width, y);
        if (!(own || along[donor.data[i]]) || !onto[target.data[i]]) continue;
        mask[i] = 1;
        if (own) found++;
        if (worn?.on[target.data[i]]) on++;
      }
    }
    const fits = wanted > 0 && hangs && found >= room * wanted && on >= (worn?.least ?? 0) * wanted;
    if (fits && !this.#sticksOut(target, donor, pasted, left, right, bottom, wanted)) return true;
    for (let y = top; y < bottom; y++) mask.fill(0, y * width + left, y * width + right);
    return false;
  }

  /** Whether too much of a class of the target shows above the pasted pixels. */
  #sticksOut(
    target: LabelMap,
    donor: LabelMap,
    { id, above }: PastedClass,
    left: number,
    right: number,
    bottom: number,
    wanted: number,
  ): boolean {
    if (!above) return false;
    let count = 0;
    for (let x = left; x < right; x++) {
      let over = 0;
      for (let y = 0; y < bottom; y++) {
        const i = y * target.width + x;
        if (donor.data[i] === id) {
          count += over;
          break;
        }
        if (target.data[i] === above.id) over++;
      }
    }
    return count > above.most * wanted;
  }

  /** Copies the marked pixels inside the box from the donor and unmarks them. The outermost pixels are blended to avoid hard edges. */
  #blend(donor: Pair, [left, top, right, bottom]: Uint16Array): void {
    const { photo, labels } = this.#result;
    const { width } = labels;
    const mask = this.#mask;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const i = y * width + x;
        if (!mask[i]) continue;
        labels.data[i] = donor.labels.data[i];
        const marked = countMarked(mask, width, x, y);
        for (let k = 3 * i; k < 3 * i + 3; k++) {
          const value = donor.photo.data[k];
          photo.data[k] = marked === 9 ? value : Math.round((marked * value + (9 - marked) * photo.data[k]) / 9);
        }
      }
    }
    for (let y = top; y < bottom; y++) mask.fill(0, y * width + left, y * width + right);
  }
}

/** Counts the marked pixels among the 3×3 around a position; the border is repeated. */
function countMarked(mask: Uint8Array, size: number, x: number, y: number): number {
  const before = x > 0 ? 1 : 0;
  const after = x < size - 1 ? 1 : 0;
  const row = y * size + x;
  const over = y > 0 ? row - size : row;
  const under = y < size - 1 ? row + size : row;
  return (
    mask[over - before] +
    mask[over] +
    mask[over + after] +
    mask[row - before] +
    mask[row] +
    mask[row + after] +
    mask[under - before] +
    mask[under] +
    mask[under + after]
  );
}

/** Whether one of the ids is near a position. */
function hasNear({ width, height, data }: LabelMap, ids: Uint8Array, x: number, y: number): boolean {
  const distance = Math.ceil(reach * width);
  const right = Math.min(width - 1, x + distance);
  const bottom = Math.min(height - 1, y + distance);
  for (let row = Math.max(0, y - distance); row <= bottom; row++) {
    for (let column = Math.max(0, x - distance); column <= right; column++) {
      if (ids[data[row * width + column]]) return true;
    }
  }
  return false;
}
