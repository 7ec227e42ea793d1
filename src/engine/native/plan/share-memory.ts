import {
  imageStrideOf,
  type Operation,
  type Places,
  rootOf,
  storedBytes,
  storedElements,
  type Value,
} from './operation.ts';

/** The new value of a state after a run. */
export interface Update {
  readonly state: Value;
  readonly next: Value;
}

/** Values read or updated after the operations. */
export interface Boundary {
  readonly updates: readonly Update[];
  /** Values read after the run. */
  readonly outputs: readonly Value[];
}

/** The operations of one entry of a program, with its boundary. */
export interface EntryOperations {
  readonly operations: readonly Operation[];
  readonly boundary: Boundary;
}

/**
 * Lets values share memory instead of being copied: parts are written in place, results overwrite operands that are no longer
 * needed, new states overwrite old ones. Returns the operations of each entry, including the remaining copies.
 *
 * Values are changed in place: a value that shares memory becomes a view of another. States are the same values in all
 * entries, so their memory is decided first, for all entries.
 */
export function shareMemory(entries: readonly EntryOperations[]): Operation[][] {
  const closed = entries.map(({ operations, boundary }) => ({ operations: closeGaps(operations), boundary }));
  for (const { operations, boundary } of closed) joinStates(operations, boundary);
  return closed.map(({ operations, boundary }) => {
    joinParts(operations, boundary);
    let shared = copyUpdates(operations, boundary);
    shared = takeOverAccumulators(shared, boundary);
    reuseOperands(shared, boundary);
    return shared;
  });
}

/** Whether a value has gaps between its images. */
function hasGaps(value: Value): boolean {
  return (
    value.imageStride !== undefined &&
    value.shape[0] > 1 &&
    value.imageStride !== storedElements([1, ...value.shape.slice(1)], value.block)
  );
}

/** Inserts dense copies of views for operations that need dense maps. */
function closeGaps(operations: readonly Operation[]): Operation[] {
  const dense = new Map<Value, Value>();
  const result: Operation[] = [];
  for (const operation of operations) {
    const substitutes = new Map<Value, Value>();
    for (const value of operation.reads) {
      if (!hasGaps(value) || operation.strided?.includes(value)) continue;
      let copy = dense.get(value);
      if (!copy) {
        copy = { name: value.name, shape: value.shape, dtype: value.dtype, block: value.block, role: 'computed' };
        dense.set(value, copy);
        result.push(copyImages(value, copy));
      }
      substitutes.set(value, copy);
    }
    result.push(substitutes.size > 0 ? substitute(operation, substitutes) : operation);
  }
  return result;
}

function copyImages(source: Value, target: Value): Operation {
  const length = storedElements([1, ...source.shape.slice(1)], source.block);
  return {
    kind: 'copies',
    label: `copy of a part of ${source.name}`,
    reads: [source],
    writes: [target],
    strided: [source],
    fields: (at) => ({
      copies: [2, at.offset(source), at.offset(target), source.shape[0], length, imageStrideOf(source), 1, length, 1],
    }),
  };
}

/** The same operation on other values. */
function substitute(operation: Operation, substitutes: ReadonlyMap<Value, Value>): Operation {
  const other = (value: Value) => substitutes.get(value) ?? value;
  const { inPlace, accumulates, joins } = operation;
  return {
    ...operation,
    reads: operation.reads.map(other),
    ...(inPlace && { inPlace: inPlace.map(([written, read]) => [written, other(read)] as const) }),
    ...(accumulates && { accumulates: [accumulates[0], other(accumulates[1])] as const }),
    ...(joins && { joins: joins.map(({ part, offset }) => ({ part: other(part), offset })) }),
    fields: (at) =>
      operation.fields({
        offset: (value) => at.offset(other(value)),
        map: (value) => at.map(other(value)),
      } satisfies Places),
  };
}

/** Places states inside the vector that concatenates them, so the vector need not be rebuilt in every run. */
function joinStates(operations: readonly Operation[], { outputs }: Boundary): void {
  // If such a vector is an output, it shows the old states.
  const shown = new Set(outputs.map((value) => rootOf(value).root));
  for (const { joins, writes } of operations) {
    const target = writes[0];
    if (!joins || !target || target.view || shown.has(target)) continue;
    const places = joins.map(({ part, offset }) => ({ ...rootOf(part), own: offset }));
    const distinct = new Set(places.map(({ root }) => root));
    const whole = places.every(
      ({ root, offset }, index) =>
        root.role === 'state' && offset === 0 && storedBytes(root) === storedBytes(joins[index].part),
    );
    if (!whole || distinct.size !== places.length) continue;
    target.role = 'state';
    for (const { root, own } of places) root.view = { of: target, offset: own };
  }
}

