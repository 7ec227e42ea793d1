import { celebamask19 } from '../../labels/celebamask-19.ts';
import { findClass } from '../../labels/find-class.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { classCounts } from '../decoded/class-counts.ts';
import { type DecodedDataset, decodedLabels } from '../decoded/decoded-dataset.ts';
import { type CopyPasteOptions, checkPasteLabels, type PasteRule, pasteRules } from './copy-paste-rules.ts';

/** A class, its donor pairs, and its rule as tables of 256 ids (1 for ids named by the rule). */
export interface PastedClass {
  readonly id: number;
  /** Pairs with enough pixels of the class. */
  readonly donors: Uint32Array;
  /** Bounding box of each donor's pixels: left, top, right and bottom, the last two exclusive. */
  readonly boxes: Uint16Array;
  /** One entry per pair: 1 if nothing may be pasted, because the pair already has the class. */
  readonly barred: Uint8Array;
  readonly onto: Uint8Array;
  readonly along: Uint8Array;
  readonly hangsFrom?: Uint8Array;
  readonly room: number;
  readonly worn?: { readonly on: Uint8Array; readonly least: number };
  readonly cover: number;
  readonly above?: { readonly id: number; readonly most: number };
}

/** Everything that pasting depends on except the images; a plain object that is copied to workers. */
export interface CopyPastePlan {
  readonly probability: number;
  readonly classes: readonly PastedClass[];
}

/** Minimum share of a donor's pixels in the class (65 pixels at 512²): fewer are an annotation error or invisible. */
const leastShare = 1 / 4000;

/**
 * Finds the donor pairs of each class; reads all labels once. Returns undefined if pasting is off.
 *
 * @param weights pairs with weight 0 are excluded, also as donors
 * @throws FaceparseError for labels other than celebamask-19, because the rules refer to its classes
 */
export function planCopyPaste(
  decoded: DecodedDataset,
  labelSet: LabelSet,
  options: CopyPasteOptions,
  weights?: ArrayLike<number>,
): CopyPastePlan | undefined {
  const { probability } = options;
  if (probability === 0) return undefined;
  checkPasteLabels(labelSet, options);
  const counts = classCounts(decoded);
  const classes = [...new Set(options.classes)]
    .map((name) => planClass(decoded, counts, findClass(celebamask19, name).id, pasteRules[name], weights))
    .filter(({ donors }) => donors.length > 0);
  return classes.length === 0 ? undefined : { probability, classes };
}

function planClass(
  decoded: DecodedDataset,
  counts: Uint32Array,
  id: number,
  rule: PasteRule,
  weights?: ArrayLike<number>,
): PastedClass {
  const pairs = decoded.stems.length;
  const least = Math.max(1, leastShare * decoded.size ** 2);
  const own = Uint32Array.from({ length: pairs }, (_, pair) => counts[pair * 256 + id]);
  const donors = Uint32Array.from(own.keys()).filter((pair) => own[pair] >= least && weights?.[pair] !== 0);
  const boxes = new Uint16Array(donors.length * 4);
  donors.forEach((pair, i) => {
    boxes.set(boxOf(decoded, pair, id), 4 * i);
  });
  return {
    id,
    donors,
    boxes,
    barred: Uint8Array.from(own, (count) => (rule.once && count > 0 ? 1 : 0)),
    onto: tableOf(rule.onto),
    along: tableOf(rule.along ?? []),
    ...(rule.hangsFrom && { hangsFrom: tableOf(rule.hangsFrom) }),
    room: rule.room,
    ...(rule.worn && { worn: { on: tableOf(rule.worn.on), least: rule.worn.least } }),
    cover: rule.cover ?? 0,
    ...(rule.above && { above: { id: findClass(celebamask19, rule.above.class).id, most: rule.above.most } }),
  };
}

function boxOf(decoded: DecodedDataset, pair: number, id: number): [number, number, number, number] {
  const { width, data } = decodedLabels(decoded, pair);
  const top = Math.floor(data.indexOf(id) / width);
  const bottom = Math.floor(data.lastIndexOf(id) / width) + 1;
  let [left, right] = [width, 0];
  for (let y = top; y < bottom; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(id);
    if (first < 0) continue;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(id) + 1);
  }
  return [left, top, right, bottom];
}

function tableOf(names: readonly string[]): Uint8Array {
  const table = new Uint8Array(256);
  for (const name of names) table[findClass(celebamask19, name).id] = 1;
  return table;
}
