import { type DataType, type Shape, sizeOf } from '../../../graph/graph.ts';

/** Where the bytes of a value come from, which decides how long they live. */
export type ValueRole = 'computed' | 'input' | 'constant' | 'state' | 'scratch';

/** A tensor in memory, in one of the layouts of kernels.h. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DataType;
  /** Channels that lie side by side; 1 is the plain layout. */
  readonly block: number;
  role: ValueRole;
  /** The memory is a part of another value's, from this element on. */
  view?: { readonly of: Value; readonly offset: number };
  /** Elements from one image to the next, where the value is a view of some channels of a wider map. */
  imageStride?: number;
}

/** One thing that a program does. */
export interface Operation {
  readonly kind: string;
  /** For messages and profiles: what is computed. */
  readonly label: string;
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
  /** Memory that is needed during the operation only. */
  readonly scratch?: readonly Value[];
  /** Pairs of a written and a read value that may be the same memory. */
  readonly inPlace?: readonly (readonly [Value, Value])[];
  /** A written value that must be given the memory of a read one, whose content it starts from. */
  readonly accumulates?: readonly [Value, Value];
  /** Parts that are put one after the other into the first written value: memory that may be shared instead of copied. */
  readonly joins?: readonly { readonly part: Value; readonly offset: number }[];
  /** Values that may be views with gaps between their images. */
  readonly strided?: readonly Value[];
  /** Floating-point operations, for profiles. */
  readonly flops?: number;
  /** The fields of the step, once every value has its place. */
  fields(at: Places): Record<string, unknown>;
}

/** Where values have been put. */
export interface Places {
  /** Byte offset. */
  offset(value: Value): number;
  /** A feature map as plan-reader.cc wants it. */
  map(value: Value): readonly number[];
}

/** Elements of a blocked or plain shape in memory, padding included. */
export function storedElements(shape: Shape, block: number): number {
  if (block === 1) return sizeOf(shape);
  const [images, channels, height, width] = shape as [number, number, number, number];
  return images * Math.ceil(channels / block) * block * height * width;
}

export function storedBytes(value: Value): number {
  return storedElements(value.shape, value.block) * 4;
}

/** The value whose memory a value is a part of, and from which element on. */
export function rootOf(value: Value): { root: Value; offset: number } {
  let root = value;
  let offset = 0;
  while (root.view) {
    offset += root.view.offset;
    root = root.view.of;
  }
  return { root, offset };
}

/** Elements from one image of a map to the next. */
export function imageStrideOf(value: Value): number {
  return value.imageStride ?? storedElements([1, ...value.shape.slice(1)], value.block);
}
