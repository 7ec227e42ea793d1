import type { ResizeTap } from '../../graph/ops/resize.ts';
import { type Grid, gridTaps } from './grid-taps.ts';

/**
 * Resizes planes of height×width values bilinearly with half-pixel centres, one row at a time, because all upsampled
 * class scores together would be many times the size of the photo.
 *
 * @example
 * const upsampler = new RowUpsampler(scores, pixelGrid(photo.height, photo.width));
 * upsampler.write(logits, classId * 64 * 64, y, row);
 */
export class RowUpsampler {
  private readonly rows: readonly ResizeTap[];
  private readonly low: Int32Array;
  private readonly high: Int32Array;
  private readonly fraction: Float32Array;
  private readonly line: Float32Array;

  private readonly width: number;

  constructor(from: Grid, to: Grid) {
    const { rows, columns } = gridTaps(from, to);
    this.rows = rows;
    this.width = from.shape[2];
    this.low = Int32Array.from(columns, (tap) => tap.low);
    this.high = Int32Array.from(columns, (tap) => tap.high);
    this.fraction = Float32Array.from(columns, (tap) => tap.fraction);
    this.line = new Float32Array(this.width);
  }

  /** Writes output row `y` of the plane at offset `start` of `data` to the start of `target`. */
  write(data: Float32Array, start: number, y: number, target: Float32Array): void {
    const { width, low, high, fraction, line } = this;
    const row = this.rows[y];
    const upper = start + row.low * width;
    const lower = start + row.high * width;
    for (let x = 0; x < width; x++) line[x] = data[upper + x] + (data[lower + x] - data[upper + x]) * row.fraction;
    for (let x = 0; x < low.length; x++) {
      const left = line[low[x]];
      target[x] = left + (line[high[x]] - left) * fraction[x];
    }
  }
}
