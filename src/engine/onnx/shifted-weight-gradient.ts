import type { WeightGradientAttributes } from '../../graph/ops/convolution.ts';
import type { Four, LoweringCall, OnnxBuilder } from './lowering.ts';

/** One kernel position: its place in the weight, and the offset in its plane at which it starts to read. */
interface Tap {
  readonly index: number;
  readonly offset: number;
}

/** The input pixels that kernel positions of one remainder modulo the stride see, as rows of a common pitch. */
interface Plane {
  /** N×C×(rows·pitch). */
  readonly value: string;
  readonly taps: readonly Tap[];
}

interface Planes {
  readonly planes: readonly Plane[];
  readonly pitch: number;
  /** Elements of one plane of one channel. */
  readonly length: number;
}

/**
 * The padded input taken apart by remainders modulo the stride, so that each kernel position sees neighbouring elements
 * of one plane. Columns are sorted by a product with a selection matrix, which brings the padding along and is several
 * times faster than a Slice with steps.
 */
function splitPlanes(call: LoweringCall<WeightGradientAttributes>): Planes {
  const { builder, attributes, values, inputs } = call;
  const { stride, padding, dilation, shape } = attributes;
  const [n, channels, height, width] = inputs[1].shape as unknown as Four;
  const [, , kernelHeight, kernelWidth] = shape as unknown as Four;
  const pitch = Math.ceil((width + padding[1] + padding[3]) / stride[1]);
  // One more row of zeros lets the last copy run over the end of its image.
  const rows = Math.ceil((height + padding[0] + padding[2]) / stride[0]) + (kernelWidth > 1 ? 1 : 0);
  const below = rows * stride[0] - height - padding[0];
  let sorted = values[1];
  if (stride[1] === 1) {
    sorted = builder.pad(sorted, [0, 0, padding[0], padding[1]], [0, 0, below, padding[3]]);
  } else {
    const columns = stride[1] * pitch;
    const selection = new Float32Array(width * columns);
    for (let column = 0; column < width; column++) {
      const place = column + padding[1];
      selection[column * columns + (place % stride[1]) * pitch + Math.floor(place / stride[1])] = 1;
    }
    const key = `sorted columns ${stride[1]} ${padding[1]}`;
    sorted = builder.emit('MatMul', [sorted, builder.floats(selection, [width, columns], key)]);
    sorted = builder.pad(sorted, [0, 0, padding[0], 0], [0, 0, below, 0]);
  }
  const taps = new Map<string, Tap[]>();
  for (let a = 0; a < kernelHeight; a++) {
    for (let b = 0; b < kernelWidth; b++) {
      const top = a * dilation[0];
      const left = b * dilation[1];
      const key = `${top % stride[0]},${left % stride[1]}`;
      const offset = Math.floor(top / stride[0]) * pitch + Math.floor(left / stride[1]);
      taps.set(key, [...(taps.get(key) ?? []), { index: a * kernelWidth + b, offset }]);
    }
  }
  const whole = stride[0] === 1 && stride[1] === 1;
  const planes = [...taps].map(([key, planeTaps]): Plane => {
    const [row, column] = key.split(',').map(Number) as [number, number];
    const start = column * pitch;
    const part = whole
      ? sorted
      : builder.slice(sorted, [row, start], [rows * stride[0], start + pitch], [2, 3], [stride[0], 1]);
    return { value: builder.reshape(part, [n, channels, rows * pitch]), taps: planeTaps };
  });
  return { planes, pitch, length: rows * pitch };
}

/**
 * Copies of `value` (n×channels×length), one after the other, each in a window of `window` elements that starts with
 * `places[i]` zeros: n×(channels·copies)×window.
 */
