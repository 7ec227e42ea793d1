import { Random } from '../random/random.ts';
import { type Canvas, mix, type Rgb, type Shader, scaleColor, setColor } from './canvas.ts';
import type { Head } from './head.ts';
import { valueNoise } from './noise.ts';
import { blob, mirrorHalf, type Point, polygon, type Shape, smoothCurve, smoothstep, subtract } from './shapes.ts';
import { pick } from './traits.ts';

const walls: readonly Rgb[] = [
  [0.62, 0.7, 0.76],
  [0.8, 0.76, 0.7],
  [0.3, 0.36, 0.42],
  [0.5, 0.6, 0.5],
  [0.72, 0.56, 0.5],
  [0.86, 0.86, 0.84],
  [0.18, 0.2, 0.26],
  [0.56, 0.5, 0.62],
  [0.45, 0.3, 0.26],
  [0.9, 0.8, 0.62],
  [0.35, 0.52, 0.62],
];

/** Paints the background: a wall, a gradient, lights out of focus, foliage, or stripes. */
export function paintBackground(canvas: Canvas, seed: number): void {
  const random = new Random(seed).fork('background');
  const kind = pick(random, ['gradient', 'gradient', 'lights', 'foliage', 'panels', 'wall'] as const);
  const first = pick(random, walls);
  const second = mix(pick(random, walls), first, random.uniform(0.2, 0.7));
  const angle = random.uniform(0, Math.PI * 2);
  const noiseSeed = random.next();
  const lights = Array.from({ length: kind === 'lights' ? 16 : kind === 'gradient' ? 3 : 0 }, () => ({
    x: random.uniform(),
    y: random.uniform(),
    radius: kind === 'lights' ? random.uniform(0.03, 0.1) : random.uniform(0.2, 0.4),
    hard: kind === 'lights' ? 0.86 : 0.1,
    color: mix(pick(random, walls), [1, 0.92, 0.75], kind === 'lights' ? 0.6 : 0.15),
    amount: random.uniform(0.2, 0.55),
  }));
  const panelWidth = random.uniform(0.08, 0.3);
  canvas.fill((x, y, out) => {
    const along = (x - 0.5) * Math.cos(angle) + (y - 0.5) * Math.sin(angle) + 0.5;
    let color: Rgb = mix(first, second, smoothstep(0, 1, along));
    if (kind === 'foliage') {
      // Turned and bent coordinates hide the lattice of the noise.
      const bend = valueNoise(x * 5, y * 5, noiseSeed + 2) * 1.6;
      const leaves =
        0.55 * valueNoise(x * 7 + y * 4 + bend, y * 7 - x * 4 - bend, noiseSeed) +
        0.45 * valueNoise(x * 10 - y * 13 + bend, y * 11 + x * 13, noiseSeed + 1);
      color = mix(
        mix([0.14, 0.22, 0.14], first, 0.25),
        mix([0.55, 0.66, 0.38], second, 0.35),
        smoothstep(0.1, 0.95, leaves),
      );
    } else if (kind === 'panels') {
      const place = (((along / panelWidth) % 1) + 1) % 1;
      color = scaleColor(color, 1 - 0.22 * smoothstep(0.06, 0.02, place) + 0.06 * smoothstep(0.5, 0.55, place));
    } else if (kind === 'wall') {
      const rough = valueNoise(x * 40, y * 40, noiseSeed) * 0.5 + valueNoise(x * 90, y * 90, noiseSeed + 1) * 0.5;
      color = scaleColor(color, 0.9 + 0.2 * rough * valueNoise(x * 4, y * 4, noiseSeed + 2) + 0.1 * (1 - y));
    }
    for (const light of lights) {
      const away = Math.hypot(x - light.x, y - light.y) / light.radius;
      if (away < 1) color = mix(color, light.color, light.amount * smoothstep(1, light.hard, away));
    }
    setColor(out, color);
  });
}

