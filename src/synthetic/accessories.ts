import { type Canvas, mix, type Rgb, type Shader, scaleColor, setColor } from './canvas.ts';
import type { Hair } from './hair.ts';
import type { Head } from './head.ts';
import { valueNoise } from './noise.ts';
import {
  blob,
  ellipse,
  intersect,
  type Point,
  polygon,
  type Shape,
  smoothCurve,
  smoothstep,
  stroke,
  subtract,
  unite,
} from './shapes.ts';

function plain(color: Rgb): Shader {
  return (_x, _y, _distance, out) => setColor(out, color);
}

/** Shades a shiny solid, rounder towards its edge. */
function polished(color: Rgb, radius: number): Shader {
  return (_x, y, distance, out) => {
    const round = smoothstep(0, -radius, distance);
    setColor(out, mix(scaleColor(color, 0.62), mix(color, [1, 1, 1], 0.45), round * (0.65 + 0.35 * Math.sin(y * 260))));
  };
}

/** Paints glasses: frames and lenses get the class; an eye behind a clear lens stays an eye. */
export function paintGlasses(canvas: Canvas, head: Head): void {
  const { glasses } = head.traits;
  if (glasses === undefined) return;
  const { frame } = head;
  const [w, h] = { round: [0.076, 0.07], square: [0.083, 0.058], cat: [0.082, 0.056] }[glasses.form] as [
    number,
    number,
  ];
  const lensPoints = (side: -1 | 1): Point[] => {
    const power = { round: 1, square: 0.52, cat: 0.7 }[glasses.form];
    return Array.from({ length: 28 }, (_, i) => {
      const angle = (i / 28) * 2 * Math.PI;
      const bend = (value: number) => Math.sign(value) * Math.abs(value) ** power;
      const x = bend(Math.cos(angle)) * w * glasses.size;
      const lift = glasses.form === 'cat' ? -0.016 * smoothstep(0, 1, x / w) * smoothstep(0.2, -1, Math.sin(angle)) : 0;
      return head.project(side * (0.106 + x), 0.49 + bend(Math.sin(angle)) * h * glasses.size + lift, 0.02);
    });
  };
  const metal = scaleColor(glasses.frame, 1);
  const rim: Shader = (_x, _y, distance, out) =>
    setColor(out, mix(metal, [1, 1, 1], 0.25 * smoothstep(-0.001, -0.006, distance)));
  const lensInside = glasses.dark ? undefined : [0, 1, 2, 8, 9, 13];
  for (const side of [-1, 1] as const) {
    const points = lensPoints(side);
    const lens = polygon(points);
    const glassShade: Shader = (x, y, _distance, out) => {
      const glare = smoothstep(0.5, 0.62, Math.sin((x - y) * 34 + 1)) * (glasses.dark ? 0.16 : 0.1);
      setColor(
        out,
        glasses.dark ? mix([0.07, 0.06, 0.08], [0.3, 0.25, 0.24], smoothstep(0.44, 0.58, y)) : [0.93, 0.96, 1],
      );
      for (let k = 0; k < 3; k++) out[k] += (1 - out[k]) * glare;
      out[3] = glasses.dark ? 0.94 : 0.07 + glare * 1.6;
    };
    canvas.paint(frame, lens, { shade: glassShade });
    canvas.paint(frame, lens, { label: 3, shade: (_x, _y, _d, out) => (out[3] = 0), onto: lensInside });
    const ring = stroke([...points, points[0]], glasses.thickness);
    canvas.shadow(frame, ring, [0, 0.012], 0.016, 0.25, [1, 2, 3]);
    const hinge = head.project(side * (0.106 + w * glasses.size), 0.468, 0.02);
    const temple = stroke(
      [hinge, [side * 0.262 - Math.sin(head.traits.pose.yaw) * 0.1, 0.478]],
      glasses.thickness * 0.9,
    );
    canvas.paint(frame, unite(ring, temple), { label: 3, shade: rim });
  }
  const gap = 0.106 - w * glasses.size;
  const bridge = stroke(
    smoothCurve(
      [head.project(-gap - 0.004, 0.478, 0.03), head.project(0, 0.468, 0.05), head.project(gap + 0.004, 0.478, 0.03)],
      false,
    ),
    glasses.thickness,
  );
  canvas.paint(frame, bridge, { label: 3, shade: rim });
}

