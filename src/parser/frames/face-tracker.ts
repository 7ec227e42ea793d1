import type { FaceFinder } from '../../faces/face.ts';
import { framingOf } from '../../faces/framing.ts';
import type { Photo } from '../../image/image.ts';
import type { Extents } from '../../image/letterbox.ts';
import { mostFaces } from '../faces/compose-faces.ts';
import { FaceTrack } from './face-track.ts';
import type { FrameTime } from './frame-time.ts';
import { matchFaces } from './match-faces.ts';

/** Settings of a tracker. */
export interface TrackerSettings {
  /** Frames from one detection to the next while all faces are followed by their labels. */
  readonly detectEvery: number;
  /** 0 to 1. */
  readonly smoothing: number;
}

/** Seconds for which a face that is no longer seen keeps its id. */
const memorySeconds = 0.5;

/** Detections in a row that may miss a face whose labels still show it. */
const mostMissed = 5;

/**
 * Follows the faces of a video.
 *
 * A detector runs on the first frame and on every n-th one, and at once where a face has been lost or there is none. In between,
 * the parts that the labels of the last frame show give the places.
 */
export class FaceTracker {
  #tracks: FaceTrack[] = [];
  #created = 0;
  #sinceDetection = Number.POSITIVE_INFINITY;
  #size: Extents | undefined;

  constructor(private readonly settings: TrackerSettings) {}

  /**
   * The faces to parse in a frame, those that have been there for longest first.
   *
   * @param time of the frame in seconds
   * @param seconds since the frame before
   */
  async next(photo: Photo, { time, seconds }: FrameTime, detect: FaceFinder['detect']): Promise<readonly FaceTrack[]> {
    this.resize(photo);
    this.#sinceDetection++;
    if (this.needsDetection()) {
      const found = (await detect(photo)).slice(0, mostFaces);
      this.#sinceDetection = 0;
      const owners = matchFaces(
        this.#tracks.map((track) => track.expect(seconds)),
        found.map(({ landmarks }) => framingOf(landmarks)),
      );
      for (const track of this.#tracks) track.missed++;
      const known = [...this.#tracks];
      for (const [index, face] of found.entries()) {
        if (owners[index] >= 0) known[owners[index]].detect(face, time);
        else this.#tracks.push(new FaceTrack(++this.#created, face, this.settings.smoothing, time));
      }
    }
    this.#tracks = this.#tracks.filter(({ seen, missed }) => time - seen <= memorySeconds && missed <= mostMissed);
    const shown = this.#tracks.filter(({ missed, followed }) => missed === 0 || followed).slice(0, mostFaces);
    for (const track of this.#tracks) if (!shown.includes(track)) track.hide();
    for (const track of shown) track.advance(seconds);
    return shown;
  }

  /** Forgets all faces, as at a jump in time. Ids are not given again. */
  clear(): void {
    this.#tracks = [];
  }

  private needsDetection(): boolean {
    const tracks = this.#tracks;
    if (tracks.length === 0 || this.#sinceDetection >= this.settings.detectEvery) return true;
    return tracks.some(({ followed, missed }) => !followed || missed > 0);
  }

  private resize({ width, height }: Extents): void {
    const before = this.#size;
    this.#size = { width, height };
    if (!before || (before.width === width && before.height === height)) return;
    for (const track of this.#tracks) track.rescale(before, this.#size);
  }
}
