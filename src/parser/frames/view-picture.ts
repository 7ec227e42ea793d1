import type { Extents } from '../../image/letterbox.ts';
import { contentBox, type Preprocessing } from '../../image/preprocessing.ts';
import type { Steps } from '../../scheduling/steps.ts';

/** Pixels of the network input along a side of a block. */
const blockSide = 4;

/** A small copy of what a network sees: mean colours of blocks, from 0 to 255 plus a constant. */
export interface ViewPicture {
  readonly rows: number;
  readonly columns: number;
  /** 3×rows×columns. */
  readonly data: Float32Array;
}

/**
 * Shrinks a network input to blocks of 4×4 pixels, in which the noise of a camera has mostly averaged out. Padding is left
 * out. In steps of one row of blocks.
 */
export function* viewPictureSteps(
  input: Float32Array,
  view: Extents,
  { size, resize, std }: Preprocessing,
): Steps<ViewPicture> {
  const box = contentBox(view, { size, resize });
  const columns = Math.max(1, Math.floor(box.width / blockSide));
  const rows = Math.max(1, Math.floor(box.height / blockSide));
  const across = Math.min(blockSide, box.width);
  const along = Math.min(blockSide, box.height);
  const data = new Float32Array(3 * rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let c = 0; c < 3; c++) {
      const gain = (255 * std[c]) / (across * along);
      for (let column = 0; column < columns; column++) {
        let sum = 0;
        for (let y = 0; y < along; y++) {
          const start = (c * size + box.y + row * blockSide + y) * size + box.x + column * blockSide;
          for (let x = start; x < start + across; x++) sum += input[x];
        }
        data[(c * rows + row) * columns + column] = sum * gain;
      }
    }
    yield;
  }
  return { rows, columns, data };
}

/**
 * Mean differences of colour, in levels of 255, up to which a block is still, and from which on it has moved. The noise of a
 * camera, five levels per pixel, gives about one.
 */
const noise = { still: 2.5, moved: 6 };

/**
 * How still each block is, from 0 to 1, by the mean difference over it and its neighbours: the border of something that moves
 * reaches into them, and the noise of single blocks evens out.
 */
export function stillness(picture: ViewPicture, past: ViewPicture): Float32Array {
  const { rows, columns, data } = picture;
  const blocks = rows * columns;
  const changes = new Float32Array(blocks);
  for (let i = 0; i < blocks; i++) {
    let sum = 0;
    for (let at = i; at < 3 * blocks; at += blocks) sum += Math.abs(data[at] - past.data[at]);
    changes[i] = sum / 3;
  }
  const result = new Float32Array(blocks);
  for (let row = 0; row < rows; row++) {
    const [top, bottom] = [Math.max(0, row - 1), Math.min(rows - 1, row + 1)];
    for (let column = 0; column < columns; column++) {
      const [left, right] = [Math.max(0, column - 1), Math.min(columns - 1, column + 1)];
      let sum = 0;
      for (let y = top; y <= bottom; y++) for (let x = left; x <= right; x++) sum += changes[y * columns + x];
      const mean = sum / ((bottom - top + 1) * (right - left + 1));
      result[row * columns + column] = Math.min(1, Math.max(0, (noise.moved - mean) / (noise.moved - noise.still)));
    }
  }
  return result;
}

/** Mixes the past into a picture, by a weight per block. */
export function mixPictures(picture: ViewPicture, past: ViewPicture, weights: Float32Array): ViewPicture {
  const { data } = picture;
  const blocks = weights.length;
  const mixed = data.map((value, i) => value + weights[i % blocks] * (past.data[i] - value));
  return { ...picture, data: mixed };
}
