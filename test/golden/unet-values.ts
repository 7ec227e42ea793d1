import { readFileSync } from 'node:fs';
import { decodeSafetensors, type StoredTensor } from '../../src/formats/safetensors.ts';
import { type Shape, sizeOf } from '../../src/graph/graph.ts';

/** What `unet.safetensors` holds; make.py says how each number comes about. */
export interface UnetGolden {
  readonly batch: number;
  readonly size: number;
  readonly classes: number;
  readonly block: number;
  readonly streams: { readonly images: number; readonly labels: number; readonly unseen: number };
  /** Sum and sum of absolute values. */
  readonly checksums: Readonly<Record<'images' | 'labels' | 'unseen', readonly [number, number]>>;
  readonly initial: Readonly<Record<string, InitialValues>>;
  readonly runs: Readonly<Record<'sgd' | 'adamw', GoldenRun>>;
}

interface InitialValues {
  readonly stream: number;
  readonly shape: Shape;
  readonly middle: number;
  readonly reach: number;
  readonly checksum: readonly [number, number];
}

interface GoldenRun {
  /** Loss of every step, before its update, in double precision. */
  readonly losses: readonly number[];
  /** Sum and sum of absolute values of every weight and running statistic after the last step. */
  readonly final: Readonly<Record<string, readonly [number, number]>>;
  /** Logits (classes×12×8) of the unseen image in evaluation mode: the pixel at (4, 4) of every 8×8 block. */
  readonly logits: StoredTensor;
}

/** The height and width of the unseen image. */
export const unseenSize = [96, 64] as const;

export function readUnetGolden(): UnetGolden {
  const { tensors, metadata } = decodeSafetensors(readFileSync(new URL('unet.safetensors', import.meta.url)));
  const golden = JSON.parse(metadata.golden) as UnetGolden;
  const withLogits = (name: 'sgd' | 'adamw') => ({ ...golden.runs[name], logits: tensors.get(`${name}/logits`)! });
  return { ...golden, runs: { sgd: withLogits('sgd'), adamw: withLogits('adamw') } };
}

/** The 32-bit number of a place in a stream: `hash32` of make.py. */
export function hash32(stream: number, index: number): number {
  let x = (Math.imul(index, 0x9e3779b1) + Math.imul(stream, 0x85ebca77) + 1) >>> 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = Math.imul(x, 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

/** middle ± reach, the same single-precision numbers as `uniform` of make.py. */
export function uniformValues(stream: number, count: number, middle: number, reach: number): Float32Array {
  return Float32Array.from(
    { length: count },
    (_, index) => middle + reach * ((hash32(stream, index) >>> 8) / 2 ** 23 - 1),
  );
}

/** The weights and running statistics that the runs start from, by name. */
export function initialState(golden: UnetGolden): Map<string, Float32Array> {
  return new Map(
    Object.entries(golden.initial).map(([name, { stream, shape, middle, reach }]) => [
      name,
      uniformValues(stream, sizeOf(shape), middle, reach),
    ]),
  );
}

/** The batch: images N×3×H×W. */
export function images({ streams, batch, size }: UnetGolden): Float32Array {
  return uniformValues(streams.images, batch * 3 * size * size, 0, 2);
}

/** The image for evaluation, 1×3×96×64. */
export function unseenImage({ streams }: UnetGolden): Float32Array {
  return uniformValues(streams.unseen, 3 * unseenSize[0] * unseenSize[1], 0, 2);
}

/** The labels N×H×W: one a block; 255 (ignored) where the hash modulo 23 is no class. */
export function labels({ streams, batch, size, block, classes }: UnetGolden): Int32Array {
  const side = size / block;
  return Int32Array.from({ length: batch * size * size }, (_, index) => {
    const column = Math.floor((index % size) / block);
    const row = Math.floor((Math.floor(index / size) % size) / block);
    const image = Math.floor(index / (size * size));
    const label = hash32(streams.labels, (image * side + row) * side + column) % 23;
    return label < classes ? label : 255;
  });
}

/** Sum and sum of absolute values. */
export function checksum(values: ArrayLike<number>): [number, number] {
  let sum = 0;
  let absolute = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    absolute += Math.abs(values[i]);
  }
  return [sum, absolute];
}
