import { type Operation, rootOf, storedBytes, type Value } from './operation.ts';

/** The offset of every root value in a program's block of memory. */
export interface Assignment {
  readonly offsets: ReadonlyMap<Value, number>;
  readonly bytes: number;
}

/** Size of a cache line in bytes: neighbouring values do not share one. */
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

/** The operations and values of one entry. */
export interface EntryValues {
  readonly operations: readonly Operation[];
  readonly inputs: readonly Value[];
  /** Values read after the operations. */
  readonly outputs: readonly Value[];
}

/**
 * Assigns an offset to every root value. States and constants have their own memory. Other values share memory if their
 * lifetimes are disjoint: large ones first, each at the lowest offset that is free for its lifetime. Entries run in sequence,
 * so all of them use the same work area.
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

/** Places the values of one entry from `base` on, records them in `offsets` and returns the end of the last one. */
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
