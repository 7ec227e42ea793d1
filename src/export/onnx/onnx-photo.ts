import type { OnnxBuilder } from '../../engine/onnx/lowering.ts';
import type { OnnxElementType } from '../../formats/onnx-protobuf.ts';
import type { Shape } from '../../graph/graph.ts';
import type { Preprocessing } from '../../image/preprocessing.ts';
import { roundingOffset } from '../../image/resize.ts';
import { OnnxLetterbox } from './onnx-letterbox.ts';
import { photoTaps, squareRange } from './onnx-taps.ts';

/** ONNX element type numbers for Cast. */
const castTo = { float32: 1, uint8: 2 } as const;

/**
 * Builds the ONNX nodes for what image/preprocessing.ts and parser/grid/argmax.ts do with a photo. The size of the photo is
 * known only when the model runs.
 */
export class OnnxPhoto {
  /** The shape of the photo, N×H×W×3, as a value. */
  private readonly shape: string;
  #letterbox: OnnxLetterbox | undefined;

  constructor(
    private readonly builder: OnnxBuilder,
    private readonly name: string,
    private readonly type: OnnxElementType,
  ) {
    this.shape = builder.emit('Shape', [name]);
  }

  private letterbox(size: number): OnnxLetterbox {
    this.#letterbox ??= new OnnxLetterbox(this.builder, this.shape, size);
    return this.#letterbox;
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
      case 'letterbox-area-bilinear':
        return this.letterbox(size).photo(planes);
    }
  }

  /**
   * The class with the highest logit for each pixel of the photo, N×H×W bytes, from logits of the given shape, N×classes×h×w. Classes are
   * processed one by one, so that a large photo needs memory for a few planes instead of one per class. Ties go to the lower id.
   */
  labels(scores: string, [, classes, height, width]: Shape, { resize, size }: Preprocessing): string {
    const { builder } = this;
    const emit = builder.emit.bind(builder);
    const part = (axis: number) => builder.slice(this.shape, [axis], [axis + 1], [0]);
    const sizes = emit('Concat', [part(0), builder.int64s([1]), part(1), part(2)], { axis: 0 });
    const plane = (id: number) => builder.slice(scores, [id], [id + 1], [1]);
    const resized = { mode: 'linear', coordinate_transformation_mode: 'half_pixel' };
    const enlarge =
      resize === 'letterbox-area-bilinear'
        ? this.letterbox(size).upsampler(height, width)
        : (value: string) => emit('Resize', [value, '', '', sizes], resized);
    const upsampled = (id: number) => enlarge(plane(id));
    let best = upsampled(0);
    let label = emit('Expand', [builder.uint8(0), sizes]);
    for (let id = 1; id < classes; id++) {
      const score = upsampled(id);
      label = emit('Where', [emit('Greater', [score, best]), builder.uint8(id), label]);
      best = emit('Max', [best, score]);
    }
    return emit('Squeeze', [label, builder.int64s([1])]);
  }

  /** The taps of an axis of the photo for a square of its own, as a matrix extent×size. */
  private taps(axis: 1 | 2, size: number): string {
    const { builder } = this;
    return photoTaps(builder, {
      pixels: () => builder.emit('Gather', [this.shape, builder.int64(axis)]),
      targets: () => squareRange(builder, size),
      side: () => builder.float(size),
      twice: () => builder.float(2 * size),
    });
  }
}
