import type { LabelMap, Photo } from '../image/image.ts';
import { latticeNoise } from './noise.ts';
import type { Point, Shape } from './shapes.ts';

/** A colour, 0–1 per channel. */
export type Rgb = readonly [number, number, number];

/** Writes the colour at a local point into `out`: red, green, blue, and opacity (1 when untouched). */
export type Shader = (x: number, y: number, distance: number, out: Float32Array) => void;

export function mix(a: Rgb, b: Rgb, t: number): Rgb {
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t];
}

export function scaleColor(color: Rgb, factor: number): Rgb {
  return [color[0] * factor, color[1] * factor, color[2] * factor];
}

export function setColor(out: Float32Array, color: Rgb, factor = 1): void {
  out[0] = color[0] * factor;
  out[1] = color[1] * factor;
  out[2] = color[2] * factor;
}

/** A rotated, scaled and shifted coordinate system; its origin is x = 0, y = 0 with the pivot at (0, pivotY). */
export class Frame {
  private readonly cos: number;
  private readonly sin: number;

  constructor(
    readonly roll: number,
    readonly scale: number,
    readonly pivotY: number,
    /** Position of the pivot in the image, 0–1. */
    readonly center: Point,
  ) {
    this.cos = Math.cos(roll);
    this.sin = Math.sin(roll);
  }

  toLocalX(x: number, y: number): number {
    return ((x - this.center[0]) * this.cos + (y - this.center[1]) * this.sin) / this.scale;
  }

  toLocalY(x: number, y: number): number {
    return (-(x - this.center[0]) * this.sin + (y - this.center[1]) * this.cos) / this.scale + this.pivotY;
  }

  toImage(x: number, y: number): Point {
    const lx = x * this.scale;
    const ly = (y - this.pivotY) * this.scale;
    return [this.center[0] + lx * this.cos - ly * this.sin, this.center[1] + lx * this.sin + ly * this.cos];
  }
}

export interface PaintOptions {
  readonly shade: Shader;
  /** Class id for pixels whose centre is inside; if omitted, only the photo changes. */
  readonly label?: number;
  /** Width of the soft edge in local units; 0 is one pixel. */
  readonly soft?: number;
  readonly opacity?: number;
  /** Paints only pixels with one of these class ids. */
  readonly onto?: readonly number[];
}

/** A square image and its label map, painted together so that the labels are exact. */
export class Canvas {
  private readonly color: Float32Array;
  readonly labels: Uint8Array;

  constructor(readonly size: number) {
    this.color = new Float32Array(size * size * 3);
    this.labels = new Uint8Array(size * size);
  }

  /** Paints every pixel, without a label; coordinates are 0–1. */
  fill(shade: (x: number, y: number, out: Float32Array) => void): void {
    const out = new Float32Array(4);
    for (let row = 0, i = 0; row < this.size; row++) {
      for (let column = 0; column < this.size; column++, i += 3) {
        shade((column + 0.5) / this.size, (row + 0.5) / this.size, out);
        this.color[i] = out[0]!;
        this.color[i + 1] = out[1]!;
        this.color[i + 2] = out[2]!;
      }
    }
  }

