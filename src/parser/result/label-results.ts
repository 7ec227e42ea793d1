import { type FoundFace, mapLandmarks, type Point } from '../../faces/face.ts';
import { cornersOf, type Framing, framingOfPhoto } from '../../faces/framing.ts';
import type { Box, Extents } from '../../image/letterbox.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { runInSlices, type Steps } from '../../scheduling/steps.ts';
import { type ComposedLabels, composeFacesSteps } from '../faces/compose-faces.ts';
import { FaceGrid } from '../faces/face-grid.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import type { PixelKernels } from '../grid/kernels.ts';
import { classAreas } from './class-areas.ts';
import type { FaceParts, ResultParts } from './parse-result.ts';

/** A face, and the square around it that a network sees. */
export interface FaceTarget {
  readonly face: FoundFace;
  readonly framing: Framing;
  /** The number of the face in a video. */
  readonly id?: number;
}

/** A face with the scores of its square. */
export interface ScoredFace extends FaceTarget {
  readonly scores: ClassScores;
}

type Parts = Omit<ResultParts, 'timing'>;

/** The labels of an image that was parsed as a whole. */
export async function wholeResult(
  scores: ClassScores,
  { width, height }: Extents,
  labelSet: LabelSet,
  kernels: PixelKernels,
) {
  const { data, pixels } = await kernels.upsampledArgmax(scores, height, width);
  return { width, height, labels: data, areas: classAreas(pixels, width * height, labelSet), scores };
}

/** The face that a photo parsed as a whole shows: all pixels are its own. */
export function wholeFace(
  face: FoundFace,
  { width, height, labels, areas, scores }: Extents & Pick<FaceParts, 'labels' | 'areas' | 'scores'>,
): FaceParts {
  const size = { width, height };
  const place = { ...placeOf(face), id: undefined, framing: framingOfPhoto(size), region: { x: 0, y: 0, ...size } };
  return { ...place, labels, areas, scores };
}

/** The labels of an image whose faces were parsed one by one. */
export async function facesResult(faces: readonly ScoredFace[], size: Extents, labelSet: LabelSet): Promise<Parts> {
  const grids = faces.map(({ scores, framing }) => new FaceGrid(scores, framing));
  const composed = await runInSlices(composeFacesSteps(grids, size));
  const pixels = new Float64Array(256);
  const parts: FaceParts[] = [];
  for (const [index, { face, framing, id, scores }] of faces.entries()) {
    const region = boundsOf(framing, size);
    const own = await runInSlices(ownLabelsSteps(composed, index, region));
    own.pixels.forEach((count, id) => {
      pixels[id] += count;
    });
    const areas = classAreas(own.pixels, size.width * size.height, labelSet);
    parts.push({ ...placeOf(face), id, framing, region, labels: own.labels, areas, scores });
  }
  // Pixels outside of all squares, and background between the faces.
  pixels[0] = size.width * size.height - pixels.subarray(1).reduce((sum, count) => sum + count, 0);
  return {
    ...size,
    labels: composed.labels,
    areas: classAreas(pixels, size.width * size.height, labelSet),
    scores: undefined,
    faces: parts,
    composed: { grids, owners: composed.owners },
  };
}

/** A face found in a photo, on labels of another size. */
export function scaleTarget(target: FaceTarget, from: Extents, to: Extents): FaceTarget {
  const [sx, sy] = [to.width / from.width, to.height / from.height];
  if (sx === 1 && sy === 1) return target;
  const { face, framing } = target;
  const point = ({ x, y }: Point): Point => ({ x: x * sx, y: y * sy });
  return {
    ...target,
    face: {
      ...face,
      box: { ...point(face.box), width: face.box.width * sx, height: face.box.height * sy },
      landmarks: mapLandmarks(face.landmarks, point),
    },
    framing: { ...framing, ...point(framing), side: framing.side * Math.sqrt(sx * sy) },
  };
}

/** The size of the labels of an image. @param maxSide limit of the longest side */
export function labelSize({ width, height }: Extents, maxSide = Number.POSITIVE_INFINITY): Extents {
  const scale = Math.min(1, maxSide / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function placeOf({ box, angle, confidence, landmarks }: FoundFace): FoundFace {
  return { box, angle, confidence, landmarks };
}

/** The whole pixels of an image around a square. */
function boundsOf(framing: Framing, { width, height }: Extents): Box {
  const corners = cornersOf(framing);
  const along = (values: readonly number[], size: number) => {
    const from = Math.min(size, Math.max(0, Math.floor(Math.min(...values))));
    return [from, Math.max(0, Math.min(size, Math.ceil(Math.max(...values))) - from)];
  };
  const [x, w] = along(
    corners.map((corner) => corner.x),
    width,
  );
  const [y, h] = along(
    corners.map((corner) => corner.y),
    height,
  );
  return { x, y, width: w, height: h };
}

/** The labels of one face over its region, and its pixels by class, background not counted. In steps of one row. */
function* ownLabelsSteps(
  { labels, owners, width }: ComposedLabels,
  index: number,
  region: Box,
): Steps<{ labels: Uint8Array; pixels: Float64Array }> {
  const own = new Uint8Array(region.width * region.height);
  const pixels = new Float64Array(256);
  for (let y = 0; y < region.height; y++) {
    const start = (region.y + y) * width + region.x;
    for (let x = 0; x < region.width; x++) {
      if (owners[start + x] !== index + 1) continue;
      const id = labels[start + x];
      own[y * region.width + x] = id;
      if (id !== 0) pixels[id]++;
    }
    yield;
  }
  return { labels: own, pixels };
}
