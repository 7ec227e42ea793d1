import { type Canvas, mix, type Rgb, type Shader, setColor } from './canvas.ts';
import { type HairForm, hairForms } from './hair-styles.ts';
import type { Head } from './head.ts';
import { valueNoise } from './noise.ts';
import {
  blob,
  ellipse,
  mirrorHalf,
  type Point,
  polygon,
  type Shape,
  smoothCurve,
  smoothstep,
  stroke,
  subtract,
  unite,
} from './shapes.ts';

/** Moves a curve in and out along its normal, so that its edge looks like locks. */
function ruffle(points: readonly Point[], depth: number, frequency: number, seed: number): Point[] {
  const dense = smoothCurve(points, true, 4);
  let travelled = 0;
  return dense.map(([x, y], i) => {
    const [nx, ny] = dense[(i + 1) % dense.length];
    const length = Math.max(1e-9, Math.hypot(nx - x, ny - y));
    travelled += length;
    const out = (valueNoise(travelled * frequency, 0.5, seed) - 0.5) * 2 * depth;
    return [x + (out * (ny - y)) / length, y - (out * (nx - x)) / length];
  });
}

/** The hair of a head: the mass behind it, and the part over forehead, temples and shoulders. */
export class Hair {
  readonly back?: Shape;
  readonly front?: Shape;
  private readonly form?: HairForm;
  private readonly tail?: Shape;
  private readonly knot?: Shape;

  constructor(private readonly head: Head) {
    const { hair, hat } = head.traits;
    if (hair.style === 'bald') return;
    const form = hairForms[hair.style];
    this.form = form;
    const grow = 1 + 0.055 * hair.volume;
    // Under a hat hair lies flat.
    const flat = hat === undefined ? 0 : 0.03;
    const right = form.outer.map(
      ([x, y]): Point => [
        x * grow,
        y < 0.4 ? y + flat - 0.014 * hair.volume : form.overShoulders ? y : y + 0.025 * hair.volume,
      ],
    );
    const left = right.filter(([x]) => x !== 0).map(([x, y]): Point => [-x, y]);
    const ring = [...right, ...left.reverse()];
    const [depth, frequency] = form.ripple ?? [0.003, 14];
    const outer = polygon(ruffle(ring, depth, frequency, hair.seed));
    this.back = outer;
    this.front = subtract(outer, this.opening(form));
    if (hair.style === 'bun') this.knot = ellipse(0.04 * hair.part, 0.062, 0.088 + 0.012 * hair.volume, 0.075);
    if (hair.style === 'ponytail') {
      const side = Math.sign(hair.part);
      const tail = smoothCurve(
        [
          [side * 0.17, 0.2],
          [side * 0.29, 0.24],
          [side * 0.345, 0.42],
          [side * 0.335, 0.62],
          [side * 0.355, 0.8],
          [side * 0.32, 0.92],
        ],
        false,
      );
      this.tail = stroke(tail, (t) => 0.028 + 0.05 * smoothstep(0, 0.4, t) * smoothstep(1.1, 0.5, t));
    }
  }

  /** Whether hair lies over the ear of a side. */
  coversEar(side: -1 | 1): boolean {
    return this.form?.hidesEars === true && !this.head.traits.hair.tucked[side === 1 ? 1 : 0];
  }

  /** The opening in the hair that shows the face. */
  private opening(form: HairForm): Shape {
    const { hair, pose } = this.head.traits;
    const top = form.hairline + hair.hairline;
    const turn = Math.sin(pose.yaw) * 0.05;
    const bend = (1 + Math.cos(Math.PI * Math.min(1, Math.abs(hair.part) * 1.2))) / 2;
    const combed = Math.sign(hair.part);
    const sideOf = (side: -1 | 1): Point[] => {
      const tucked = form.hidesEars && hair.tucked[side === 1 ? 1 : 0];
      return form.inner.map(([x, y]): Point => {
        // The opening widens behind the ear and narrows again over the shoulder.
        const room = tucked ? 0.095 * smoothstep(0.42, 0.5, y) * smoothstep(0.86, 0.7, y) : 0;
        return [side * (x + room) + turn * smoothstep(0.9, 0.5, y), y];
      });
    };
    const partX = form.drop > 0.02 ? hair.part * 0.09 : 0;
    const forehead = ([-0.125, -0.065, 0, 0.065, 0.125] as const).map((x): Point => {
      const away = Math.abs(x - partX) / 0.15;
      // The heavier side of a parting falls lower over the forehead.
      const heavy = x * combed < partX * combed ? 1.15 : 0.7;
      return [x + turn, top + form.drop * Math.min(1.15, away * away * heavy * 0.75 + away * 0.3 * (1 - bend))];
    });
    // The fringe meets the temples without a step.
    const meet = (side: Point[], end: Point): Point[] =>
      side.map(([x, y], i): Point => [x, i === 0 ? Math.max(y, end[1] + 0.02) : y]);
    const right = meet(sideOf(1), forehead[4]);
    const left = meet(sideOf(-1), forehead[0]).reverse();
    const below: Point[] = [
      [right.at(-1)![0], 1.5],
      [left[0][0], 1.5],
    ];
    return polygon(smoothCurve([...forehead, ...right, ...below, ...left], true));
  }