/** Computes parts directly in the concatenated value if their producers and readers permit it. */
function joinParts(operations: readonly Operation[], { outputs, updates }: Boundary): void {
  const usesOf = new Map<Value, Operation[]>();
  for (const operation of operations) {
    for (const value of new Set([...operation.reads, ...operation.writes])) {
      usesOf.set(value, [...(usesOf.get(value) ?? []), operation]);
    }
  }
  const viewed = new Set<Value>();
  for (const value of usesOf.keys()) if (value.view) viewed.add(value.view.of);
  // New states are better placed over the old ones.
  const kept = new Set([...outputs, ...updates.map(({ next }) => next)].map((value) => rootOf(value).root));
  // From the last: a vector that is itself a part gets its offset and image stride before its own parts do.
  for (const { joins, writes } of operations.toReversed()) {
    const target = writes[0];
    if (!joins || !target || target.role === 'state') continue;
    const stride = target.shape.length === 4 && target.block > 1 && target.shape[0] > 1 ? imageStrideOf(target) : 0;
    for (const { part, offset } of joins) {
      const { root, offset: inside } = rootOf(part);
      if (root.role !== 'computed' || inside !== 0 || storedBytes(root) !== storedBytes(part)) continue;
      // A value that occurs twice among the parts can be in only one place.
      if (joins.filter(({ part: other }) => rootOf(other).root === root).length > 1 || kept.has(root)) continue;
      if (rootOf(target).root === root) continue;
      if (stride > 0) {
        const uses = usesOf.get(root) ?? [];
        if (root !== part || viewed.has(root) || !uses.every((operation) => operation.strided?.includes(root)))
          continue;
        root.imageStride = stride;
      }
      root.view = { of: target, offset };
    }
  }
}

/** The first write and the last access of each root. */
function spans(operations: readonly Operation[]): { first: Map<Value, number>; last: Map<Value, number> } {
  const first = new Map<Value, number>();
  const last = new Map<Value, number>();
  operations.forEach((operation, index) => {
    for (const value of [...operation.reads, ...operation.writes]) {
      const { root } = rootOf(value);
      if (!first.has(root)) first.set(root, index);
      last.set(root, index);
    }
  });
  return { first, last };
}

/** Computes new states over the old ones if nothing reads those any more; the others are copied at the end. */
function copyUpdates(operations: readonly Operation[], { updates, outputs }: Boundary): Operation[] {
  const computed = new Map<Value, { next: Value; offset: number; state: Value; stateOffset: number }[]>();
  const rest: Update[] = [];
  for (const update of updates) {
    const next = rootOf(update.next);
    const state = rootOf(update.state);
    if (next.root.role !== 'computed') rest.push(update);
    else {
      const list = computed.get(next.root) ?? [];
      list.push({ next: update.next, offset: next.offset, state: state.root, stateOffset: state.offset });
      computed.set(next.root, list);
    }
  }
  const readsAfter = lastReads(operations, [...outputs, ...rest.map(({ next }) => next)]);
  for (const [root, parts] of computed) {
    const [head] = parts as [(typeof parts)[number]];
    const shift = head.stateOffset - head.offset;
    const aligned = parts.every(
      ({ state, offset, stateOffset }) => state === head.state && stateOffset - offset === shift,
    );
    const covered = parts.reduce((sum, { next }) => sum + storedBytes(next), 0) === storedBytes(root);
    if (aligned && covered && shift >= 0 && mayOverwrite(operations, root, head.state, shift, readsAfter)) {
      root.view = { of: head.state, offset: shift };
    } else {
      for (const update of updates) if (rootOf(update.next).root === root) rest.push(update);
    }
  }
  return rest.length > 0 ? [...operations, ...copyStates(rest)] : [...operations];
}

/** The index of the last operation that reads each root; values in `atEnd` are read after all operations. */
function lastReads(operations: readonly Operation[], atEnd: readonly Value[]): Map<Value, number> {
  const last = new Map<Value, number>();
  operations.forEach((operation, index) => {
    for (const value of operation.reads) last.set(rootOf(value).root, index);
  });
  for (const value of atEnd) last.set(rootOf(value).root, operations.length);
  return last;
}

