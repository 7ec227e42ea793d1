/** A value in a pickle. Dictionaries are maps; lists and tuples are arrays. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Set<PickleValue>
  | Map<PickleValue, PickleValue>
  | PickleGlobal
  | PickleObject
  | PersistentId;

/** A function or class, by name only; nothing is imported. */
export class PickleGlobal {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }
}

/** A call that Python would make and this reader does not: the callable, its arguments, and items added to the result. */
export class PickleObject {
  readonly callable: PickleValue;
  readonly arguments: PickleValue[];
  /** Items set on the result, as on a subclass of dict. */
  items?: Map<PickleValue, PickleValue>;
  /** State set on the result, usually its attributes. */
  state?: PickleValue;

  constructor(callable: PickleValue, args: PickleValue[]) {
    this.callable = callable;
    this.arguments = args;
  }
}

/** Data stored outside the pickle, such as the elements of a tensor. */
export class PersistentId {
  readonly id: PickleValue;

  constructor(id: PickleValue) {
    this.id = id;
  }
}
