import type { OnnxBuilder } from '../../engine/onnx/lowering.ts';
import type { OnnxElementType } from '../../formats/onnx-protobuf.ts';
import type { Preprocessing } from '../../image/preprocessing.ts';
import { roundingOffset } from '../../image/resize.ts';

/** ONNX element type numbers for Cast. */
const castTo = { float32: 1, uint8: 2 } as const;

/**
 * Builds the ONNX nodes for what image/preprocessing.ts and parser/argmax.ts do with a photo. The size of the photo is
 * known only when the model runs.
 */
export class OnnxPhoto {
  /** The shape of the photo, N×H×W×3, as a value. */
  private readonly shape: string;

  constructor(
    private readonly builder: OnnxBuilder,
    private readonly name: string,
    private readonly type: OnnxElementType,
  ) {
    this.shape = builder.emit('Shape', [name]);
  }

  /** The input of the network: N×3×size×size floats. */
  networkInput(preprocessing: Preprocessing): string {
    const { builder } = this;
    const { mean, std } = preprocessing;
    const floats = this.type === 'float32' ? this.name : builder.emit('Cast', [this.name], { to: castTo.float32 });
    const planes = builder.emit('Transpose', [floats], { perm: [0, 3, 1, 2] });
    const resized = this.resize(planes, preprocessing);
    const perChannel = (values: readonly number[], key: string) =>
      builder.floats(Float32Array.from(values), [1, 3, 1, 1], key);
    const scaled = builder.emit('Mul', [
      resized,
      perChannel(
        std.map((value) => 1 / (255 * value)),
        'photo factor',
      ),
    ]);
    return builder.emit('Sub', [
      scaled,
      perChannel(
        mean.map((value, channel) => value / std[channel]),
        'photo offset',
      ),
    ]);
  }

  /** Resizes the planes of the photo from N×3×H×W to N×3×size×size, rounded to integers. */
  private resize(planes: string, { resize, size }: Preprocessing): string {
    const { builder } = this;
    switch (resize) {
      case 'stretch-area-bilinear': {
        const narrowed = builder.emit('MatMul', [planes, this.taps(2, size)]);
        const rows = builder.emit('Transpose', [this.taps(1, size)], { perm: [1, 0] });
        const resized = builder.emit('MatMul', [rows, narrowed]);
        return builder.emit('Floor', [builder.emit('Add', [resized, builder.float(roundingOffset)])]);
      }
    }
  }

  /**
   * The class with the highest logit for each pixel of the photo, N×H×W bytes, from logits N×classes×h×w. Classes are
   * processed one by one, so that a large photo needs memory for a few planes instead of one per class. Ties go to the lower id.
   */
  labels(scores: string, classes: number): string {
    const { builder } = this;
    const emit = builder.emit.bind(builder);
    const part = (axis: number) => builder.slice(this.shape, [axis], [axis + 1], [0]);
    const sizes = emit('Concat', [part(0), builder.int64s([1]), part(1), part(2)], { axis: 0 });
    const upsampled = (id: number) =>
      emit('Resize', [builder.slice(scores, [id], [id + 1], [1]), '', '', sizes], {
        mode: 'linear',
        coordinate_transformation_mode: 'half_pixel',
      });
    let best = upsampled(0);
    let label = emit('Expand', [builder.uint8(0), sizes]);
    for (let id = 1; id < classes; id++) {
      const score = upsampled(id);
      label = emit('Where', [emit('Greater', [score, best]), builder.uint8(id), label]);
      best = emit('Max', [best, score]);
    }
    return emit('Squeeze', [label, builder.int64s([1])]);
  }

  /**
   * The weight of each of the extent's positions for each of `size` positions, as a matrix extent×size: area weights for
   * downsampling, half-pixel bilinear weights for upsampling.
   *
   * Everything is computed in integers, in units that divide a pixel of both sizes, and divided at the end. Boundaries in
   * single precision would be inaccurate enough to round one byte in a hundred differently.
   */
  private taps(axis: 1 | 2, size: number): string {
    const { builder } = this;
    const emit = builder.emit.bind(builder);
    const [zero, one] = [builder.float(0), builder.float(1)];
    const extent = emit('Cast', [emit('Gather', [this.shape, builder.int64(axis)])], { to: castTo.float32 });
    const source = emit('Unsqueeze', [emit('Range', [zero, extent, one]), builder.int64s([1])]);
    const target = builder.floats(
      Float32Array.from({ length: size }, (_, index) => index),
      [1, size],
      'photo places',
    );

    // Units of 1/size of a source pixel, which are units of 1/extent of a target pixel.
    const begin = emit('Mul', [target, extent]);
    const start = emit('Mul', [source, builder.float(size)]);
    const ends = emit('Min', [emit('Add', [begin, extent]), emit('Add', [start, builder.float(size)])]);
    const covered = emit('Relu', [emit('Sub', [ends, emit('Max', [begin, start])])]);
    const share = emit('Div', [covered, extent]);

    // Half of these units, because the centres are halfway between.
    const last = emit('Mul', [emit('Sub', [extent, one]), builder.float(2 * size)]);
    const centre = emit('Sub', [emit('Add', [emit('Mul', [begin, builder.float(2)]), extent]), builder.float(size)]);
    const clamped = emit('Min', [emit('Max', [centre, zero]), last]);
    const distance = emit('Abs', [emit('Sub', [clamped, emit('Mul', [start, builder.float(2)])])]);
    const weight = emit('Relu', [emit('Sub', [one, emit('Div', [distance, builder.float(2 * size)])])]);

    return emit('Where', [emit('Greater', [extent, builder.float(size)]), share, weight]);
  }
}
