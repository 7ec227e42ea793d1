import { FaceparseError } from '../../text/errors.ts';
import { PersistentId, PickleGlobal, PickleObject, type PickleValue } from './pickle-value.ts';

/** Every operation creates at most one value, so this bounds the memory. */
const maxOperations = 2_000_000;
/** An OrderedDict is created from a list, which a single operation can recall any number of times. */
const maxCopiedPairs = 200_000;
/** Maximum size of a pickle, in bytes. */
export const maxPickleBytes = 2 ** 25;
/** Maximum length of an integer and of the name of a global, in bytes. */
const maxNumberBytes = 1024;
const maxNameBytes = 1024;
const newestProtocol = 5;

/**
 * Reads Python's pickle, protocols 2 to 5, without running or importing anything: calls become `PickleObject`s, except
 * `collections.OrderedDict`, which becomes a map. Reading is not recursive, so nesting is unlimited. Values may contain
 * themselves.
 *
 * @throws FaceparseError that names the position where the pickle is damaged, too large (32 MiB, two million operations),
 * or uses an operation of another protocol
 * @see https://github.com/python/cpython/blob/main/Lib/pickletools.py
 * @example readPickle(Uint8Array.of(0x80, 2, 0x4b, 7, 0x2e)) // 7
 */
export function readPickle(bytes: Uint8Array): PickleValue {
  if (bytes.length > maxPickleBytes) {
    throw new FaceparseError(`the pickle has ${bytes.length} bytes; the limit is ${maxPickleBytes}`);
  }
  return new PickleMachine(bytes, 0, false).run();
}

/** One of several pickles in a row. */
export interface PickleInRow {
  readonly value: PickleValue;
  /** Position after the pickle. */
  readonly end: number;
  /** All ids of data stored outside the pickle, in its order. */
  readonly persistentIds: readonly PickleValue[];
}

/**
 * Reads the pickle at a position, like `readPickle`; other data may follow it.
 *
 * @param bytes the start of the data
 * @param continues whether the data are longer than `bytes`
 */
export function readPickleAt(bytes: Uint8Array, start: number, continues: boolean): PickleInRow {
  const machine = new PickleMachine(bytes, start, continues);
  const value = machine.run();
  return { value, end: machine.end, persistentIds: machine.persistentIds };
}

