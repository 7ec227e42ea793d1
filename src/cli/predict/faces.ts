import type { Box } from '../../image/letterbox.ts';
import type { CropPaths } from '../../node/save-prediction.ts';
import { type FaceMode, faceModes } from '../../parser/parse-options.ts';
import type { ClassArea } from '../../parser/result/class-areas.ts';
import type { ParsedFace } from '../../parser/result/parsed-face.ts';
import { FaceparseError } from '../../text/errors.ts';
import { joinWords } from '../../text/join-words.ts';
import { suggestName } from '../../text/similar-names.ts';

/** A face of a photo, for `--json`. Places are in pixels, rounded to tenths. */
export interface FaceSummary {
  readonly box: Box;
  readonly angle: number;
  readonly confidence: number;
  readonly landmarks: Readonly<Record<string, readonly [x: number, y: number]>>;
  /** The share of the photo of each class. */
  readonly areas: Readonly<Record<string, number>>;
  readonly crop?: CropPaths;
}

/** The mode that `--faces` names. @throws FaceparseError (exit code 2) */
export function faceModeOf(given = 'auto'): FaceMode {
  const mode = faceModes.find((known) => known === given);
  if (mode) return mode;
  const hint = suggestName(given, faceModes, `it takes ${joinWords(faceModes, 'or')}`);
  throw new FaceparseError(`--faces has no mode '${given.slice(0, 80)}'; ${hint}`, { exitCode: 2 });
}

/** Shares of the photo by class, to four digits. */
export function sharesOf(areas: readonly ClassArea[]): Record<string, number> {
  return Object.fromEntries(areas.map(({ name, share }) => [name, Number(share.toPrecision(4))]));
}

export function summarizeFace({ box, angle, confidence, landmarks, areas }: ParsedFace, crop?: CropPaths): FaceSummary {
  const places = Object.entries(landmarks).map(([name, { x, y }]) => [name, [tenths(x), tenths(y)]]);
  return {
    box: { x: tenths(box.x), y: tenths(box.y), width: tenths(box.width), height: tenths(box.height) },
    angle: tenths(angle),
    confidence: Number(confidence.toPrecision(3)),
    landmarks: Object.fromEntries(places),
    areas: sharesOf(areas),
    ...(crop && { crop }),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Lines about how many faces were found, and about photos without any. */
export function describeFaces(photos: readonly { readonly photo: string; readonly faceCount: number }[]): string[] {
  const without = photos.filter(({ faceCount }) => faceCount === 0);
  const several = photos.filter(({ faceCount }) => faceCount > 1);
  const lines: string[] = [];
  if (several.length > 0) {
    const counts = several.slice(0, 3).map(({ photo, faceCount }) => `${faceCount} in ${photo}`);
    const rest = several.length > 3 ? ` and ${several.length - 3} more photos` : '';
    lines.push(`several faces: ${counts.join(', ')}${rest}`);
  }
  if (without.length === 1) {
    lines.push(
      `no face found in ${without[0].photo}: its mask is all background; --faces whole parses the whole photo`,
    );
  } else if (without.length > 1) {
    lines.push(
      `no face found in ${without.length} photos, such as ${without[0].photo}: their masks are all background; ` +
        '--faces whole parses whole photos',
    );
  }
  return lines;
}
