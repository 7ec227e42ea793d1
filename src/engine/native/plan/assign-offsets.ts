import { type Operation, rootOf, storedBytes, type Value } from './operation.ts';

/** Where every root value lies in the one block of a program's memory. */
export interface Assignment {
  readonly offsets: ReadonlyMap<Value, number>;
  readonly bytes: number;
}

/** The width of a cache line: neighbours do not share one. */
const alignment = 64;

function align(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

interface Interval {
  readonly value: Value;
  readonly bytes: number;
  start: number;
  end: number;
}

/** What a run of one entry works with. */
export interface EntryValues {
  readonly operations: readonly Operation[];
  readonly inputs: readonly Value[];
  /** Values that are read when the operations are over. */
  readonly outputs: readonly Value[];
}

/**
 * Gives every root value a place. States and constants have one of their own; the others share memory with those that live at
 * other times: large ones first, each at the lowest place that is free for as long as it lives. Entries are run one after
 * the other, so all use the same memory beside what is kept.
 *
 * @param kept values that must survive every run, such as states and constants
 */
export function assignOffsets(entries: readonly EntryValues[], kept: readonly Value[]): Assignment {
  const offsets = new Map<Value, number>();
  let base = 0;
  for (const value of kept) {
    const { root } = rootOf(value);
    if (offsets.has(root)) continue;
    offsets.set(root, base);
    base += align(storedBytes(root));
  }
  const bytes = entries.map((entry) => placeEntry(entry, base, offsets));
  return { offsets, bytes: Math.max(base, ...bytes) };
}

/** Gives the values of one entry places from `base` on, enters them into `offsets`, and says where the last of them ends. */
function placeEntry({ operations, inputs, outputs }: EntryValues, base: number, offsets: Map<Value, number>): number {
  const intervals = new Map<Value, Interval>();
  const touch = (value: Value, time: number) => {
    const { root } = rootOf(value);
    if (offsets.has(root)) return;
    const interval = intervals.get(root);
    if (interval) interval.end = Math.max(interval.end, time);
    else intervals.set(root, { value: root, bytes: align(storedBytes(root)), start: time, end: time });
  };
  for (const value of inputs) touch(value, -1);
  operations.forEach((operation, index) => {
    for (const value of [...operation.reads, ...operation.writes, ...(operation.scratch ?? [])]) touch(value, index);
  });
  for (const value of outputs) touch(value, operations.length);

  const placed: (Interval & { offset: number })[] = [];
  let bytes = base;
  for (const interval of [...intervals.values()].sort((a, b) => b.bytes - a.bytes || a.start - b.start)) {
    const neighbours = placed
      .filter(({ start, end }) => start <= interval.end && end >= interval.start)
      .sort((a, b) => a.offset - b.offset);
    let offset = base;
    for (const neighbour of neighbours) {
      if (neighbour.offset - offset >= interval.bytes) break;
      offset = Math.max(offset, neighbour.offset + neighbour.bytes);
    }
    placed.push({ ...interval, offset });
    offsets.set(interval.value, offset);
    bytes = Math.max(bytes, offset + interval.bytes);
  }
  return bytes;
}
