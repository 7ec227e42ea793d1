import { type Canvas, mix, type Rgb, type Shader, setColor } from './synthetic-canvas.ts';
import type { Head } from './synthetic-head.ts';
import { valueNoise } from './synthetic-noise.ts';
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
} from './synthetic-shapes.ts';
import type { HairStyle } from './synthetic-traits.ts';

/** How a style is built; half widths are from the middle of the head outwards. */
interface Form {
  /** Right half of the outer edge, top to bottom; grows with the volume. */
  readonly outer: readonly Point[];
  /** Where the hair's inner edge runs beside the face, from the temple downwards; it is the same on both sides. */
  readonly inner: readonly Point[];
  /** Height of the hairline in the middle and how far it drops at the temples. */
  readonly hairline: number;
  readonly drop: number;
  /** How strands run: hanging along the head, combed away from the face, or curls. */
  readonly flow: 'hang' | 'combed' | 'curls';
  /** Ripples of the outer edge: depth, and how many a unit of length. */
  readonly ripple?: readonly [number, number];
  readonly hidesEars: boolean;
  /** Whether the hair falls over the shoulders (painted over the clothes) below the chin. */
  readonly overShoulders: boolean;
}

const shortOuter: readonly Point[] = [
  [0, 0.085],
  [0.12, 0.098],
  [0.212, 0.165],
  [0.26, 0.27],
  [0.268, 0.39],
  [0.258, 0.48],
  [0.236, 0.55],
  [0.1, 0.6],
  [0, 0.6],
];
const longOuter: readonly Point[] = [
  [0, 0.07],
  [0.13, 0.085],
  [0.238, 0.16],
  [0.295, 0.29],
  [0.312, 0.45],
  [0.325, 0.62],
  [0.342, 0.8],
  [0.35, 0.98],
  [0.35, 1.25],
  [0, 1.25],
];
const shortInner: readonly Point[] = [
  [0.2, 0.345],
  [0.213, 0.4],
  [0.228, 0.47],
  [0.236, 0.545],
  [0.27, 0.6],
  [0.42, 0.7],
  [0.5, 1],
];
const longInner: readonly Point[] = [
  [0.178, 0.335],
  [0.213, 0.44],
  [0.226, 0.55],
  [0.222, 0.66],
  [0.214, 0.78],
  [0.222, 0.92],
  [0.225, 1.1],
];

const forms: Readonly<Record<Exclude<HairStyle, 'bald'>, Form>> = {
  buzz: {
    outer: shortOuter.map(([x, y]): Point => [x * 0.955, y < 0.3 ? y + 0.03 : y]),
    inner: [
      [0.205, 0.33],
      [0.219, 0.4],
      [0.231, 0.47],
      [0.238, 0.53],
      [0.27, 0.6],
      [0.42, 0.7],
      [0.5, 1],
    ],
    hairline: 0.252,
    drop: 0.03,
    flow: 'curls',
    hidesEars: false,
    overShoulders: false,
  },
  short: {
    outer: shortOuter,
    inner: shortInner,
    hairline: 0.25,
    drop: 0.06,
    flow: 'combed',
    ripple: [0.004, 40],
    hidesEars: false,
    overShoulders: false,
  },
  quiff: {
    outer: [
      [0, 0.035],
      [0.12, 0.05],
      [0.215, 0.125],
      [0.252, 0.25],
      [0.258, 0.38],
      [0.25, 0.48],
      [0.235, 0.55],
      [0.1, 0.6],
      [0, 0.6],
    ],
    inner: shortInner,
    hairline: 0.238,
    drop: 0.035,
    flow: 'combed',
    ripple: [0.012, 22],
    hidesEars: false,
    overShoulders: false,
  },
  bob: {
    outer: [
      [0, 0.07],
      [0.13, 0.085],
      [0.238, 0.16],
      [0.3, 0.29],
      [0.328, 0.46],
      [0.335, 0.62],
      [0.322, 0.74],
      [0.27, 0.805],
      [0.2, 0.8],
      [0, 0.78],
    ],
    inner: [
      [0.175, 0.34],
      [0.212, 0.45],
      [0.222, 0.56],
      [0.212, 0.66],
      [0.2, 0.74],
      [0.215, 0.82],
      [0.3, 0.95],
    ],
    hairline: 0.262,
    drop: 0.09,
    flow: 'hang',
    hidesEars: true,
    overShoulders: false,
  },
  straight: {
    outer: longOuter,
    inner: longInner,
    hairline: 0.255,
    drop: 0.09,
    flow: 'hang',
    hidesEars: true,
    overShoulders: true,
  },
  wavy: {
    outer: longOuter.map(([x, y]): Point => [x * 1.09, y]),
    inner: longInner,
    hairline: 0.25,
    drop: 0.085,
    flow: 'hang',
    ripple: [0.016, 7.5],
    hidesEars: true,
    overShoulders: true,
  },
  fringe: {
    outer: longOuter,
    inner: longInner.map(([x, y], i): Point => (i === 0 ? [0.2, 0.375] : [x, y])),
    hairline: 0.375,
    drop: 0.008,
    flow: 'hang',
    hidesEars: true,
    overShoulders: true,
  },
  bun: {
    outer: shortOuter.map(([x, y]): Point => [x * 0.97, y < 0.3 ? y + 0.025 : y]),
    inner: shortInner,
    hairline: 0.245,
    drop: 0.045,
    flow: 'combed',
    hidesEars: false,
    overShoulders: false,
  },
  ponytail: {
    outer: shortOuter.map(([x, y]): Point => [x * 0.98, y < 0.3 ? y + 0.015 : y]),
    inner: shortInner,
    hairline: 0.25,
    drop: 0.05,
    flow: 'combed',
    hidesEars: false,
    overShoulders: false,
  },
  afro: {
    outer: [
      [0, -0.01],
      [0.16, 0.015],
      [0.285, 0.1],
      [0.355, 0.24],
      [0.365, 0.4],
      [0.325, 0.55],
      [0.25, 0.64],
      [0.1, 0.66],
      [0, 0.66],
    ],
    inner: [
      [0.19, 0.34],
      [0.213, 0.42],
      [0.232, 0.5],
      [0.245, 0.57],
      [0.285, 0.63],
      [0.42, 0.72],
      [0.5, 1],
    ],
    hairline: 0.255,
    drop: 0.04,
    flow: 'curls',
    ripple: [0.016, 17],
    hidesEars: false,
    overShoulders: false,
  },
};

