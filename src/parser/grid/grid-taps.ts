import { type ResizeTap, resizeTaps } from '../../graph/ops/resize.ts';
import type { Box } from '../../image/letterbox.ts';
import type { ClassScores } from './grid-classes.ts';

/** Cells along an axis, and the part of them that spans the photo. */
interface Axis {
  readonly cells: number;
  readonly start: number;
  readonly length: number;
}

/** A grid of values, and the part of it that shows the photo; without `region`, all of it does. */
export type Grid = Pick<ClassScores, 'shape' | 'region'>;

/** The taps of the rows and of the columns of a bilinear resize between two grids of the same photo. */
export function gridTaps(from: Grid, to: Grid): { readonly rows: ResizeTap[]; readonly columns: ResizeTap[] } {
  return { rows: axisTaps(rowsOf(from), rowsOf(to)), columns: axisTaps(columnsOf(from), columnsOf(to)) };
}

/** The grid of an image's pixels. */
export function pixelGrid(height: number, width: number): Grid {
  return { shape: [1, height, width] };
}

function rowsOf({ shape: [, cells], region }: Grid): Axis {
  return { cells, start: region?.y ?? 0, length: region?.height ?? cells };
}

function columnsOf({ shape: [, , cells], region }: Grid): Axis {
  return { cells, start: region?.x ?? 0, length: region?.width ?? cells };
}

function isWhole({ cells, start, length }: Axis): boolean {
  return start === 0 && length === cells;
}

/** Positions outside of the cells take the value of the nearest one. */
function axisTaps(from: Axis, to: Axis): ResizeTap[] {
  if (isWhole(from) && isWhole(to)) return resizeTaps(from.cells, to.cells, 'bilinear');
  const last = from.cells - 1;
  return Array.from({ length: to.cells }, (_, index) => {
    const place = (index + 0.5 - to.start) / to.length;
    const position = Math.min(last, Math.max(0, from.start + place * from.length - 0.5));
    const low = Math.floor(position);
    return { low, high: Math.min(low + 1, last), fraction: position - low };
  });
}

/**
 * The grid without its padding: only cells whose centres lie in the photo remain, or the middle ones if there are none. Its
 * region is exactly what the photo spans, which need not be whole cells.
 *
 * @param box the part of the network input that shows the photo
 * @param size side of the network input in pixels
 */
export function cropGrid({ shape }: Pick<Grid, 'shape'>, box: Box, size: number): Grid {
  if (box.width === size && box.height === size) return { shape };
  const [classes, height, width] = shape;
  const [column, row] = [firstCell(box.x, size, width), firstCell(box.y, size, height)];
  const region = {
    x: (box.x * width) / size - column,
    y: (box.y * height) / size - row,
    width: (box.width * width) / size,
    height: (box.height * height) / size,
  };
  return { shape: [classes, height - 2 * row, width - 2 * column], region };
}

/** The scores without those of the padding, on the grid of `cropGrid`. */
export function cropScores(scores: ClassScores, box: Box, size: number): ClassScores {
  const grid = cropGrid(scores, box, size);
  if (!grid.region) return scores;
  const [classes, rows, columns] = grid.shape;
  const [, height, width] = scores.shape;
  const [column, row] = [(width - columns) / 2, (height - rows) / 2];
  const data = new Float32Array(classes * rows * columns);
  for (let line = 0; line < classes * rows; line++) {
    const start = (Math.floor(line / rows) * height + row + (line % rows)) * width + column;
    data.set(scores.data.subarray(start, start + columns), line * columns);
  }
  return { ...grid, data };
}

/** The first cell whose centre is at least `margin` pixels from the border, but not beyond the middle. */
function firstCell(margin: number, size: number, cells: number): number {
  return Math.min(Math.max(0, Math.ceil((margin * cells) / size - 0.5)), Math.floor((cells - 1) / 2));
}