/** Paints earrings on the visible earlobes. */
export function paintEarrings(canvas: Canvas, head: Head, hair: Hair): void {
  const { earrings } = head.traits;
  if (earrings === undefined) return;
  for (const side of [-1, 1] as const) {
    const [x, y] = head.ear(side).lobe;
    // An ear that is turned away or covered by hair shows no earring.
    if (hair.coversEar(side) || head.outline.distance(x, y) < -0.004) continue;
    const size = earrings.size;
    let shape: Shape;
    if (earrings.form === 'stud') shape = ellipse(x, y + 0.004, 0.0155 * size, 0.0155 * size);
    else if (earrings.form === 'hoop') {
      const center = y + 0.038 * size;
      shape = subtract(ellipse(x, center, 0.031 * size, 0.041 * size), ellipse(x, center, 0.018 * size, 0.028 * size));
    } else {
      const drop: Point[] = [
        [0, 0.018],
        [0.018, 0.058],
        [0.014, 0.078],
        [0, 0.084],
        [-0.014, 0.078],
        [-0.018, 0.058],
      ].map(([dx, dy]): Point => [x + dx * size, y + dy * size]);
      shape = unite(
        ellipse(x, y + 0.004, 0.011 * size, 0.011 * size),
        blob(drop, 4),
        stroke(
          [
            [x, y],
            [x, y + 0.03 * size],
          ],
          0.006,
        ),
      );
    }
    canvas.shadow(head.frame, shape, [-0.008, 0.008], 0.015, 0.3, [1, 8, 9, 17, 13]);
    canvas.paint(head.frame, shape, { label: 15, shade: polished(earrings.color, 0.012) });
  }
}

/** Paints a necklace on the neck and, if it hangs low enough, on the clothes. */
export function paintNecklace(canvas: Canvas, head: Head): void {
  const { necklace } = head.traits;
  if (necklace === undefined) return;
  const low = 0.962 + 0.022 * necklace.length + head.traits.shape.length;
  const turn = Math.sin(head.traits.pose.yaw) * 0.03;
  const line = smoothCurve(
    [
      [-0.158, 0.89],
      [-0.128, 0.92],
      [-0.07, low - 0.012],
      [turn, low],
      [0.07, low - 0.012],
      [0.128, 0.92],
      [0.158, 0.89],
    ],
    false,
    7,
  );
  const chain = stroke(line, necklace.form === 'beads' ? 0.0125 : 0.0085);
  const links = necklace.form === 'beads' ? 84 : 210;
  const shade: Shader = (x, _y, distance, out) => {
    const bead = 0.72 + 0.28 * Math.abs(Math.sin(x * links));
    setColor(
      out,
      mix(scaleColor(necklace.color, 0.55), mix(necklace.color, [1, 1, 1], 0.35), smoothstep(0.001, -0.008, distance)),
      bead,
    );
  };
  const shape =
    necklace.form === 'pendant'
      ? unite(
          chain,
          blob(
            [
              [turn, low],
              [turn + 0.021, low + 0.024],
              [turn, low + 0.05],
              [turn - 0.021, low + 0.024],
            ],
            5,
          ),
        )
      : chain;
  canvas.shadow(head.body, shape, [0, 0.008], 0.014, 0.4, [17, 18]);
  canvas.paint(head.body, shape, { label: 16, shade, onto: [16, 17, 18] });
}