/** The hole for neck and head in a garment. */
function necklineHole(head: Head): Shape {
  const { neckline, height } = head.traits.cloth;
  const drop = 0.018 * height;
  const halves: Record<typeof neckline, readonly Point[]> = {
    round: [
      [0, 0.5],
      [0.175, 0.5],
      [0.172, 0.895],
      [0.156, 0.94 + drop * 0.4],
      [0.1, 0.988 + drop],
      [0, 1.008 + drop],
    ],
    v: [
      [0, 0.5],
      [0.172, 0.5],
      [0.168, 0.9],
      [0.13, 0.95],
      [0.065, 1.01 + drop],
      [0, 1.085 + drop],
    ],
    collar: [
      [0, 0.5],
      [0.15, 0.5],
      [0.148, 0.9],
      [0.125, 0.945],
      [0.06, 0.985 + drop],
      [0, 1.04 + drop],
    ],
    turtleneck: [
      [0, 0.5],
      [0.2, 0.5],
      [0.2, 0.82],
      [0.15, 0.858],
      [0.07, 0.884],
      [0, 0.892],
    ],
  };
  return polygon(smoothCurve(mirrorHalf(halves[neckline]), true));
}

/** Paints the clothes over neck and shoulders. */
export function paintCloth(canvas: Canvas, head: Head): void {
  const { cloth, light, shape, seed } = head.traits;
  const high = cloth.neckline === 'turtleneck';
  const collar = cloth.neckline === 'collar';
  const wide = shape.jaw;
  const right: Point[] = [
    [0, high ? 0.8 : 0.88],
    [0.11, high ? 0.8 : 0.885],
    [0.165 * wide, high ? 0.83 : collar ? 0.868 : 0.91],
    [high ? 0.175 : 0.21, 0.928],
    [0.31, 0.962],
    [0.44, 1.01],
    [0.53, 1.1],
    [0.56, 1.45],
    [0, 1.45],
  ];
  const garment = subtract(blob(mirrorHalf(right)), necklineHole(head));
  const side = Math.sign(light.direction[0]);
  const pattern = (x: number, y: number): number => {
    const lines = (value: number, period: number) =>
      smoothstep(0.28, 0.34, Math.abs(((((value / period) % 1) + 1) % 1) - 0.5));
    if (cloth.pattern === 'stripes') return lines(y + 0.06 * x * x, 0.042);
    if (cloth.pattern === 'checks') return 0.5 * lines(x, 0.06) + 0.5 * lines(y, 0.06);
    if (cloth.pattern === 'dots')
      return smoothstep(
        0.3,
        0.24,
        Math.hypot(((((x / 0.045) % 1) + 1.5) % 1) - 0.5, ((((y / 0.045) % 1) + 1.5) % 1) - 0.5),
      );
    return 0;
  };
  const shade: Shader = (x, y, distance, out) => {
    const fold = valueNoise(x * 9 + y * 3, y * 4 - x * 2, seed + 31) - 0.5;
    const weave = valueNoise(x * 170, y * 170, seed + 32) - 0.5;
    const roll = 0.24 * smoothstep(-0.03, 0, distance);
    const rib = high && y < 0.95 ? 0.06 * Math.sin(x * 240) : 0;
    setColor(
      out,
      mix(cloth.color, cloth.second, pattern(x, y)),
      0.94 + 0.26 * fold + 0.07 * weave - roll + 0.2 * side * x + rib,
    );
  };
  canvas.shadow(head.body, garment, [0, -0.012], 0.03, 0.4, [17]);
  canvas.paint(head.body, garment, { label: 18, shade });
  if (!collar) return;
  for (const flap of [-1, 1]) {
    const points = [
      [0.152, 0.868],
      [0.19, 0.905],
      [0.15, 1.0],
      [0.085, 1.045],
      [0.03, 1.06],
      [0.075, 0.985],
      [0.125, 0.935],
    ].map(([x, y]): Point => [flap * x * (0.7 + 0.3 * wide), y]);
    const wing = blob(points, 5);
    canvas.shadow(head.body, wing, [0, 0.01], 0.02, 0.35, [17, 18]);
    canvas.paint(head.body, wing, {
      label: 18,
      shade: (x, y, distance, out) => {
        shade(x, y, -1, out);
        const lift = 1.08 - 0.18 * smoothstep(-0.008, 0, distance);
        for (let k = 0; k < 3; k++) out[k] *= lift;
      },
    });
  }
}
