import { type Framing, wrapAngle } from '../../faces/framing.ts';

/** How a square moves, per second. */
export interface Motion {
  readonly x: number;
  readonly y: number;
  readonly logSide: number;
  readonly angle: number;
}

export const noMotion: Motion = { x: 0, y: 0, logSide: 0, angle: 0 };

/** Part of an error in the expected place by which the motion is corrected. */
const correction = 0.5;

/** A square after some seconds of a motion. */
export function moved({ x, y, side, angle }: Framing, motion: Motion, seconds: number): Framing {
  return {
    x: x + seconds * motion.x,
    y: y + seconds * motion.y,
    side: side * Math.exp(seconds * motion.logSide),
    angle: wrapAngle(angle + seconds * motion.angle),
  };
}

/** A motion corrected by the difference between an expected square and the measured one. */
export function corrected(motion: Motion, expected: Framing, measured: Framing, seconds: number): Motion {
  const weight = correction / seconds;
  return {
    x: motion.x + weight * (measured.x - expected.x),
    y: motion.y + weight * (measured.y - expected.y),
    logSide: motion.logSide + weight * Math.log(measured.side / expected.side),
    angle: motion.angle + weight * wrapAngle(measured.angle - expected.angle),
  };
}