function copies(
  builder: OnnxBuilder,
  value: string,
  [n, channels, length]: readonly [number, number, number],
  window: number,
  places: readonly number[],
): string {
  const pieces: string[] = [];
  let zeros = 0;
  const flush = () => {
    if (zeros > 0) pieces.push(builder.zeros([n, channels, zeros]));
    zeros = 0;
  };
  for (const place of places) {
    zeros += place;
    flush();
    pieces.push(value);
    zeros = window - place - length;
  }
  flush();
  const joined = pieces.length === 1 ? pieces[0] : builder.emit('Concat', pieces, { axis: 2 });
  return builder.reshape(joined, [n, channels * places.length, window]);
}

/**
 * The weight gradient as few large matrix products. The smaller of x and dy is laid out once for every kernel position,
 * each copy moved along by the distance at which that position reads, with zeros between; rows of both have the same
 * pitch, so that a move in two dimensions is a move along one. Serves every stride, padding and dilation, without
 * groups or depthwise.
 */
export function shiftedWeightGradient(call: LoweringCall<WeightGradientAttributes>, depthwise: boolean): string {
  const { builder, attributes, values, inputs } = call;
  const { shape } = attributes;
  const [filters, , kernelHeight, kernelWidth] = shape as unknown as Four;
  const [n, , dyHeight, dyWidth] = inputs[0].shape as unknown as Four;
  const channels = inputs[1].shape[1];
  const { planes, pitch, length } = splitPlanes(call);
  const pitched = builder.pad(values[0], [0, 0, 0, 0], [0, 0, 0, pitch - dyWidth]);
  const dyLength = dyHeight * pitch;
  const flat = builder.reshape(pitched, [n, filters, dyLength]);
  const order = planes.flatMap(({ taps }) => taps.map(({ index }) => index));
  const taps = kernelHeight * kernelWidth;
  /** Brings kernel positions from the order of the planes into that of the weight. */
  const inOrder = (value: string, axis: number) => {
    if (order.every((index, place) => index === place)) return value;
    const places = Array.from({ length: taps }, (_, index) => order.indexOf(index));
    return builder.emit('Gather', [value, builder.int64s(places)], { axis });
  };
  const joined = (parts: readonly string[], axis: number) =>
    parts.length === 1 ? parts[0] : builder.emit('Concat', parts, { axis });

  if (depthwise) {
    const parts = planes.map(({ value, taps: planeTaps }) => {
      const offsets = planeTaps.map(({ offset }) => offset);
      const moved = copies(builder, flat, [n, filters, dyLength], length, offsets);
      const rows = builder.reshape(value, [n * channels, 1, length]);
      const product = builder.matMul(
        rows,
        builder.reshape(moved, [n * filters, offsets.length, length]),
        false,
        true,
        3,
        3,
      );
      return builder.reduceSum(builder.reshape(product, [n, filters, offsets.length]), [0], false);
    });
    return builder.reshape(inOrder(joined(parts, 1), 1), shape);
  }
  if (filters <= channels) {
    const parts = planes.map(({ value, taps: planeTaps }) => {
      const offsets = planeTaps.map(({ offset }) => offset);
      const moved = copies(builder, flat, [n, filters, dyLength], length, offsets);
      const product = builder.matMul(moved, value, false, true, 3, 3);
      return builder.reshape(builder.reduceSum(product, [0], false), [filters, offsets.length, channels]);
    });
    return builder.reshape(builder.emit('Transpose', [inOrder(joined(parts, 1), 1)], { perm: [0, 2, 1] }), shape);
  }
  // The input moves instead, the other way: dy stands still at the largest offset.
  const last = Math.max(...planes.flatMap((plane) => plane.taps.map(({ offset }) => offset)));
  const window = last + length;
  const still = builder.pad(flat, [0, 0, last], [0, 0, window - last - dyLength]);
  const parts = planes.map(({ value, taps: planeTaps }) => {
    const places = planeTaps.map(({ offset }) => last - offset);
    const moved = copies(builder, value, [n, channels, length], window, places);
    const product = builder.matMul(still, moved, false, true, 3, 3);
    return builder.reshape(builder.reduceSum(product, [0], false), [filters, channels, places.length]);
  });
  return builder.reshape(inOrder(joined(parts, 2), 2), shape);
}
