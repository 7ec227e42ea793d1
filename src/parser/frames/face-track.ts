import { type FoundFace, mapLandmarks, type Point } from '../../faces/face.ts';
import { axesOf, type Framing, framingOf, wrapAngle } from '../../faces/framing.ts';
import type { Extents } from '../../image/letterbox.ts';
import { type FaceTarget, scaleTarget } from '../result/label-results.ts';
import { type FaceParts, framingOfParts, partsSeenFrom } from './face-parts.ts';
import type { FrameTime } from './frame-time.ts';
import { FramingFilter } from './framing-filter.ts';
import { corrected, moved, noMotion } from './motion.ts';
import { ScoreMemory } from './score-memory.ts';

/** Weight of the last detection in the places of the parts that a face is followed by. */
const anchorWeight = 0.5;

/** Distance, in sides, growth and turn in degrees beyond which a detection is believed rather than the labels. */
const far = { shift: 0.06, logSide: 0.1, angle: 8 };

/** One face over the frames of a video. */
export class FaceTrack {
  readonly memory = new ScoreMemory();
  readonly #filter: FramingFilter | undefined;
  /** The face as it was last detected, and its square at that time. */
  #detected: FaceTarget;
  /** The square of the face as last measured, and how it moves. */
  #measured: Framing;
  #motion = noMotion;
  #framing: Framing;
  #anchors: FaceParts | undefined;
  #detectedNow = true;
  /** Whether the labels of the last frame show where the face is, so that the next one needs no detection. */
  followed = false;
  /** The time in seconds at which a detection or labels have shown the face last. */
  seen: number;
  /** Consecutive detections without this face. */
  missed = 0;

  constructor(
    readonly id: number,
    face: FoundFace,
    smoothing: number,
    time: number,
  ) {
    this.#filter = smoothing > 0 ? new FramingFilter(smoothing) : undefined;
    this.#detected = { face, framing: framingOf(face.landmarks) };
    this.#measured = this.#detected.framing;
    this.#framing = this.#measured;
    this.seen = time;
  }

  /** The square to be expected some seconds after it was measured last. */
  expect(seconds: number): Framing {
    return this.followed ? moved(this.#measured, this.#motion, seconds) : this.#measured;
  }

  /** The face in the square of this frame, both steadied. */
  get target(): FaceTarget {
    const { face, framing } = this.#detected;
    return { face: moveFace(face, framing, this.#framing), framing: this.#framing, id: this.id };
  }

  /** Takes a detection in this frame. */
  detect(face: FoundFace, time: number): void {
    this.#detected = { face, framing: framingOf(face.landmarks) };
    this.#detectedNow = true;
    this.seen = time;
    this.missed = 0;
  }

  /**
   * Goes on to a frame, after its detections. Where labels show the face, they are followed: their places tremble less than those
   * of a detector. A detection corrects the places of the parts, or the square itself if it is far away.
   *
   * @param seconds since the frame before
   */
  advance(seconds: number): void {
    const expected = this.expect(seconds);
    const { framing } = this.#detected;
    const detected = this.#detectedNow && (!this.followed || isFar(expected, framing));
    if (detected) this.#motion = noMotion;
    this.#measured = detected ? framing : expected;
    this.#framing = this.#filter?.step(this.#measured, seconds) ?? this.#measured;
  }

  /** Measures where the face is in this frame by the parts that its labels show. */
  observe(parts: FaceParts, { time, seconds }: FrameTime): void {
    if (this.#detectedNow || !this.#anchors) {
      this.#anchors = blend(partsSeenFrom(parts, this.#framing, this.#detected.framing), this.#anchors);
      this.#detectedNow = false;
    }
    const measured = framingOfParts(parts, this.#anchors, this.#framing);
    this.followed = measured !== undefined;
    if (!measured) return;
    // The expected square has moved already; what it missed is what the motion lacks.
    if (seconds > 0) this.#motion = corrected(this.#motion, this.#measured, measured, seconds);
    this.#measured = measured;
    this.seen = time;
  }

  /** Forgets what must not be averaged with frames that come after a gap. */
  hide(): void {
    this.memory.clear();
    this.#filter?.reset();
    this.#motion = noMotion;
  }

  /** Goes on in frames of another size. */
  rescale(from: Extents, to: Extents): void {
    const { face } = this.#detected;
    const scale = (framing: Framing) => scaleTarget({ face, framing }, from, to).framing;
    this.#detected = scaleTarget(this.#detected, from, to);
    this.#measured = scale(this.#measured);
    this.#filter?.reset();
    this.#motion = noMotion;
    this.followed = false;
  }
}

/** Whether a detection says that a face is elsewhere: much farther than detections tremble. */
function isFar(expected: Framing, detected: Framing): boolean {
  return (
    Math.hypot(detected.x - expected.x, detected.y - expected.y) > far.shift * expected.side ||
    Math.abs(Math.log(detected.side / expected.side)) > far.logSide ||
    Math.abs(wrapAngle(detected.angle - expected.angle)) > far.angle
  );
}

/** Parts that a detection has just shown, where they were known already averaged with those of the detections before. */
function blend(now: FaceParts, before: FaceParts | undefined): FaceParts {
  if (!before) return now;
  return new Map(
    [...now].map(([id, part]) => {
      const old = before.get(id) ?? part;
      const mix = (a: number, b: number) => b + anchorWeight * (a - b);
      return [id, { u: mix(part.u, old.u), v: mix(part.v, old.v), share: mix(part.share, old.share) }] as const;
    }),
  );
}

/** Moves a face as its square has moved. */
function moveFace(face: FoundFace, from: Framing, to: Framing): FoundFace {
  const [axes, { right, down }] = [axesOf(from), axesOf(to)];
  const scale = to.side / from.side;
  const move = ({ x, y }: Point): Point => {
    const [dx, dy] = [x - from.x, y - from.y];
    const u = scale * (dx * axes.right.x + dy * axes.right.y);
    const v = scale * (dx * axes.down.x + dy * axes.down.y);
    return { x: to.x + u * right.x + v * down.x, y: to.y + u * right.y + v * down.y };
  };
  const { box, landmarks } = face;
  const middle = move({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  const [width, height] = [box.width * scale, box.height * scale];
  return {
    ...face,
    box: { x: middle.x - width / 2, y: middle.y - height / 2, width, height },
    angle: wrapAngle(face.angle + to.angle - from.angle),
    landmarks: mapLandmarks(landmarks, move),
  };
}
