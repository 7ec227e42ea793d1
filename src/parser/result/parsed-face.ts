import type { FaceLandmarks, FoundFace } from '../../faces/face.ts';
import type { Framing } from '../../faces/framing.ts';
import type { LabelMap } from '../../image/image.ts';
import type { Box } from '../../image/letterbox.ts';
import type { ClassChoice } from '../../labels/find-class.ts';
import { checkOptions } from '../../text/check-options.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import type { AlphaMask, MaskOptions } from './alpha-mask.ts';
import type { ClassArea } from './class-areas.ts';

type FaceParts = Omit<ParsedFace, 'labelMap' | 'mask'>;

/**
 * A parsed face. All places are in pixels of the labels; these are the pixels of the photo unless `maxSide` made the labels
 * smaller.
 *
 * @example
 * const { faces } = await parser.parse('party.jpg');
 * for (const face of faces) console.log(face.box, face.angle, face.areas[0].name);
 */
export class ParsedFace implements FoundFace {
  /** The same number for the same face in all frames of a video, from 1; only from `FaceParser.parseFrames`. */
  readonly id: number | undefined;
  /** From the forehead to the chin, without the hair. Parts may lie outside of the photo. */
  readonly box: Box;
  /** Degrees from -180 to 180 by which the head is turned clockwise; 0 is upright. */
  readonly angle: number;
  /** Confidence of the detector, 0 to 1. */
  readonly confidence: number;
  readonly landmarks: FaceLandmarks;
  /** The turned square that the network saw; for a photo that was parsed as a whole, the photo. */
  readonly framing: Framing;
  /** The rectangle of `labels`: the part of the photo in which the face has pixels. */
  readonly region: Box;
  /** The class ids of this face over its region; 0 where the pixel is background or belongs to another face. */
  readonly labels: Uint8Array;
  /** The classes of this face, largest first. Shares are of the whole photo. */
  readonly areas: readonly ClassArea[];
  /** Scores C×h×w on the grid of the square, as of `ParseResult.scores`. */
  readonly scores: ClassScores;
  readonly #mask: (classes: ClassChoice | undefined, soft: boolean) => Promise<AlphaMask>;

  /** @internal Faces come from `FaceParser.parse`. */
  constructor(parts: FaceParts, mask: (classes: ClassChoice | undefined, soft: boolean) => Promise<AlphaMask>) {
    this.id = parts.id;
    this.box = parts.box;
    this.angle = parts.angle;
    this.confidence = parts.confidence;
    this.landmarks = parts.landmarks;
    this.framing = parts.framing;
    this.region = parts.region;
    this.labels = parts.labels;
    this.areas = parts.areas;
    this.scores = parts.scores;
    this.#mask = mask;
  }

  /** The labels of the region as a label map. */
  get labelMap(): LabelMap {
    return { width: this.region.width, height: this.region.height, data: this.labels };
  }

  /**
   * The mask of this face at the size of the whole photo; soft by default, as of `ParseResult.mask`.
   *
   * @param classes names or ids; default: all but the background (id 0)
   * @throws FaceparseError (exit code 2) for a class outside the label set
   */
  async mask(classes?: ClassChoice, options: MaskOptions = {}): Promise<AlphaMask> {
    checkOptions(options, ['soft'], 'mask');
    return this.#mask(classes, options.soft ?? true);
  }
}
