import type { Extents } from '../../image/letterbox.ts';
import type { FaceGrid } from '../faces/face-grid.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import { pixelGrid } from '../grid/grid-taps.ts';
import { RowUpsampler } from '../grid/row-upsampler.ts';

/** A plane of values on the grid of a network: h×w values of `data` from `start`. */
export interface Plane {
  readonly data: Float32Array;
  readonly start: number;
}

/** Where the scores of an image lie: on one grid that spans it, or on one grid per face. */
export interface ScoreField {
  readonly grids: readonly ClassScores[];
  /**
   * Writes the values of row `y` of the image.
   *
   * @param planes one per grid
   * @param outside the value of pixels that lie on no grid
   */
  writeRow(planes: readonly Plane[], outside: number, y: number, target: Float32Array): void;
}

/** The field of an image that was parsed as a whole. */
export class WholeField implements ScoreField {
  readonly grids: readonly ClassScores[];
  readonly #upsampler: RowUpsampler;

  constructor(scores: ClassScores, { width, height }: Extents) {
    this.grids = [scores];
    this.#upsampler = new RowUpsampler(scores, pixelGrid(height, width));
  }

  writeRow([plane]: readonly Plane[], _outside: number, y: number, target: Float32Array): void {
    this.#upsampler.write(plane.data, plane.start, y, target);
  }
}

/** The field of an image whose faces were parsed one by one. */
export class FacesField implements ScoreField {
  readonly grids: readonly ClassScores[];

  /**
   * @param owners for each pixel of the image, 1 + the index of its face, or 0
   * @param only the index of the one face to show; default: all
   */
  constructor(
    private readonly faces: readonly FaceGrid[],
    private readonly owners: Uint8Array,
    private readonly width: number,
    private readonly only?: number,
  ) {
    this.grids = faces.map(({ scores }) => scores);
  }

  writeRow(planes: readonly Plane[], outside: number, y: number, target: Float32Array): void {
    const { faces, owners, width, only } = this;
    for (let x = 0; x < width; x++) {
      const index = owners[y * width + x] - 1;
      if (index < 0 || (only !== undefined && index !== only)) {
        target[x] = outside;
        continue;
      }
      const { data, start } = planes[index];
      target[x] = faces[index].valueAt(data, start, faces[index].moveTo(x, y));
    }
  }
}
