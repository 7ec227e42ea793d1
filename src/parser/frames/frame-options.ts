import { checkOptions } from '../../text/check-options.ts';
import { describeValue } from '../../text/describe-value.ts';
import { FaceparseError } from '../../text/errors.ts';
import { checkSharedOptions, type FaceMode, type ParseOptions } from '../parse-options.ts';

/** Options of `parseFrames`. */
export interface FrameOptions<Frame = unknown> extends Pick<ParseOptions, 'maxSide'> {
  /**
   * `every` follows the faces of the video, `whole` parses every frame as a whole. `auto`, the default, is `every` if the parser
   * has a detector.
   */
  readonly faces?: FaceMode;
  /** How much framing and labels are steadied over time: from 0, not at all, to 1; default 0.8. */
  readonly smoothing?: number;
  /**
   * Frames from one run of the detector to the next; default 5. In between, faces are followed by their labels. The detector
   * also runs at once if a face is lost or none is known.
   */
  readonly detectEvery?: number;
  /** Frames per second; default 30. Use `timeOf` if frames are not evenly spaced. */
  readonly fps?: number;
  /** The time of a frame in seconds. Default: by `fps`, or the clock if `live`. */
  readonly timeOf?: (frame: Frame, index: number) => number;
  /**
   * For cameras: takes a frame only when its result is asked for, so that no frame waits while another is parsed. Default false:
   * the next frame is decoded while one is parsed.
   */
  readonly live?: boolean;
  /** Ends the loop with an error when aborted, also while it waits for a frame. */
  readonly signal?: AbortSignal;
}

/** Values of options that are not given. */
export const frameDefaults = { smoothing: 0.8, detectEvery: 5, fps: 30, live: false } as const;

const known = ['faces', 'maxSide', 'smoothing', 'detectEvery', 'fps', 'timeOf', 'live', 'signal'];

/**
 * Checks options for callers without a type checker.
 *
 * @param finds whether the parser has a detector
 * @throws FaceparseError (exit code 2)
 */
export function checkFrameOptions(options: FrameOptions<never>, finds: boolean): void {
  checkOptions(options, known, 'parseFrames');
  checkSharedOptions(options, finds);
  const { smoothing, detectEvery, fps, timeOf, live } = options;
  if (smoothing !== undefined && !(typeof smoothing === 'number' && smoothing >= 0 && smoothing <= 1)) {
    throw wrong('smoothing', smoothing, 'a number from 0 to 1');
  }
  if (detectEvery !== undefined && !(Number.isInteger(detectEvery) && detectEvery >= 1)) {
    throw wrong('detectEvery', detectEvery, 'a positive integer');
  }
  if (fps !== undefined && !(Number.isFinite(fps) && fps > 0)) throw wrong('fps', fps, 'a positive number');
  if (timeOf !== undefined && typeof timeOf !== 'function') {
    throw wrong('timeOf', timeOf, 'a function that returns the time of a frame in seconds');
  }
  if (live !== undefined && typeof live !== 'boolean') throw wrong('live', live, 'true or false');
  if (fps !== undefined && (timeOf || live)) {
    throw new FaceparseError(`fps has no effect with ${timeOf ? 'timeOf' : 'live'}; leave one of them out`, {
      exitCode: 2,
    });
  }
}

function wrong(name: string, value: unknown, wanted: string): FaceparseError {
  const shown = typeof value === 'number' ? value : describeValue(value);
  return new FaceparseError(`${name} is ${shown}, but must be ${wanted}`, { exitCode: 2 });
}
