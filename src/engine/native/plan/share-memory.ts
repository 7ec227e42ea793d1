import {
  imageStrideOf,
  type Operation,
  type Places,
  rootOf,
  storedBytes,
  storedElements,
  type Value,
} from './operation.ts';

/** What becomes of a state when a program has run. */
export interface Update {
  readonly state: Value;
  readonly next: Value;
}

/** What memory sharing needs to know beside the operations. */
export interface Boundary {
  readonly updates: readonly Update[];
  /** Values that are read when the program has run. */
  readonly outputs: readonly Value[];
}

/** The operations of one entry of a program, with its boundary. */
export interface EntryOperations {
  readonly operations: readonly Operation[];
  readonly boundary: Boundary;
}

/**
 * Lets values share memory instead of being copied: parts are written where they are joined, results over operands that are
 * no longer needed, new states over old ones. Gives back the operations of each entry with what still has to be copied.
 *
 * Values are changed in place: a value that shares memory becomes a view of another. States are the same values in all
 * entries, so it is settled for all where they live before anything else is placed.
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

/** Whether a value's images do not lie one after the other. */
function hasGaps(value: Value): boolean {
  return (
    value.imageStride !== undefined &&
    value.shape[0] > 1 &&
    value.imageStride !== storedElements([1, ...value.shape.slice(1)], value.block)
  );
}

/** Operations that need dense maps get dense copies of views. */
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

/** A vector of whole states becomes the place where they live, so that it need not be put together in every run. */
function joinStates(operations: readonly Operation[], { outputs }: Boundary): void {
  // An output that is such a vector shows the states as they were.
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

/** Parts are computed where they are joined, if whoever computes and reads them can live with that. */
function joinParts(operations: readonly Operation[], { outputs, updates }: Boundary): void {
  const usesOf = new Map<Value, Operation[]>();
  for (const operation of operations) {
    for (const value of new Set([...operation.reads, ...operation.writes])) {
      usesOf.set(value, [...(usesOf.get(value) ?? []), operation]);
    }
  }
  const viewed = new Set<Value>();
  for (const value of usesOf.keys()) if (value.view) viewed.add(value.view.of);
  // New states have a better place: over the old ones.
  const kept = new Set([...outputs, ...updates.map(({ next }) => next)].map((value) => rootOf(value).root));
  // From the last: a vector that is itself a part has its place, and the distance between its images, before its own parts get theirs.
  for (const { joins, writes } of operations.toReversed()) {
    const target = writes[0];
    if (!joins || !target || target.role === 'state') continue;
    const stride = target.shape.length === 4 && target.block > 1 && target.shape[0] > 1 ? imageStrideOf(target) : 0;
    for (const { part, offset } of joins) {
      const { root, offset: inside } = rootOf(part);
      if (root.role !== 'computed' || inside !== 0 || storedBytes(root) !== storedBytes(part)) continue;
      // A value that comes up twice among the parts is in one place only.
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

/** Where each root is read or written for the last time, and written first. */
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

/** New states are computed over the old ones where nothing reads those any more, and copied at the end elsewhere. */
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

/** The index of the last operation that reads each root; some values are read after all of them. */
function lastReads(operations: readonly Operation[], atEnd: readonly Value[]): Map<Value, number> {
  const last = new Map<Value, number>();
  operations.forEach((operation, index) => {
    for (const value of operation.reads) last.set(rootOf(value).root, index);
  });
  for (const value of atEnd) last.set(rootOf(value).root, operations.length);
  return last;
}

/**
 * Whether a value can be written over a state from its element `shift` on: every read of the state is over by then, or at the same
 * place in the same operation.
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

/** Copies of new states at the end; what comes from a state that is itself about to change goes by way of a copy. */
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

/** A result that starts from an operand takes its memory, where that is not needed any more, or a copy. */
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

/** Whether all that an operation reads of a root is read element by element as the result is written: nothing is gone too early. */
function readsInStep({ reads, inPlace = [] }: Operation, written: Value, root: Value): boolean {
  return reads.every(
    (value) =>
      rootOf(value).root !== root ||
      (rootOf(value).offset === 0 && inPlace.some(([target, operand]) => target === written && operand === value)),
  );
}

/** Results are written over operands that are read for the last time. */
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