  /** Strands, curls and light; `depth` is 1 at the front and lower behind the head. */
  private shader(depth: number): Shader {
    const { hair, light } = this.head.traits;
    const flow = this.form?.flow ?? 'hang';
    const partX = hair.part * 0.09;
    const wavy = hair.style === 'wavy' ? 0.02 : 0.004;
    const lightSide = Math.sign(light.direction[0]);
    const gloss: Rgb = mix(hair.color, [1, 0.93, 0.82], 0.42);
    return (x, y, distance, out) => {
      let streak: number;
      let lock: number;
      const above = 0.46 - y;
      const away = x - partX;
      if (flow === 'curls') {
        const tight = hair.style === 'buzz' ? 150 : 62;
        const bend = valueNoise(x * 20, y * 20, hair.seed + 2) * 2;
        streak = valueNoise(x * tight + bend, y * tight - bend, hair.seed);
        lock = 0.25 + 0.5 * valueNoise(x * 30, y * 30, hair.seed + 4);
      } else {
        // Hanging strands are level curves of the distance to the parting; combed strands radiate from the crown.
        const ripple = wavy * smoothstep(0.15, 0.5, y) * Math.sin(y * 38 + 9 * valueNoise(x * 6, y * 5, hair.seed));
        const hanging = above > 0 ? Math.hypot(away * 1.35, above * 0.86) : Math.abs(away) * 1.35;
        const angle = Math.atan2(x - partX * 1.5, 0.52 - y);
        const across = flow === 'hang' ? (hanging + ripple + away * 0.12) * 60 : angle * 19 + above * 8 * hair.part;
        const along = flow === 'hang' ? y * 5 + Math.abs(away) * 3 : Math.hypot(x, 0.5 - y) * 9;
        streak =
          0.65 * valueNoise(across * 2.1, along, hair.seed) +
          0.35 * valueNoise(across * 4.7, along * 1.7, hair.seed + 1);
        lock = valueNoise(across * 0.42, along * 0.4, hair.seed + 4);
      }
      const around = Math.atan2(x, Math.max(0.04, 0.5 - y));
      const band = Math.exp(-(((around - lightSide * 0.6) / 0.42) ** 2)) * smoothstep(0.6, 0.2, y);
      const rim = smoothstep(-0.05, 0, distance) * 0.24;
      const shade = depth * (0.66 + 0.42 * streak + 0.3 * (lock - 0.5) + 0.16 * band) * (1 - rim);
      setColor(out, mix(hair.color, gloss, Math.min(0.8, band * (0.2 + 0.8 * streak) * 0.75 * depth)), shade);
    };
  }

  /** Paints the hair behind neck, clothes and face. */
  paintBack(canvas: Canvas): void {
    if (this.back === undefined) return;
    const { frame } = this.head;
    if (this.tail) canvas.paint(frame, this.tail, { label: 13, shade: this.shader(0.9) });
    canvas.paint(frame, this.back, { label: 13, shade: this.shader(0.62) });
    if (this.knot) canvas.paint(frame, this.knot, { label: 13, shade: this.shader(0.95) });
  }

  /** Paints the hair over face and shoulders. */
  paintFront(canvas: Canvas): void {
    if (this.front === undefined) return;
    const { frame } = this.head;
    canvas.shadow(frame, this.front, [0, 0.012], 0.045, 0.42, [1, 2, 6, 7, 8, 9, 17, 18]);
    canvas.paint(frame, this.front, {
      label: 13,
      shade: this.shader(1),
      soft: this.head.traits.hair.style === 'buzz' ? 0.02 : 0,
    });
  }

  /** Paints the scalp of a bald head as skin. */
  static paintScalp(canvas: Canvas, head: Head): void {
    if (head.traits.hair.style !== 'bald') return;
    const dome = blob(
      mirrorHalf([
        [0, 0.118],
        [0.11, 0.135],
        [0.195, 0.2],
        [0.24, 0.3],
        [0.243, 0.4],
        [0.2, 0.5],
        [0, 0.52],
      ]),
    );
    canvas.paint(head.frame, unite(dome, head.outline), {
      label: 1,
      shade: (x, y, _distance, out) => head.skinAt(x, y, out),
    });
  }
}
