import type { Point } from './shapes.ts';
import type { HairStyle } from './traits.ts';

/** The shape of a hair style; half widths are measured from the middle of the head. */
export interface HairForm {
  /** Right half of the outer edge, top to bottom; grows with the volume. */
  readonly outer: readonly Point[];
  /** Inner edge of the hair along the face, from the temple downwards; symmetric. */
  readonly inner: readonly Point[];
  /** Height of the hairline in the middle and how far it drops at the temples. */
  readonly hairline: number;
  readonly drop: number;
  /** Direction of the strands: hanging along the head, combed away from the face, or curls. */
  readonly flow: 'hang' | 'combed' | 'curls';
  /** Ripples of the outer edge: depth, and number per unit of length. */
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

/** Every style but bald. */
export const hairForms: Readonly<Record<Exclude<HairStyle, 'bald'>, HairForm>> = {
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
