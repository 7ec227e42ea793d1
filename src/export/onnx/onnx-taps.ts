import type { OnnxBuilder } from '../../engine/onnx/lowering.ts';

/** ONNX element type number of float32 for Cast. */
const float32 = 1;

/** An axis of a resize. Values are built when they are used, in the order of their use. */
export interface TapsAxis {
  /** Number of source pixels, an int64 scalar. */
  readonly pixels: () => string;
  /** Target positions as a row of floats, counted from the first pixel of the resized photo. */
  readonly targets: () => string;
  /** Extent of the resized photo, a float scalar. */
  readonly side: () => string;
  /** Twice that. */
  readonly twice: () => string;
}

/** 0 to size − 1 as a row of floats. */
export function squareRange(builder: OnnxBuilder, size: number): string {
  const positions = Float32Array.from({ length: size }, (_, index) => index);
  return builder.floats(positions, [1, size], 'photo places');
}

/**
 * The weight of each of the source's pixels for each target position, as a matrix pixels×targets: area weights for
 * downsampling, half-pixel bilinear weights for upsampling.
 *
 * Everything is computed in integers, in units that divide a pixel of both sizes, and divided at the end. Boundaries in
 * single precision would be inaccurate enough to round one byte in a hundred differently.
 */
export function photoTaps(builder: OnnxBuilder, { pixels, targets, side, twice }: TapsAxis): string {
  const emit = builder.emit.bind(builder);
  const [zero, one] = [builder.float(0), builder.float(1)];
  const extent = emit('Cast', [pixels()], { to: float32 });
  const source = emit('Unsqueeze', [emit('Range', [zero, extent, one]), builder.int64s([1])]);
  const target = targets();

  // Units of 1/side of a source pixel, which are units of 1/extent of a target pixel.
  const begin = emit('Mul', [target, extent]);
  const start = emit('Mul', [source, side()]);
  const ends = emit('Min', [emit('Add', [begin, extent]), emit('Add', [start, side()])]);
  const covered = emit('Relu', [emit('Sub', [ends, emit('Max', [begin, start])])]);
  const share = emit('Div', [covered, extent]);

  // Half of these units, because the centres are halfway between.
  const last = emit('Mul', [emit('Sub', [extent, one]), twice()]);
  const centre = emit('Sub', [emit('Add', [emit('Mul', [begin, builder.float(2)]), extent]), side()]);
  const clamped = emit('Min', [emit('Max', [centre, zero]), last]);
  const distance = emit('Abs', [emit('Sub', [clamped, emit('Mul', [start, builder.float(2)])])]);
  const weight = emit('Relu', [emit('Sub', [one, emit('Div', [distance, twice()])])]);

  return emit('Where', [emit('Greater', [extent, side()]), share, weight]);
}
