import { type Canvas, mix, type Rgb, type Shader, scaleColor, setColor } from './canvas.ts';
import type { Head } from './head.ts';
import { valueNoise } from './noise.ts';
import { ellipse, intersect, type Point, polygon, smoothCurve, smoothstep, stroke } from './shapes.ts';

/** Paints an eye; `side` is 1 for the person's left eye, at the larger x. */
function paintEye(canvas: Canvas, head: Head, side: -1 | 1): void {
  const { eyes, skin, hair } = head.traits;
  const half = 0.054 * eyes.width;
  const rise = 0.031 * eyes.openness;
  const fall = 0.019 * (0.6 + 0.4 * eyes.openness);
  const at = (x: number, y: number): Point => head.project(side * (0.102 + x), 0.48 + y - (eyes.tilt * x) / half);
  const upper: Point[] = [
    at(-half, 0.007),
    at(-half * 0.62, -rise * 0.62),
    at(-half * 0.1, -rise),
    at(half * 0.5, -rise * 0.82),
    at(half, 0),
  ];
  const lower: Point[] = [at(half * 0.55, fall * 0.75), at(0, fall), at(-half * 0.6, fall * 0.7)];
  const lid = smoothCurve(upper, false);
  const opening = polygon([...lid, ...smoothCurve([upper[4], ...lower, upper[0]], false).slice(1, -1)]);
  const { frame } = head;

  const lidShade: Rgb = scaleColor(skin.color, 0.62);
  const darken: Shader = (_x, _y, _distance, out) => setColor(out, lidShade);
  const crease = smoothCurve(
    [
      at(-half * 0.85, -rise * 0.75),
      at(-half * 0.1, -rise * 1.55),
      at(half * 0.7, -rise * 1.25),
      at(half * 1.1, -rise * 0.3),
    ],
    false,
  );
  canvas.paint(frame, stroke(crease, 0.005), { shade: darken, soft: 0.01, opacity: 0.65 });
  canvas.paint(
    frame,
    stroke(smoothCurve([at(-half * 0.6, fall * 1.4), at(half * 0.2, fall * 1.75), at(half * 0.9, fall)], false), 0.004),
    {
      shade: darken,
      soft: 0.014,
      opacity: 0.4,
    },
  );

  const middle = at(0, -0.003);
  canvas.paint(frame, opening, {
    label: side === 1 ? 4 : 5,
    shade: (x, y, distance, out) => {
      // The eyeball is round and the upper lid casts a shadow on it.
      const away = Math.hypot((x - middle[0]) / half, (y - middle[1]) / 0.05);
      const shade = 0.95 - 0.2 * smoothstep(0.4, 1.1, away) - 0.26 * smoothstep(0.006, -rise, y - middle[1]);
      setColor(out, [0.98, 0.95, 0.93], shade * (0.93 + 0.07 * smoothstep(0, -0.008, distance)));
    },
  });
  const irisX = middle[0] + eyes.gazeX * half * 0.42;
  const irisY = middle[1] + eyes.gazeY * 0.012;
  const iris = ellipse(irisX, irisY, 0.0245, 0.0245);
  canvas.paint(frame, intersect(opening, iris), {
    shade: (x, y, _distance, out) => {
      const radius = Math.hypot(x - irisX, y - irisY) / 0.0245;
      const angle = Math.atan2(y - irisY, x - irisX);
      const fibre = 0.85 + 0.3 * valueNoise(angle * 7 + 30, radius * 2, head.traits.seed);
      const glow = 1 + 0.5 * smoothstep(-0.01, 0.02, y - irisY) - 0.35 * smoothstep(0, -0.02, y - irisY);
      setColor(out, eyes.iris, fibre * glow * (1 - 0.6 * smoothstep(0.78, 1, radius)));
    },
  });
  const black: Shader = (_x, _y, _distance, out) => setColor(out, [0.03, 0.025, 0.03]);
  canvas.paint(frame, intersect(opening, ellipse(irisX, irisY, 0.011, 0.011)), { shade: black });
  const white: Shader = (_x, _y, _distance, out) => setColor(out, [1, 1, 1]);
  const glintX = irisX + 0.01 * Math.sign(head.traits.light.direction[0]);
  canvas.paint(frame, intersect(opening, ellipse(glintX, irisY - 0.01, 0.0058, 0.0058)), {
    shade: white,
    opacity: 0.95,
  });

  const lash: Rgb = mix([0.08, 0.06, 0.06], hair.color, 0.15);
  const lashes: Shader = (_x, _y, _distance, out) => setColor(out, lash);
  const wing = at(half * (1.04 + 0.1 * eyes.lashes), -0.004 - 0.006 * eyes.lashes);
  const lashLine = smoothCurve([...upper.slice(0, 4), wing], false);
  const thick = 0.0028 + 0.0026 * eyes.lashes;
  canvas.paint(
    frame,
    stroke(lashLine, (t) => 0.0012 + thick * smoothstep(0, 0.55, t) * (1 - 0.55 * smoothstep(0.8, 1, t))),
    {
      shade: lashes,
      soft: 0.004,
      opacity: 0.92,
    },
  );
  canvas.paint(frame, stroke(smoothCurve([upper[4], ...lower], false), 0.0012), {
    shade: lashes,
    soft: 0.005,
    opacity: 0.4,
  });
}