/** The stack machine that executes a pickle. */
class PickleMachine {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly continues: boolean;
  private position: number;
  private readonly stack: PickleValue[] = [];
  /** Stack heights at the marks. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();
  private copiedPairs = 0;
  readonly persistentIds: PickleValue[] = [];

  constructor(bytes: Uint8Array, start: number, continues: boolean) {
    this.bytes = bytes;
    this.position = start;
    this.continues = continues;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get end(): number {
    return this.position;
  }

  run(): PickleValue {
    for (let done = 0; done < maxOperations; done++) {
      const opcode = String.fromCharCode(this.uint8());
      if (opcode === '.') return this.pop();
      if (!Object.hasOwn(operations, opcode)) {
        const code = opcode.charCodeAt(0).toString(16).padStart(2, '0');
        throw this.damaged(`the operation 0x${code} is not part of protocols 2 to ${newestProtocol}`);
      }
      operations[opcode](this);
    }
    throw this.damaged(`it has more than ${maxOperations} operations`);
  }

  protocol(): void {
    const version = this.uint8();
    if (version > newestProtocol) throw this.damaged(`protocol ${version} is newer than ${newestProtocol}`);
  }

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    this.top();
    return this.stack.pop()!;
  }

  top(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) throw this.damaged('a value is missing');
    return this.stack.at(-1)!;
  }

  /** Drops the top value, or the mark if it is on top. */
  drop(): void {
    if (this.marks.at(-1) === this.stack.length) this.marks.pop();
    else this.pop();
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  /** Pops the values above the top mark, and the mark. */
  popToMark(): PickleValue[] {
    const height = this.marks.pop();
    if (height === undefined) throw this.damaged('a mark is missing');
    return this.stack.splice(height);
  }

  popTuple(length: number): void {
    const values = Array.from({ length }, () => this.pop());
    this.push(values.reverse());
  }

  remember(index: number): void {
    this.memo.set(index, this.top());
  }

  rememberNext(): void {
    this.remember(this.memo.size);
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.damaged(`memo entry ${index} does not exist`);
    this.push(value);
  }

  append(values: readonly PickleValue[]): void {
    const target = this.top();
    if (Array.isArray(target)) for (const value of values) target.push(value);
    else if (target instanceof Set) for (const value of values) target.add(value);
    else if (!(target instanceof PickleObject))
      throw this.damaged('values are added to something other than a list or set');
  }

  setItems(values: readonly PickleValue[]): void {
    if (values.length % 2 !== 0) throw this.damaged('a key has no value');
    const target = this.top();
    if (target instanceof PickleObject) target.items ??= new Map();
    const items = target instanceof PickleObject ? target.items! : target;
    if (!(items instanceof Map)) throw this.damaged('items are set on something other than a dictionary');
    for (let at = 0; at < values.length; at += 2) items.set(values[at], values[at + 1]);
  }

  dictionary(values: readonly PickleValue[]): void {
    this.push(new Map());
    this.setItems(values);
  }

  global(module: PickleValue, name: PickleValue): void {
    if (typeof module !== 'string' || typeof name !== 'string') throw this.damaged('a global has no name');
    if (module.length > maxNameBytes || name.length > maxNameBytes)
      throw this.damaged('the name of a global is too long');
    this.push(new PickleGlobal(`${module}.${name}`));
  }

  persistentId(): void {
    const id = this.pop();
    this.persistentIds.push(id);
    this.push(new PersistentId(id));
  }

  /** Sets the state of an object. Containers with a state, such as an OrderedDict with attributes, do not need it. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (target instanceof PickleObject) target.state = state;
  }

  /** Pushes the placeholder for `callable(*arguments)`. */
  call(callable: PickleValue, args: PickleValue): void {
    if (!Array.isArray(args)) throw this.damaged('the arguments of a call are not a tuple');
    if (callable instanceof PickleGlobal && callable.path === 'collections.OrderedDict') {
      this.orderedDictionary(Array.isArray(args[0]) ? args[0] : []);
    } else this.push(new PickleObject(callable, args));
  }

  private orderedDictionary(pairs: readonly PickleValue[]): void {
    this.copiedPairs += pairs.length;
    if (this.copiedPairs > maxCopiedPairs) {
      throw this.damaged(`its OrderedDicts have more than ${maxCopiedPairs} pairs in total`);
    }
    this.dictionary(pairs.flatMap((pair) => this.pair(pair)));
  }

  private pair(value: PickleValue): PickleValue[] {
    if (!Array.isArray(value) || value.length !== 2) throw this.damaged('an OrderedDict is not created from pairs');
    return value;
  }

  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  /** Moves past the next bytes and returns the position of the first. Creating a view of them takes longer. */
  private advance(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) {
      if (this.continues) throw this.damaged(`it is longer than the limit of ${this.bytes.length} bytes`);
      throw this.damaged(`it ends after ${this.bytes.length} bytes, before its last operation`);
    }
    this.position = start + length;
    return start;
  }

  uint8(): number {
    return this.bytes[this.advance(1)];
  }

