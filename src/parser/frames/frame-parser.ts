import type { FaceFinder } from '../../faces/face.ts';
import type { Photo } from '../../image/image.ts';
import type { Extents } from '../../image/letterbox.ts';
import { isRawImage } from '../../image/raw-image.ts';
import type { LabelSet } from '../../labels/label-set.ts';
import { runInSlices } from '../../scheduling/steps.ts';
import type { ClassScores } from '../grid/grid-classes.ts';
import type { PixelKernels } from '../grid/kernels.ts';
import { facesResult, labelSize, type ScoredFace, scaleTarget, wholeResult } from '../result/label-results.ts';
import { ParseResult } from '../result/parse-result.ts';
import type { Stopwatch } from '../result/stopwatch.ts';
import type { ViewScorer } from '../view-scorer.ts';
import { compactClassesOf, facePartsSteps } from './face-parts.ts';
import { FaceTracker } from './face-tracker.ts';
import { type FrameOptions, frameDefaults } from './frame-options.ts';
import type { FrameTime } from './frame-time.ts';
import { ScoreMemory } from './score-memory.ts';
import { viewPictureSteps } from './view-picture.ts';

/** Weight of the past at full smoothing, per frame at 30 frames per second, where nothing moves. */
const [mostPast, referenceRate] = [0.95, 30];

/** What the frames of a video share with other images. */
export interface FrameParts {
  readonly scorer: ViewScorer;
  readonly detector: FaceFinder | undefined;
  readonly labelSet: LabelSet;
  readonly kernels: PixelKernels;
}

/** A photo whose pixels do not change with the frame that it was made of. */
export function ownPixels(photo: Photo, frame: unknown): Photo {
  const shared = isRawImage(frame) && frame.data.buffer === photo.data.buffer;
  return shared ? { ...photo, data: photo.data.slice() } : photo;
}

/** Parses the frames of one video in order. */
export class FrameParser {
  readonly #parts: FrameParts;
  readonly #maxSide: number | undefined;
  readonly #smoothing: number;
  readonly #tracker: FaceTracker | undefined;
  readonly #compact: readonly number[];
  readonly #whole = new ScoreMemory();
  #time: number | undefined;

  constructor(parts: FrameParts, options: Omit<FrameOptions, 'timeOf'>) {
    const { faces, maxSide, smoothing = frameDefaults.smoothing, detectEvery = frameDefaults.detectEvery } = options;
    this.#parts = parts;
    this.#maxSide = maxSide;
    this.#smoothing = smoothing;
    this.#tracker = parts.detector && faces !== 'whole' ? new FaceTracker({ detectEvery, smoothing }) : undefined;
    this.#compact = compactClassesOf(parts.labelSet);
  }

  /**
   * Parses the next frame; the one before must have ended.
   *
   * @param time in seconds
   */
  async parse(photo: Photo, time: number, watch: Stopwatch, signal: AbortSignal): Promise<ParseResult> {
    const at = this.advance(time);
    const size = labelSize(photo, this.#maxSide);
    const parts = this.#tracker
      ? await this.parseFaces(photo, size, this.#tracker, at, watch, signal)
      : await this.parseWhole(photo, size, at, watch);
    return new ParseResult({ ...parts, timing: watch.timing }, this.#parts.labelSet);
  }

  private async parseWhole(photo: Photo, size: Extents, { seconds }: FrameTime, watch: Stopwatch) {
    const scores = await this.score(photo, undefined, this.#whole, seconds, watch);
    const { labelSet, kernels } = this.#parts;
    return watch.time('postprocess', () => wholeResult(scores.steady, size, labelSet, kernels));
  }

  private async parseFaces(
    photo: Photo,
    size: Extents,
    tracker: FaceTracker,
    at: FrameTime,
    watch: Stopwatch,
    signal: AbortSignal,
  ) {
    const { detector, labelSet } = this.#parts;
    const tracks = await tracker.next(photo, at, (frame) =>
      watch.time('detect', async () => (await detector?.detect(frame, { signal })) ?? []),
    );
    const scored: ScoredFace[] = [];
    for (const track of tracks) {
      signal.throwIfAborted();
      const { target } = track;
      const { fresh, steady } = await this.score(photo, target.framing, track.memory, at.seconds, watch);
      scored.push({ ...scaleTarget(target, photo, size), scores: steady });
      await watch.time('postprocess', async () => {
        track.observe(await runInSlices(facePartsSteps(fresh, this.#compact)), at);
      });
    }
    return watch.time('postprocess', () => facesResult(scored, size, labelSet));
  }

  /** The scores of a view, and those averaged over time. */
  private async score(
    photo: Photo,
    framing: ScoredFace['framing'] | undefined,
    memory: ScoreMemory,
    seconds: number,
    watch: Stopwatch,
  ): Promise<{ readonly fresh: ClassScores; readonly steady: ClassScores }> {
    const { scorer } = this.#parts;
    const view = await scorer.prepare(photo, framing, watch);
    if (this.#smoothing === 0) {
      const scores = await scorer.score(view, watch);
      return { fresh: scores, steady: scores };
    }
    const [{ preprocessing }] = scorer.networks;
    const picture = await watch.time('postprocess', () =>
      // Before the network runs, which may overwrite its input.
      runInSlices(viewPictureSteps(view.inputs[0], view, preprocessing)),
    );
    const fresh = await scorer.score(view, watch);
    const weight = (mostPast * this.#smoothing) ** (seconds * referenceRate);
    const steady = await watch.time('postprocess', () => runInSlices(memory.addSteps(fresh, picture, weight)));
    return { fresh, steady };
  }

  /** Goes on to the time of a frame. Where time runs backwards, as in a video that begins again, the past is forgotten. */
  private advance(time: number): FrameTime {
    const seconds = this.#time === undefined ? 0 : time - this.#time;
    this.#time = time;
    if (seconds >= 0) return { time, seconds };
    this.#tracker?.clear();
    this.#whole.clear();
    return { time, seconds: 0 };
  }
}