/**
 * Whether a value can overwrite a state from its element `shift` on: every read of the state comes before, or is at the same
 * position in the same operation.
 */
function mayOverwrite(
  operations: readonly Operation[],
  value: Value,
  state: Value,
  shift: number,
  lastRead: ReadonlyMap<Value, number>,
): boolean {
  const written = operations.findIndex(({ writes }) => writes.some((write) => rootOf(write).root === value));
  const read = lastRead.get(state) ?? -1;
  if (written < 0 || read > written) return false;
  if (read < written) return true;
  const { reads, inPlace = [] } = operations[written];
  const own = reads.filter((item) => rootOf(item).root === state);
  return own.every((item) =>
    inPlace.some(
      ([target, operand]) =>
        operand === item &&
        rootOf(target).root === value &&
        storedBytes(operand) === storedBytes(target) &&
        rootOf(operand).offset === rootOf(target).offset + shift,
    ),
  );
}

/** Copies new states at the end; a source that is itself a changing state is copied first. */
function copyStates(updates: readonly Update[]): Operation[] {
  const early: Operation[] = [];
  const late: Operation[] = [];
  for (const { state, next } of updates) {
    let from = next;
    if (rootOf(next).root.role === 'state') {
      if (rootOf(next).root === rootOf(state).root && rootOf(next).offset === rootOf(state).offset) continue;
      from = { name: `old ${next.name}`, shape: next.shape, dtype: next.dtype, block: 1, role: 'computed' };
      early.push(copyWhole(next, from));
    }
    late.push(copyWhole(from, state));
  }
  return [...early, ...late];
}

function copyWhole(source: Value, target: Value): Operation {
  return {
    kind: 'copies',
    label: `copy of ${source.name} to ${target.name}`,
    reads: [source],
    writes: [target],
    fields: (at) => ({ copies: [1, at.offset(source), at.offset(target), storedBytes(source) / 4, 1, 1] }),
  };
}

/** Gives a result that starts from an operand the operand's memory if it is no longer needed, or else a copy. */
function takeOverAccumulators(operations: readonly Operation[], { outputs }: Boundary): Operation[] {
  const { last } = spans(operations);
  const kept = new Set(outputs.map((value) => rootOf(value).root));
  return operations.flatMap((operation, index) => {
    if (!operation.accumulates) return [operation];
    const [result, operand] = operation.accumulates;
    const { root } = rootOf(operand);
    const readOnce = operation.reads.filter((value) => rootOf(value).root === root).length === 1;
    const over = root.role === 'computed' && last.get(root) === index && !kept.has(root);
    if (over && readOnce && !hasGaps(operand) && !result.view) {
      if (kept.has(result)) kept.add(root);
      last.set(root, Math.max(index, last.get(result) ?? index));
      result.view = { of: operand, offset: 0 };
      return [operation];
    }
    return [copyWhole(operand, result), operation];
  });
}

/** Whether an operation reads a root only element by element, in step with its writes, so nothing is overwritten too early. */
function readsInStep({ reads, inPlace = [] }: Operation, written: Value, root: Value): boolean {
  return reads.every(
    (value) =>
      rootOf(value).root !== root ||
      (rootOf(value).offset === 0 && inPlace.some(([target, operand]) => target === written && operand === value)),
  );
}

/** Writes results over operands that are read for the last time. */
function reuseOperands(operations: readonly Operation[], { outputs }: Boundary): void {
  const { last } = spans(operations);
  const kept = new Set(outputs.map((value) => rootOf(value).root));
  operations.forEach((operation, index) => {
    const taken = new Set<Value>();
    for (const [written, read] of operation.inPlace ?? []) {
      const { root, offset } = rootOf(read);
      const fits =
        offset === 0 && storedBytes(root) === storedBytes(written) && storedBytes(read) === storedBytes(written);
      const free = root.role === 'computed' || root.role === 'input';
      if (written.view || written.role !== 'computed' || !fits || !free) continue;
      if (last.get(root) !== index || kept.has(root) || taken.has(root) || hasGaps(read) || hasGaps(written)) continue;
      if (!readsInStep(operation, written, root)) continue;
      const end = last.get(written) ?? index;
      written.view = { of: root, offset: 0 };
      taken.add(root);
      last.set(root, Math.max(end, index));
      if (kept.has(written)) kept.add(root);
    }
  });
}
