import type { Extents } from '../../image/letterbox.ts';
import type { Steps } from '../../scheduling/steps.ts';
import { GridClasses } from '../grid/grid-classes.ts';
import type { FaceGrid } from './face-grid.ts';

/** The labels of an image with several faces. */
export interface ComposedLabels extends Extents {
  /** One class id per pixel; 0, the background, outside of all squares. */
  readonly labels: Uint8Array;
  /** For each pixel, 1 + the index of the face that its label comes from; 0 outside of all squares. */
  readonly owners: Uint8Array;
}

/** Maximum number of faces, so that an owner fits in a byte. */
export const mostFaces = 254;

/**
 * Puts the labels of every face back on the image, in steps of one row.
 *
 * Where squares overlap, a face that sees something other than background has precedence, and of two such faces the one whose
 * middle is nearer in terms of its own size. The order of the faces is therefore irrelevant.
 */
export function* composeFacesSteps(grids: readonly FaceGrid[], size: Extents): Steps<ComposedLabels> {
  const { width, height } = size;
  const labels = new Uint8Array(width * height);
  const owners = new Uint8Array(width * height);
  for (const [index, grid] of grids.entries()) {
    const { data, shape } = grid.scores;
    const classes = yield* GridClasses.steps(grid.scores);
    const [, gridHeight, gridWidth] = shape;
    const plane = gridHeight * gridWidth;
    const rows = grid.rows(size);

    const labelAt = (x: number, y: number): number => {
      const cell = grid.moveTo(x, y);
      const [row, column] = [Math.trunc(cell / gridWidth), cell % gridWidth];
      const only = classes.onlyClass(row, column);
      if (only >= 0) return only;
      const candidates = classes.candidates(row, column);
      let best = candidates[0];
      let highest = grid.valueAt(data, best * plane, cell);
      for (let k = 1; k < candidates.length; k++) {
        const score = grid.valueAt(data, candidates[k] * plane, cell);
        if (score > highest) [best, highest] = [candidates[k], score];
      }
      return best;
    };

    for (let y = rows.from; y < rows.to; y++) {
      const { from, to } = grid.span(y, size);
      for (let x = from; x < to; x++) {
        const at = y * width + x;
        const label = labelAt(x, y);
        const owner = owners[at];
        if (owner > 0) {
          const [ahead, behind] = [labels[at] !== 0, label !== 0];
          if (ahead !== behind ? ahead : distance(grids[owner - 1], x, y) <= distance(grid, x, y)) continue;
        }
        labels[at] = label;
        owners[at] = index + 1;
      }
      yield;
    }
  }
  return { width, height, labels, owners };
}

/** The squared distance of a pixel from the middle of a face, in sides of its square. */
function distance({ framing }: FaceGrid, x: number, y: number): number {
  return ((x + 0.5 - framing.x) ** 2 + (y + 0.5 - framing.y) ** 2) / framing.side ** 2;
}