/** Moves a curve in and out along its normal, so that its edge looks like locks. */
function ruffle(points: readonly Point[], depth: number, frequency: number, seed: number): Point[] {
  const dense = smoothCurve(points, true, 4);
  let travelled = 0;
  return dense.map(([x, y], i) => {
    const [nx, ny] = dense[(i + 1) % dense.length]!;
    const length = Math.max(1e-9, Math.hypot(nx - x, ny - y));
    travelled += length;
    const out = (valueNoise(travelled * frequency, 0.5, seed) - 0.5) * 2 * depth;
    return [x + (out * (ny - y)) / length, y - (out * (nx - x)) / length];
  });
}

/** The hair of a head: the mass behind it, and the part that lies over forehead, temples and shoulders. */
export class Hair {
  readonly back?: Shape;
  readonly front?: Shape;
  private readonly form?: Form;
  private readonly tail?: Shape;
  private readonly knot?: Shape;

  constructor(private readonly head: Head) {
    const { hair, hat } = head.traits;
    if (hair.style === 'bald') return;
    const form = forms[hair.style];
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

  /** The window in the hair through which the face is seen. */
  private opening(form: Form): Shape {
    const { hair, pose } = this.head.traits;
    const top = form.hairline + hair.hairline;
    const turn = Math.sin(pose.yaw) * 0.05;
    const bend = (1 + Math.cos(Math.PI * Math.min(1, Math.abs(hair.part) * 1.2))) / 2;
    const combed = Math.sign(hair.part);
    const sideOf = (side: -1 | 1): Point[] => {
      const tucked = form.hidesEars && hair.tucked[side === 1 ? 1 : 0];
      return form.inner.map(([x, y]): Point => {
        // Behind the ear the window widens, and narrows again over the shoulder.
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
    const right = meet(sideOf(1), forehead[4]!);
    const left = meet(sideOf(-1), forehead[0]!).reverse();
    const below: Point[] = [
      [right.at(-1)![0], 1.5],
      [left[0]![0], 1.5],
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

  /** What lies behind neck, clothes and face. */
  paintBack(canvas: Canvas): void {
    if (this.back === undefined) return;
    const { frame } = this.head;
    if (this.tail) canvas.paint(frame, this.tail, { label: 13, shade: this.shader(0.9) });
    canvas.paint(frame, this.back, { label: 13, shade: this.shader(0.62) });
    if (this.knot) canvas.paint(frame, this.knot, { label: 13, shade: this.shader(0.95) });
  }

  /** What lies over face and shoulders. */
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

  /** Without hair the skull shows above the forehead, and is skin. */
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