function paintBrow(canvas: Canvas, head: Head, side: -1 | 1): void {
  const { brows, seed } = head.traits;
  const lift = brows.raise;
  const line = smoothCurve(
    [
      head.project(side * 0.042, 0.417 - lift + brows.slant),
      head.project(side * 0.085, 0.406 - lift * 1.2 + brows.slant * 0.4),
      head.project(side * 0.132, 0.398 - lift * 1.2 - brows.slant * 0.3),
      head.project(side * 0.178, 0.421 - lift - brows.slant * 0.3),
    ],
    false,
  );
  const thickness = 0.0128 * brows.thickness;
  const shape = stroke(line, (t) => thickness * (0.82 + 0.4 * t - 1.0 * smoothstep(0.45, 1.05, t)));
  canvas.paint(head.frame, shape, {
    label: side === 1 ? 6 : 7,
    soft: 0.009,
    opacity: 0.93,
    shade: (x, y, _distance, out) => {
      const hairs = valueNoise((side * x * 0.75 + y * 1.1) * 260, (y - side * x * 0.4) * 60, seed + 11);
      setColor(out, brows.color, 0.72 + 0.55 * hairs);
    },
  });
}

/** Paints lips, and teeth and the dark of the mouth when it is open. */
function paintMouth(canvas: Canvas, head: Head): void {
  const { mouth, skin } = head.traits;
  const half = 0.093 * mouth.width * (1 + 0.1 * Math.max(0, mouth.smile));
  const line = 0.742;
  const corner = line - 0.019 * mouth.smile;
  const gap = 0.047 * mouth.open;
  const top = 0.021 * mouth.fullness;
  const bottom = 0.028 * mouth.fullness;
  const inward = 0.84;
  const at = (x: number, y: number): Point => head.project(x * half, y, 0.015);
  const row = (points: readonly [number, number][]): Point[] => points.map(([x, y]) => at(x, y));
  const sag = (line - corner) * 0.4;
  const upperTop = row([
    [-1, corner],
    [-0.55, line - top * 0.62 - sag * 0.2 - gap * 0.1],
    [-0.2, line - top - gap * 0.2],
    [0, line - top * 0.76 - gap * 0.2],
    [0.2, line - top - gap * 0.2],
    [0.55, line - top * 0.62 - sag * 0.2 - gap * 0.1],
    [1, corner],
  ]);
  const upperBottom = row([
    [inward, corner + (line - corner) * 0.25],
    [0.5, line - gap * 0.1 + sag * 0.1],
    [0.15, line - gap * 0.16],
    [0, line + 0.003 - gap * 0.12],
    [-0.15, line - gap * 0.16],
    [-0.5, line - gap * 0.1 + sag * 0.1],
    [-inward, corner + (line - corner) * 0.25],
  ]);
  const lowerTop = row([
    [-inward, corner + (line - corner) * 0.25],
    [-0.5, line + gap * 0.68 + sag * 0.1],
    [0, line + 0.003 + gap * 0.95],
    [0.5, line + gap * 0.68 + sag * 0.1],
    [inward, corner + (line - corner) * 0.25],
  ]);
  const lowerBottom = row([
    [1, corner],
    [0.6, line + gap * 0.72 + bottom * 0.68],
    [0.25, line + gap + bottom],
    [-0.25, line + gap + bottom],
    [-0.6, line + gap * 0.72 + bottom * 0.68],
    [-1, corner],
  ]);
  const curve = (points: readonly Point[]) => smoothCurve(points, false);
  const { frame } = head;
  const seam = curve([...upperBottom].reverse());
  const lips: Shader = (x, y, distance, out) => {
    const crease = valueNoise(x * 150, y * 18, head.traits.seed + 21) - 0.5;
    const round = smoothstep(0, -0.011, distance);
    setColor(out, mouth.color, 0.84 + 0.2 * round + 0.07 * crease);
  };
  const under: Shader = (_x, _y, _distance, out) => setColor(out, scaleColor(skin.color, 0.6));
  const [cx, cy] = at(0, line + gap + bottom + 0.014);
  canvas.paint(frame, ellipse(cx, cy, half * 0.55, 0.01), { shade: under, soft: 0.024, opacity: 0.42 });

  if (mouth.open > 0) {
    const inside = polygon([...seam, ...curve([...lowerTop].reverse()).slice(1, -1)]);
    const [, seamY] = at(0, line);
    const teeth = 0.55 * gap + 0.007;
    canvas.paint(frame, inside, {
      label: 10,
      shade: (x, y, _distance, out) => {
        const depth = y - seamY + Math.abs(x / half) ** 2 * 0.004;
        const tooth = smoothstep(teeth + 0.003, teeth - 0.003, depth);
        const between = Math.abs((((x - cx) / 0.0165 + 100.5) % 1) - 0.5);
        const enamel =
          (0.97 - 0.3 * smoothstep(0.35, 1, Math.abs(x - cx) / half)) * (1 - 0.13 * smoothstep(0.4, 0.5, between));
        const tongue = smoothstep(0.5, 0.1, Math.hypot((x - cx) / half, (depth - gap) / gap));
        const dark = mix([0.22, 0.05, 0.06], [0.7, 0.31, 0.32], tongue);
        setColor(out, mix(dark, [enamel, enamel * 0.97, enamel * 0.92], tooth));
      },
    });
  }
  canvas.paint(frame, polygon([...curve(lowerTop), ...curve(lowerBottom)]), {
    label: 12,
    shade: (x, y, distance, out) => {
      lips(x, y, distance, out);
      const shine =
        Math.exp(-(((x - cx) / (half * 0.42)) ** 2) - ((y - cy + bottom * 0.62 + 0.014) / 0.006) ** 2) * 0.2;
      setColor(out, mix([out[0], out[1], out[2]], [1, 0.9, 0.88], shine));
    },
  });
  canvas.paint(frame, polygon([...curve(upperTop), ...curve(upperBottom)]), {
    label: 11,
    shade: (x, y, distance, out) => {
      lips(x, y, distance, out);
      for (let k = 0; k < 3; k++) out[k] *= 0.86;
    },
  });
  const dark: Shader = (_x, _y, _distance, out) => setColor(out, scaleColor(mouth.color, 0.4));
  if (mouth.open === 0)
    canvas.paint(
      frame,
      stroke(seam, (t) => 0.0028 * Math.sin(Math.PI * t) + 0.0012),
      { shade: dark, soft: 0.005, opacity: 0.85 },
    );
  for (const side of [-1, 1]) {
    const [x, y] = at(side * 1.0, corner);
    canvas.paint(frame, ellipse(x, y, 0.009, 0.006), { shade: under, soft: 0.014, opacity: 0.6 });
  }
}

/** Paints eyes, brows and mouth over the skin. */
export function paintFeatures(canvas: Canvas, head: Head): void {
  paintMouth(canvas, head);
  for (const side of [-1, 1] as const) {
    paintEye(canvas, head, side);
    paintBrow(canvas, head, side);
  }
}