  paint(frame: Frame, shape: Shape, options: PaintOptions): void {
    const { size } = this;
    const { shade, label, soft = 0, opacity = 1, onto } = options;
    const pixel = 1 / (size * frame.scale);
    const edge = Math.max(pixel, soft);
    const [left, top, right, bottom] = shape.bounds;
    const corners = [
      frame.toImage(left - edge, top - edge),
      frame.toImage(right + edge, top - edge),
      frame.toImage(left - edge, bottom + edge),
      frame.toImage(right + edge, bottom + edge),
    ];
    const low = (k: 0 | 1) => Math.max(0, Math.floor(Math.min(...corners.map((corner) => corner[k])) * size));
    const high = (k: 0 | 1) => Math.min(size, Math.ceil(Math.max(...corners.map((corner) => corner[k])) * size));
    const [firstColumn, endColumn, firstRow, endRow] = [low(0), high(0), low(1), high(1)];
    const out = new Float32Array(4);
    for (let row = firstRow; row < endRow; row++) {
      for (let column = firstColumn; column < endColumn; column++) {
        const i = row * size + column;
        if (onto !== undefined && !onto.includes(this.labels[i])) continue;
        const px = (column + 0.5) / size;
        const py = (row + 0.5) / size;
        const x = frame.toLocalX(px, py);
        const y = frame.toLocalY(px, py);
        const distance = shape.distance(x, y);
        if (distance >= edge / 2) continue;
        out[3] = 1;
        shade(x, y, distance, out);
        let cover = Math.min(1, 0.5 - distance / edge);
        if (soft > pixel) cover = cover * cover * (3 - 2 * cover);
        const alpha = cover * opacity * out[3];
        for (let k = 0; k < 3; k++) {
          const before = this.color[i * 3 + k];
          this.color[i * 3 + k] = before + (out[k] - before) * alpha;
        }
        if (label !== undefined && distance < 0) this.labels[i] = label;
      }
    }
  }

  /** Darkens softly inside the shape moved by `shift` (local units): a cast shadow. */
  shadow(frame: Frame, shape: Shape, shift: Point, soft: number, strength: number, onto?: readonly number[]): void {
    const [left, top, right, bottom] = shape.bounds;
    const moved: Shape = {
      bounds: [left + shift[0], top + shift[1], right + shift[0], bottom + shift[1]],
      distance: (x, y) => shape.distance(x - shift[0], y - shift[1]),
    };
    const shade: Shader = (_x, _y, _distance, out) => {
      out[0] = 0.16;
      out[1] = 0.06;
      out[2] = 0.05;
    };
    this.paint(frame, moved, { shade, soft, opacity: strength, onto });
  }

  /**
   * The finished photo: blur (sigma as a share of the size), a gain per channel, a vignette, and grain (standard
   * deviation as a share of white).
   */
  finish(look: { blur: number; gain: Rgb; vignette: number; grain: number; seed: number }): Photo {
    const { size } = this;
    const blurred = blurRgb(this.color, size, look.blur * size);
    const data = new Uint8Array(size * size * 3);
    for (let row = 0, i = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const x = (column + 0.5) / size - 0.5;
        const y = (row + 0.5) / size - 0.5;
        const light = 1 - look.vignette * (x * x + y * y) * 2;
        // The sum of two uniform numbers is close enough to a normal one for grain.
        const grain = (latticeNoise(column, row, look.seed) + latticeNoise(column, row, look.seed + 1) - 1) * 2.45;
        for (let k = 0; k < 3; k++, i++) {
          const colored = (latticeNoise(column + 7919 * (k + 1), row, look.seed) - 0.5) * look.grain;
          const value = blurred[i] * light * look.gain[k] + grain * look.grain + colored;
          data[i] = Math.round(Math.min(1, Math.max(0, value)) * 255);
        }
      }
    }
    return { width: size, height: size, data };
  }

  labelMap(): LabelMap {
    return { width: this.size, height: this.size, data: this.labels };
  }
}

function blurRgb(source: Float32Array, size: number, sigma: number): Float32Array {
  if (sigma < 0.2) return source;
  const radius = Math.ceil(sigma * 2.5);
  const kernel = Array.from({ length: 2 * radius + 1 }, (_, i) => Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)));
  const sum = kernel.reduce((a, b) => a + b);
  const pass = (from: Float32Array, step: number, along: (row: number, column: number) => number): Float32Array => {
    const to = new Float32Array(from.length);
    for (let row = 0; row < size; row++) {
      for (let column = 0; column < size; column++) {
        const place = (row * size + column) * 3;
        const position = along(row, column);
        for (let t = -radius; t <= radius; t++) {
          const clamped = Math.min(size - 1, Math.max(0, position + t)) - position;
          const weight = kernel[t + radius] / sum;
          for (let k = 0; k < 3; k++) to[place + k] += from[place + clamped * step + k] * weight;
        }
      }
    }
    return to;
  };
  return pass(
    pass(source, 3, (_row, column) => column),
    size * 3,
    (row) => row,
  );
}
