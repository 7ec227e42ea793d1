import { type Framing, wrapAngle } from '../../faces/framing.ts';
import { OneEuroFilter } from './one-euro-filter.ts';

/**
 * Cutoff in hertz of a face that stands still at full smoothing, and its rise per side of the square (or unit of log side, or
 * radian) per second. A face that moves steadily is at most 1 / (2π · beta) = 1 % of the side behind.
 */
const [stillCutoff, beta] = [0.4, 16];

/**
 * By how much a face may leave the middle of its square, grow or turn (in radians) before the square follows, at full smoothing:
 * the square of a face that stands still then does not move at all. A network that sees the same pixels with a little noise
 * gives far steadier labels than one whose square trembles.
 */
const play = { shift: 0.012, logSide: 0.02, angle: 0.025 };

/** A jump by more than this part of the side, or a change of size by more than this factor, is not smoothed. */
const jump = { shift: 0.3, scale: 1.35 };

/** Steadies the square of one face over time: its centre in terms of its side, the logarithm of its side, and its angle. */
export class FramingFilter {
  #center: OneEuroFilter;
  #logSide: OneEuroFilter;
  #angle: OneEuroFilter;
  #last: Framing | undefined;

  /** @param smoothing above 0, at most 1 */
  constructor(private readonly smoothing: number) {
    [this.#center, this.#logSide, this.#angle] = this.filters();
  }

  /** @param seconds since the measurement before it */
  step(measured: Framing, seconds: number): Framing {
    if (this.#last && isJump(this.#last, measured)) this.reset();
    const last = this.#last;
    // An angle near the last one, so that a turn past 180° is no turn back.
    const turns = last ? Math.round((last.angle - measured.angle) / 360) : 0;
    const [x, y] = this.#center.step([measured.x, measured.y], seconds, measured.side);
    const [logSide] = this.#logSide.step([Math.log(measured.side)], seconds);
    const [angle] = this.#angle.step([toRadians(measured.angle + 360 * turns)], seconds);
    this.#last = last
      ? this.follow(last, { x, y, logSide, angle })
      : { x, y, side: Math.exp(logSide), angle: toDegrees(angle) };
    return { ...this.#last, angle: wrapAngle(this.#last.angle) };
  }

  /** Moves a square as far as the play demands. */
  private follow(
    { x, y, side, angle }: Framing,
    to: Pick<Framing, 'x' | 'y' | 'angle'> & { readonly logSide: number },
  ): Framing {
    const shift = pull([to.x - x, to.y - y], this.smoothing * play.shift * side);
    const [growth] = pull([to.logSide - Math.log(side)], this.smoothing * play.logSide);
    const [turn] = pull([to.angle - toRadians(angle)], this.smoothing * play.angle);
    return { x: x + shift[0], y: y + shift[1], side: side * Math.exp(growth), angle: angle + toDegrees(turn) };
  }

  /** Forgets the past, as after a cut or a change of the size of frames. */
  reset(): void {
    this.#last = undefined;
    [this.#center, this.#logSide, this.#angle] = this.filters();
  }

  private filters(): [OneEuroFilter, OneEuroFilter, OneEuroFilter] {
    const make = () => new OneEuroFilter({ minCutoff: stillCutoff / this.smoothing, beta });
    return [make(), make(), make()];
  }
}

function isJump(from: Framing, to: Framing): boolean {
  const shift = Math.hypot(to.x - from.x, to.y - from.y);
  const scale = Math.max(to.side / from.side, from.side / to.side);
  return shift > jump.shift * Math.max(to.side, from.side) || scale > jump.scale;
}

/** What is left of a movement beyond the play. */
function pull(movement: readonly number[], slack: number): number[] {
  const length = Math.hypot(...movement);
  const part = length > slack ? 1 - slack / length : 0;
  return movement.map((value) => part * value);
}

function toRadians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}

function toDegrees(radians: number): number {
  return (radians * 180) / Math.PI;
}