  uint16(): number {
    return this.view.getUint16(this.advance(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.advance(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.advance(4), true);
  }

  /** Reads a 64-bit length. A length too large for a number is certainly too large for the file. */
  uint64(): number {
    return Number(this.view.getBigUint64(this.advance(8), true));
  }

  float64(): number {
    return this.view.getFloat64(this.advance(8));
  }

  /** Reads an integer of any length, two's complement, little-endian. */
  long(length: number): number | bigint {
    if (length > maxNumberBytes) throw this.damaged(`an integer has ${length} bytes; the limit is ${maxNumberBytes}`);
    // Shifting in one byte after another would take quadratic time.
    const digits = Array.from(this.take(length), (byte) => byte.toString(16).padStart(2, '0'));
    const value = BigInt.asIntN(length * 8, BigInt(`0x0${digits.reverse().join('')}`));
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  }

  text(length: number): string {
    return new TextDecoder().decode(this.take(length));
  }

  /** Reads a Python 2 string as Latin-1. */
  oldText(length: number): string {
    return new TextDecoder('latin1').decode(this.take(length));
  }

  line(): string {
    const end = this.bytes.indexOf(0x0a, this.position);
    if (end < 0 || end - this.position > maxNameBytes) throw this.damaged('the name of a global does not end');
    const text = this.text(end - this.position);
    this.position = end + 1;
    return text;
  }

  private damaged(what: string): FaceparseError {
    const remedy = 'copy the file again, or save it again with torch.save';
    return new FaceparseError(`the pickle cannot be read: ${what} (at byte ${this.position}); ${remedy}`);
  }
}

/** The supported operations by opcode; others are refused. */
const operations: Readonly<Record<string, (machine: PickleMachine) => void>> = {
  '\x80': (machine) => machine.protocol(),
  // A frame is only a hint for reading ahead.
  '\x95': (machine) => machine.uint64(),
  '(': (machine) => machine.mark(),
  '0': (machine) => machine.drop(),
  '1': (machine) => machine.popToMark(),
  '2': (machine) => machine.push(machine.top()),

  N: (machine) => machine.push(null),
  '\x88': (machine) => machine.push(true),
  '\x89': (machine) => machine.push(false),
  K: (machine) => machine.push(machine.uint8()),
  M: (machine) => machine.push(machine.uint16()),
  J: (machine) => machine.push(machine.int32()),
  '\x8a': (machine) => machine.push(machine.long(machine.uint8())),
  '\x8b': (machine) => machine.push(machine.long(machine.uint32())),
  G: (machine) => machine.push(machine.float64()),

  X: (machine) => machine.push(machine.text(machine.uint32())),
  '\x8c': (machine) => machine.push(machine.text(machine.uint8())),
  '\x8d': (machine) => machine.push(machine.text(machine.uint64())),
  U: (machine) => machine.push(machine.oldText(machine.uint8())),
  T: (machine) => machine.push(machine.oldText(machine.uint32())),
  C: (machine) => machine.push(machine.take(machine.uint8())),
  B: (machine) => machine.push(machine.take(machine.uint32())),
  '\x8e': (machine) => machine.push(machine.take(machine.uint64())),
  '\x96': (machine) => machine.push(machine.take(machine.uint64())),

  ')': (machine) => machine.push([]),
  ']': (machine) => machine.push([]),
  '}': (machine) => machine.push(new Map()),
  '\x8f': (machine) => machine.push(new Set()),
  t: (machine) => machine.push(machine.popToMark()),
  l: (machine) => machine.push(machine.popToMark()),
  d: (machine) => machine.dictionary(machine.popToMark()),
  '\x91': (machine) => machine.push(new Set(machine.popToMark())),
  '\x85': (machine) => machine.popTuple(1),
  '\x86': (machine) => machine.popTuple(2),
  '\x87': (machine) => machine.popTuple(3),
  a: (machine) => machine.append([machine.pop()]),
  e: (machine) => machine.append(machine.popToMark()),
  '\x90': (machine) => machine.append(machine.popToMark()),
  s: (machine) => machine.setItems([machine.pop(), machine.pop()].reverse()),
  u: (machine) => machine.setItems(machine.popToMark()),

  q: (machine) => machine.remember(machine.uint8()),
  r: (machine) => machine.remember(machine.uint32()),
  '\x94': (machine) => machine.rememberNext(),
  h: (machine) => machine.recall(machine.uint8()),
  j: (machine) => machine.recall(machine.uint32()),

  c: (machine) => machine.global(machine.line(), machine.line()),
  '\x93': (machine) => {
    const name = machine.pop();
    machine.global(machine.pop(), name);
  },
  Q: (machine) => machine.persistentId(),
  R: (machine) => {
    const args = machine.pop();
    machine.call(machine.pop(), args);
  },
  '\x81': (machine) => {
    const args = machine.pop();
    machine.call(machine.pop(), args);
  },
  '\x92': (machine) => {
    machine.drop();
    const args = machine.pop();
    machine.call(machine.pop(), args);
  },
  b: (machine) => machine.build(),
};