/** Paints a hat over hair and forehead. */
export function paintHat(canvas: Canvas, head: Head): void {
  const { hat, seed, light } = head.traits;
  if (hat === undefined) return;
  const { frame } = head;
  const side = Math.sign(light.direction[0]);
  const covered = [1, 2, 3, 4, 5, 6, 7, 8, 9, 13];
  const turn = Math.sin(head.traits.pose.yaw);
  const cloth =
    (color: Rgb, weave: (x: number, y: number) => number): Shader =>
    (x, y, distance, out) => {
      const round = 1 - 0.38 * smoothstep(-0.09, 0, distance) + 0.22 * side * (x / 0.3);
      setColor(out, color, Math.max(0.3, round * (0.9 + 0.16 * weave(x, y))));
    };
  const felt = (x: number, y: number) => valueNoise(x * 90, y * 90, seed) - 0.5;
  if (hat.form === 'beanie') {
    const dome = blob([
      [-0.285, 0.34],
      [-0.29, 0.24],
      [-0.235, 0.1],
      [-0.12, 0.018],
      [0, -0.005],
      [0.12, 0.018],
      [0.235, 0.1],
      [0.29, 0.24],
      [0.285, 0.34],
      [0, 0.3],
    ]);
    const band = blob([
      [-0.296, 0.275],
      [-0.15, 0.215],
      [0, 0.2],
      [0.15, 0.215],
      [0.296, 0.275],
      [0.288, 0.365],
      [0.15, 0.312],
      [0, 0.298],
      [-0.15, 0.312],
      [-0.288, 0.365],
    ]);
    const rib = (x: number) => Math.sin((x - turn * 0.1) * 210) * 0.55;
    canvas.shadow(frame, band, [0, 0.02], 0.045, 0.5, covered);
    canvas.paint(frame, dome, {
      label: 14,
      shade: cloth(hat.color, (x, y) => Math.sin((x - turn * 0.1) * (120 + 60 * y)) * 0.5 + felt(x, y)),
    });
    canvas.paint(frame, band, { label: 14, shade: cloth(scaleColor(hat.color, 0.9), rib) });
    canvas.paint(frame, ellipse(0.01, -0.01, 0.06, 0.055), {
      label: 14,
      shade: cloth(hat.second, (x, y) => 2 * valueNoise(x * 70, y * 70, seed) - 1),
    });
    return;
  }
  if (hat.form === 'cap') {
    const dome = blob([
      [-0.275, 0.3],
      [-0.272, 0.2],
      [-0.2, 0.085],
      [-0.1, 0.038],
      [0, 0.026],
      [0.1, 0.038],
      [0.2, 0.085],
      [0.272, 0.2],
      [0.275, 0.3],
      [0.12, 0.262],
      [0, 0.255],
      [-0.12, 0.262],
    ]);
    const visor = blob([
      [-0.262, 0.312],
      [-0.16, 0.25],
      [0, 0.228],
      [0.16, 0.25],
      [0.262, 0.312],
      [0.19 + turn * 0.1, 0.348],
      [turn * 0.2, 0.362],
      [-0.19 + turn * 0.1, 0.348],
    ]);
    const panels = (x: number, y: number) =>
      -0.8 * Math.exp(-((Math.abs(Math.abs(x / (0.35 + y)) - 0.22) / 0.012) ** 2)) + felt(x, y);
    canvas.shadow(frame, visor, [0, 0.035], 0.06, 0.55, covered);
    canvas.paint(frame, dome, { label: 14, shade: cloth(hat.color, panels) });
    canvas.paint(frame, ellipse(turn * 0.1, 0.15, 0.042, 0.034), { shade: cloth(hat.second, felt), soft: 0.004 });
    canvas.paint(frame, visor, {
      label: 14,
      shade: (x, y, distance, out) => {
        const seam = 0.2 * Math.exp(-(((distance + 0.016) / 0.003) ** 2));
        setColor(out, scaleColor(hat.second, 0.72 + 0.4 * smoothstep(0.36, 0.24, y) + 0.1 * side * x - seam));
      },
    });
    return;
  }
  const crown = blob([
    [-0.222, 0.3],
    [-0.225, 0.18],
    [-0.185, 0.065],
    [-0.08, 0.03],
    [0, 0.04],
    [0.08, 0.03],
    [0.185, 0.065],
    [0.225, 0.18],
    [0.222, 0.3],
    [0, 0.27],
  ]);
  const brim = blob([
    [-0.46, 0.3],
    [-0.33, 0.232],
    [-0.17, 0.205],
    [0, 0.198],
    [0.17, 0.205],
    [0.33, 0.232],
    [0.46, 0.3],
    [0.34, 0.325],
    [0.17, 0.312],
    [0, 0.305],
    [-0.17, 0.312],
    [-0.34, 0.325],
  ]);
  const straw = (x: number, y: number) => Math.sin(x * 170) * Math.sin((y - x * x * 0.5) * 240) * 0.6;
  canvas.shadow(frame, brim, [0, 0.04], 0.07, 0.55, covered);
  canvas.paint(frame, crown, { label: 14, shade: cloth(hat.color, straw) });
  const ribbon = blob([
    [-0.226, 0.19],
    [0, 0.165],
    [0.226, 0.19],
    [0.226, 0.27],
    [0, 0.235],
    [-0.226, 0.27],
  ]);
  canvas.paint(frame, intersect(ribbon, crown), { shade: plain(hat.second), opacity: 0.92 });
  canvas.paint(frame, brim, { label: 14, shade: cloth(hat.color, straw) });
}
