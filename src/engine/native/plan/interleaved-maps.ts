import type { Shape, Tensor } from '../../../graph/graph.ts';
import { copyFields } from './lower-shape.ts';
import type { Lowering } from './lowering.ts';
import { imageStrideOf, type Value } from './operation.ts';

// A map N×C×H×W as dy·dx maps for each image, which take every dy-th row and every dx-th column of it:
// (N·dy·dx)×C×(H/dy)×(W/dx).

/** Number of maps that rows and columns are dealt out to. */
export type Interleaving = readonly [vertical: number, horizontal: number];

export function interleavedShape([images, channels, height, width]: Shape, [rows, columns]: Interleaving): Shape {
  return [images * rows * columns, channels, height / rows, width / columns];
}

/**
 * The copy from a whole map to its interleaved ones: axes image, row, column, block of channels, height, width, channel. The
 * whole map may become a view later, so this is computed when places are known.
 */
function interleavingCopy(whole: Value, parts: Value, [rows, columns]: Interleaving) {
  const { block } = whole;
  const [images, channels, height, width] = whole.shape as [number, number, number, number];
  const [, , partHeight, partWidth] = parts.shape as [number, number, number, number];
  const blocks = Math.ceil(channels / block);
  const part = imageStrideOf(parts);
  return {
    extents: [images, rows, columns, blocks, partHeight, partWidth, block],
    wholeStrides: [
      imageStrideOf(whole),
      width * block,
      block,
      height * width * block,
      rows * width * block,
      columns * block,
      1,
    ],
    partStrides: [
      part * rows * columns,
      part * columns,
      part,
      partHeight * partWidth * block,
      partWidth * block,
      block,
      1,
    ],
  };
}

/** Copies a whole map to its interleaved ones, or back. */
function emitCopy(lowering: Lowering, whole: Value, parts: Value, by: Interleaving, direction: 'split' | 'join'): void {
  const [source, target] = direction === 'split' ? [whole, parts] : [parts, whole];
  lowering.emit({
    kind: 'copies',
    label: direction === 'split' ? `interleaved maps of ${whole.name}` : `whole map of ${parts.name}`,
    reads: [source],
    writes: [target],
    strided: [whole],
    fields: (at) => {
      const { extents, wholeStrides, partStrides } = interleavingCopy(whole, parts, by);
      const strides =
        direction === 'split'
          ? { sourceStrides: wholeStrides, targetStrides: partStrides }
          : { sourceStrides: partStrides, targetStrides: wholeStrides };
      return { copies: copyFields([{ source, target, extents, ...strides }], at) };
    },
  });
}

/** A new value for the interleaved maps of a tensor. */
function interleavedValue(tensor: Tensor, block: number, by: Interleaving): Value {
  const shape = interleavedShape(tensor.shape, by);
  return { name: `interleaved ${tensor.node.op}`, shape, dtype: 'float32', block, role: 'computed' };
}

/** What a primitive works on; see `Chosen`. */
interface Layout {
  readonly interleaved?: Interleaving;
}

/** A map that a primitive reads: whole, or split where the primitive works on interleaved maps. */
export function readMap(lowering: Lowering, tensor: Tensor, block: number, { interleaved }: Layout): Value {
  const whole = lowering.use(tensor, block);
  if (!interleaved) return whole;
  const parts = interleavedValue(tensor, block, interleaved);
  emitCopy(lowering, whole, parts, interleaved, 'split');
  return parts;
}

/** A map that a primitive writes: whole, or interleaved maps, which `joinMap` joins afterwards. */
export function writtenMap(lowering: Lowering, tensor: Tensor, block: number, { interleaved }: Layout): Value {
  return interleaved ? interleavedValue(tensor, block, interleaved) : lowering.define(tensor, { block });
}

/** Joins what a primitive wrote to the tensor that it is parts of; a whole map needs nothing. */
export function joinMap(lowering: Lowering, written: Value, tensor: Tensor, { interleaved }: Layout): void {
  if (!interleaved) return;
  emitCopy(lowering, lowering.define(tensor, { block: written.block }), written, interleaved, 'join');
}
