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

/** A new value for the interleaved maps of a tensor. */
export function interleavedValue(tensor: Tensor, block: number, by: Interleaving): Value {
  const shape = interleavedShape(tensor.shape, by);
  return { name: `interleaved ${tensor.node.op}`, shape, dtype: 'float32', block, role: 'computed' };
}

/** Splits a tensor into its interleaved maps. */
function splitMap(lowering: Lowering, tensor: Tensor, block: number, by: Interleaving): Value {
  const whole = lowering.use(tensor, block);
  const parts = interleavedValue(tensor, block, by);
  lowering.emit({
    kind: 'copies',
    label: `interleaved maps of ${whole.name}`,
    reads: [whole],
    writes: [parts],
    strided: [whole],
    fields: (at) => {
      const { extents, wholeStrides, partStrides } = interleavingCopy(whole, parts, by);
      const copy = { source: whole, target: parts, extents, sourceStrides: wholeStrides, targetStrides: partStrides };
      return { copies: copyFields([copy], at) };
    },
  });
  return parts;
}

/** A map that a primitive reads: whole, or split where the primitive works on interleaved maps. */
export function readMap(
  lowering: Lowering,
  tensor: Tensor,
  block: number,
  { interleaved }: { readonly interleaved?: Interleaving },
): Value {
  return interleaved ? splitMap(lowering, tensor, block, interleaved) : lowering.use(tensor, block);
}

/** Joins interleaved maps to the tensor that they are parts of. */
export function joinMap(lowering: Lowering, parts: Value, tensor: Tensor, by: Interleaving): void {
  const whole = lowering.define(tensor, { block: parts.block });
  lowering.emit({
    kind: 'copies',
    label: `whole map of ${parts.name}`,
    reads: [parts],
    writes: [whole],
    strided: [whole],
    fields: (at) => {
      const { extents, wholeStrides, partStrides } = interleavingCopy(whole, parts, by);
      const copy = { source: parts, target: whole, extents, sourceStrides: partStrides, targetStrides: wholeStrides };
      return { copies: copyFields([copy], at) };
    },
  });
}
