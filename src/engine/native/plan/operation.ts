import { type DataType, type Shape, sizeOf } from '../../../graph/graph.ts';

/** The origin of a value's bytes, which determines their lifetime. */
export type ValueRole = 'computed' | 'input' | 'constant' | 'state' | 'scratch';

/** A tensor in memory, in one of the layouts of kernels.h. */
export interface Value {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DataType;
  /** Number of interleaved channels; 1 is the plain layout. */
  readonly block: number;
  role: ValueRole;
  /** If set, the memory is part of another value's, from this element on. */
  view?: { readonly of: Value; readonly offset: number };
  /** Elements from one image to the next, if the value is a view of some channels of a wider map. */
  imageStride?: number;
}

/** One operation of a program. */
export interface Operation {
  readonly kind: string;
  /** Description for messages and profiles. */
  readonly label: string;
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
  /** Temporary memory of the operation. */
  readonly scratch?: readonly Value[];
  /** Pairs of a written and a read value that may share memory. */
  readonly inPlace?: readonly (readonly [Value, Value])[];
  /** A written value that must use the memory of a read one and starts from its content. */
  readonly accumulates?: readonly [Value, Value];
  /** Parts concatenated into the first written value; their memory may be shared instead of copied. */
  readonly joins?: readonly { readonly part: Value; readonly offset: number }[];
  /** Values that may be views with gaps between their images. */
  readonly strided?: readonly Value[];
  /** Floating-point operations, for profiles. */
  readonly flops?: number;
  /** Returns the fields of the step once every value has its offset. */
  fields(at: Places): Record<string, unknown>;
}

/** The placement of values. */
export interface Places {
  /** Byte offset. */
  offset(value: Value): number;
  /** A feature map in the format of plan-reader.cc. */
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

/** The value whose memory contains this value, and the offset in elements. */
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
