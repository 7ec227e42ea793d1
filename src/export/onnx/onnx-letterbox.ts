import type { OnnxBuilder } from '../../engine/onnx/lowering.ts';
import { paddingValue } from '../../image/letterbox.ts';
import { roundingOffset } from '../../image/resize.ts';
import { photoTaps, squareRange } from './onnx-taps.ts';

/** ONNX element type number of float32 for Cast. */
const float32 = 1;

/** The extent of an axis of the photo, and of its margins and its content in the square. Floats unless said otherwise. */
interface LetterboxAxis {
  /** An int64 scalar. */
  readonly pixels: string;
  readonly margin: string;
  readonly content: string;
}

/** Builds the ONNX nodes for what image/letterbox.ts and parser/grid/grid-taps.ts do. Margins are known only when the model runs. */
export class OnnxLetterbox {
  private readonly rows: LetterboxAxis;
  private readonly columns: LetterboxAxis;

  /** @param shape N×H×W×3, the shape of the photo as a value */
  constructor(
    private readonly builder: OnnxBuilder,
    shape: string,
    private readonly size: number,
  ) {
    const [height, width] = [1, 2].map((axis) => builder.emit('Gather', [shape, builder.int64(axis)]));
    const longest = builder.emit('Max', [height, width]);
    this.rows = this.axis(height, longest);
    this.columns = this.axis(width, longest);
  }

  private axis(pixels: string, longest: string): LetterboxAxis {
    const { builder, size } = this;
    const emit = builder.emit.bind(builder);
    const missing = emit('Mul', [emit('Sub', [longest, pixels]), builder.int64(size)]);
    const rounded = emit('Div', [emit('Add', [missing, longest]), emit('Mul', [longest, builder.int64(2)])]);
    const margin = emit('Min', [rounded, builder.int64(Math.floor((size - 1) / 2))]);
    const content = emit('Sub', [builder.int64(size), emit('Mul', [margin, builder.int64(2)])]);
    const toFloat = (value: string) => emit('Cast', [value], { to: float32 });
    return { pixels, margin: toFloat(margin), content: toFloat(content) };
  }

  /** Fits the planes of the photo, N×3×H×W, into grey N×3×size×size, rounded to integers. */
  photo(planes: string): string {
    const { builder } = this;
    const emit = builder.emit.bind(builder);
    const [columns, rows] = [this.taps(this.columns), this.taps(this.rows)];
    const narrowed = emit('MatMul', [planes, columns.taps]);
    const resized = emit('MatMul', [emit('Transpose', [rows.taps], { perm: [1, 0] }), narrowed]);
    // The padding is 0 so far: its taps are.
    const rounded = emit('Floor', [emit('Add', [resized, builder.float(roundingOffset)])]);
    const inside = emit('MatMul', [emit('Transpose', [rows.inside], { perm: [1, 0] }), columns.inside]);
    const padding = emit('Mul', [emit('Sub', [builder.float(1), inside]), builder.float(paddingValue)]);
    return emit('Add', [rounded, padding]);
  }

  /** The taps of an axis, 0 in its margins, and a row of 1 for the places in the content and 0 for the others. */
  private taps({ pixels, margin, content }: LetterboxAxis): { readonly taps: string; readonly inside: string } {
    const { builder } = this;
    const emit = builder.emit.bind(builder);
    const targets = emit('Sub', [squareRange(builder, this.size), margin]);
    const [below, above] = [emit('Less', [targets, builder.float(0)]), emit('Less', [targets, content])];
    const inside = builder.toFloat(emit('And', [emit('Not', [below]), above]));
    const taps = photoTaps(builder, {
      pixels: () => pixels,
      targets: () => targets,
      side: () => content,
      twice: () => emit('Mul', [content, builder.float(2)]),
    });
    return { taps: emit('Mul', [taps, inside]), inside };
  }

  /**
   * Upsamples planes N×1×height×width of the network's grid to the size of the photo, without their padding: two products
   * with matrices of bilinear weights.
   */
  upsampler(height: number, width: number): (plane: string) => string {
    const rows = this.gridTaps(this.rows, height);
    const columns = this.builder.emit('Transpose', [this.gridTaps(this.columns, width)], { perm: [1, 0] });
    return (plane) => this.builder.emit('MatMul', [this.builder.emit('MatMul', [rows, plane]), columns]);
  }

  /** The weights of an axis's cells for every pixel of the photo, as a matrix pixels×cells. */
  private gridTaps({ pixels, margin, content }: LetterboxAxis, cells: number): string {
    const { builder } = this;
    const emit = builder.emit.bind(builder);
    const [zero, one, half] = [builder.float(0), builder.float(1), builder.float(0.5)];
    const perPixel = builder.float(cells / this.size);
    const start = emit('Mul', [margin, perPixel]);
    const inner = emit('Max', [emit('Ceil', [emit('Sub', [start, half])]), zero]);
    const first = emit('Min', [inner, builder.float(Math.floor((cells - 1) / 2))]);
    const last = emit('Sub', [builder.float(cells - 1), first]);
    const extent = emit('Cast', [pixels], { to: float32 });
    const places = emit('Add', [emit('Range', [zero, extent, one]), half]);
    const share = emit('Div', [emit('Mul', [content, perPixel]), extent]);
    const positions = emit('Sub', [emit('Add', [emit('Mul', [places, share]), start]), half]);
    const clamped = emit('Min', [emit('Max', [positions, first]), last]);
    const column = emit('Unsqueeze', [clamped, builder.int64s([1])]);
    const distance = emit('Abs', [emit('Sub', [column, squareRange(builder, cells)])]);
    return emit('Relu', [emit('Sub', [one, distance])]);
  }
}
