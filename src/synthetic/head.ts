import { type Canvas, Frame, mix, type Rgb, type Shader, setColor } from './canvas.ts';
import { valueNoise } from './noise.ts';
import { blob, ellipse, mirrorHalf, type Point, polygon, type Shape, smoothCurve, smoothstep } from './shapes.ts';
import type { FaceTraits } from './traits.ts';

/** A bump (or, negative, a hollow) of the face's relief: a Gaussian, widths and height in shares of the image. */
interface Bump {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly rise: number;
}

/**
 * The head in three dimensions, as far as a drawing needs it: the position of a point of the frontal face after
 * rotation, the direction of the skin there, and its lighting. Head coordinates: x from the middle of the face,
 * y from the top of the image, both in shares of the image's side before roll, scale and shift.
 */
export class Head {
  readonly frame: Frame;
  /** The shoulders follow the head's roll only a little. */
  readonly body: Frame;
  readonly outline: Shape;
  private readonly bumps: readonly Bump[];
  private readonly lit: Rgb;
  private readonly shaded: Rgb;

  constructor(readonly traits: FaceTraits) {
    const { pose, skin, light } = traits;
    const center: Point = [0.5 + pose.shiftX, 0.56 + pose.shiftY];
    this.frame = new Frame(pose.roll, pose.scale, 0.56, center);
    this.body = new Frame(pose.roll * 0.2, pose.scale, 0.56, center);
    this.outline = polygon(smoothCurve(this.outlinePoints(), true));
    this.bumps = this.relief();
    this.lit = mix(skin.color, [1, 0.97, 0.92], 0.1);
    const deep: Rgb = [skin.color[0] * 0.57, skin.color[1] * 0.45, skin.color[2] * 0.42];
    this.shaded = mix(skin.color, deep, 0.62 * light.contrast + 0.2);
  }

  /** Projects a point of the frontal face after yaw and pitch; `depth` is its distance from the face plane. */
  project(x: number, y: number, depth = 0): Point {
    const { yaw, pitch } = this.traits.pose;
    const side = Math.min(1, Math.abs(x) / 0.27);
    const z = 0.2 * Math.sqrt(1 - side * side) + depth;
    return [x * Math.cos(yaw) + z * Math.sin(yaw), y + z * Math.sin(pitch) * 0.8];
  }

  private outlinePoints(): Point[] {
    const { jaw, chin, length, cheeks } = this.traits.shape;
    const turn = Math.sin(this.traits.pose.yaw);
    const right: Point[] = [
      [0, 0.19],
      [0.115, 0.205],
      [0.198, 0.27],
      [0.237, 0.38],
      [0.243, 0.48],
      [0.238 * cheeks, 0.57],
      [0.22 * cheeks * (0.5 + 0.5 * jaw), 0.66],
      [0.184 * jaw, 0.745 + length * 0.6],
      [0.128 * jaw * (0.6 + 0.4 * chin), 0.82 + length],
      [0.062 * chin, 0.868 + length],
      [0, 0.878 + length],
    ];
    return mirrorHalf(right).map(([x, y]): Point => [x + turn * 0.15 * smoothstep(0.3, 0.85, y), y]);
  }

  private relief(): Bump[] {
    const { width, length } = this.traits.nose;
    const at = (x: number, y: number, w: number, h: number, rise: number, depth = 0): Bump => {
      const [px, py] = this.project(x, y, depth);
      return { x: px, y: py, width: w, height: h, rise };
    };
    const bumps = [
      at(0, 0.545, 0.022, 0.085, 0.019, 0.05),
      at(0, 0.618 + length, 0.034 * width, 0.032, 0.026, 0.08),
      at(0, 0.735, 0.09, 0.04, 0.014),
      at(0, 0.79, 0.06, 0.014, -0.006),
      at(0, 0.84, 0.05, 0.036, 0.014),
      at(0, 0.33, 0.16, 0.1, 0.012),
    ];
    for (const side of [-1, 1]) {
      bumps.push(
        at(side * 0.038 * width, 0.634 + length, 0.019, 0.02, 0.011, 0.05),
        at(side * 0.1, 0.468, 0.055, 0.03, -0.013),
        at(side * 0.1, 0.415, 0.07, 0.024, 0.007),
        at(side * 0.135, 0.585, 0.065, 0.055, 0.018),
        at(side * 0.085, 0.68, 0.03, 0.05, -0.006 - 0.006 * Math.max(0, this.traits.mouth.smile)),
      );
    }
    return bumps;
  }

  /** Light on the skin at a point of the turned head: about 0 in shadow, 1 in full light. */
  private lightAt(x: number, y: number): number {
    const { light, pose } = this.traits;
    const u = (x - Math.sin(pose.yaw) * 0.06) / 0.29;
    const v = (y - 0.53) / 0.42;
    let slopeX = 0.72 * u + 0.35 * u * u * u;
    let slopeY = 0.5 * v + 0.3 * v * v * v;
    for (const bump of this.bumps) {
      const dx = (x - bump.x) / bump.width;
      const dy = (y - bump.y) / bump.height;
      const squared = dx * dx + dy * dy;
      if (squared > 9) continue;
      const value = 2 * bump.rise * Math.exp(-squared);
      slopeX += (value * dx) / bump.width;
      slopeY += (value * dy) / bump.height;
    }
    const [lx, ly, lz] = light.direction;
    return (
      (slopeX * lx + slopeY * ly + lz) /
      Math.sqrt((1 + slopeX * slopeX + slopeY * slopeY) * (lx * lx + ly * ly + lz * lz))
    );
  }

  /** Writes the colour of bare skin at a point. */
  skinAt(x: number, y: number, out: Float32Array): void {
    const { skin } = this.traits;
    const light = this.lightAt(x, y);
    const amount = smoothstep(-0.2, 0.86, light);
    const shine = smoothstep(0.93, 1.01, light) * 0.1;
    const grain = (valueNoise(x * 60, y * 60, this.traits.seed) - 0.5) * 0.02;
    for (let k = 0; k < 3; k++) {
      out[k] = this.shaded[k] + (this.lit[k] - this.shaded[k]) * amount + grain + (1 - this.lit[k]) * shine;
    }
    const blush = skin.blush * this.near(x, y, 0.14, 0.615, 0.075, 0.05);
    out[1] *= 1 - blush * 0.35;
    out[2] *= 1 - blush * 0.28;
    if (skin.stubble > 0) this.addStubble(x, y, out);
    if (skin.freckles > 0) {
      const spots = smoothstep(0.72, 0.85, valueNoise(x * 110, y * 110, this.traits.seed + 3));
      const amountHere = spots * 0.3 * smoothstep(0.1, 0, Math.abs(y - 0.57)) * smoothstep(0.22, 0.1, Math.abs(x));
      setColor(out, mix([out[0], out[1], out[2]], [0.5, 0.28, 0.16], amountHere));
    }
  }

  /** Proximity of a point to a spot of the face or its mirror image, 1 to 0. */
  private near(x: number, y: number, spotX: number, spotY: number, width: number, height: number): number {
    let nearness = 0;
    for (const side of [-1, 1]) {
      const [sx, sy] = this.project(side * spotX, spotY);
      nearness += Math.exp(-(((x - sx) / width) ** 2) - ((y - sy) / height) ** 2);
    }
    return Math.min(1, nearness);
  }

  private addStubble(x: number, y: number, out: Float32Array): void {
    const { skin, hair, pose } = this.traits;
    const u = x - Math.sin(pose.yaw) * 0.17;
    const beard =
      smoothstep(0.62, 0.73, y + (Math.abs(u) - 0.11) * 0.65) *
      (1 - 0.6 * smoothstep(0.03, 0.005, Math.hypot(u, y - 0.8)));
    const cheek = smoothstep(0.05, 0.085, Math.hypot((u * 0.6) / 1, Math.max(0, 0.7 - y) * 1.2));
    const moustache = Math.exp(-((u / 0.075) ** 4) - ((y - 0.694) / 0.02) ** 2);
    const dots = 0.75 + 0.5 * valueNoise(x * 160, y * 160, this.traits.seed + 5);
    const amount =
      Math.min(1, Math.max(beard * Math.max(cheek, smoothstep(0.76, 0.8, y)), moustache)) * skin.stubble * 0.72 * dots;
    setColor(out, mix([out[0], out[1], out[2]], mix(hair.color, [0.1, 0.08, 0.07], 0.5), Math.min(0.9, amount)));
  }

  paintSkin(canvas: Canvas): void {
    canvas.paint(this.frame, this.outline, {
      label: 1,
      shade: (x, y, distance, out) => {
        this.skinAt(x, y, out);
        // The rim turns away from the eye: a little darker and redder.
        const rim = smoothstep(-0.03, 0, distance) * 0.16;
        out[0] *= 1 - rim * 0.7;
        out[1] *= 1 - rim;
        out[2] *= 1 - rim;
      },
    });
  }

  /** The shape of an ear; `side` is −1 at the image's left (the person's right ear), 1 at its right. */
  ear(side: -1 | 1): { shape: Shape; inner: Shape; lobe: Point } {
    // The ears are behind the middle of the head, so a turn moves them against the face.
    const shift = -Math.sin(this.traits.pose.yaw) * 0.09;
    const place = (x: number, y: number): Point => [side * x + shift, y];
    const points = [
      [0.205, 0.475],
      [0.236, 0.462],
      [0.268, 0.458],
      [0.292, 0.482],
      [0.293, 0.53],
      [0.281, 0.575],
      [0.268, 0.618],
      [0.245, 0.64],
      [0.205, 0.62],
    ].map(([x, y]) => place(x, y));
    const inner = [
      [0.225, 0.5],
      [0.255, 0.483],
      [0.274, 0.497],
      [0.273, 0.535],
      [0.258, 0.575],
      [0.235, 0.58],
    ].map(([x, y]) => place(x, y));
    return { shape: blob(points, 4), inner: blob(inner, 4), lobe: place(0.256, 0.628) };
  }

  paintEars(canvas: Canvas): void {
    for (const side of [-1, 1] as const) {
      const { shape, inner } = this.ear(side);
      const light = 0.86 + 0.12 * side * Math.sign(this.traits.light.direction[0]);
      const shade: Shader = (x, y, distance, out) => {
        setColor(out, mix(this.shaded, this.lit, 0.55), light * (0.92 + 0.1 * smoothstep(0, -0.012, distance)));
        out[0] *= 1.03 + 0.02 * valueNoise(x * 50, y * 50, this.traits.seed);
      };
      canvas.paint(this.frame, shape, { label: side === 1 ? 8 : 9, shade });
      const hollow: Shader = (_x, _y, _distance, out) => setColor(out, this.shaded, 0.86);
      canvas.paint(this.frame, inner, { shade: hollow, soft: 0.02, opacity: 0.85 });
    }
  }

  paintNeck(canvas: Canvas): void {
    const wide = this.traits.shape.jaw;
    const shift = Math.sin(this.traits.pose.yaw) * 0.05;
    const right: Point[] = [
      [0, 0.68],
      [0.12 * wide, 0.68],
      [0.138 * wide, 0.8],
      [0.143 * wide, 0.88],
      [0.165 * wide, 0.935],
      [0.25, 0.975],
      [0.42, 1.02],
      [0.5, 1.15],
      [0.5, 1.4],
      [0, 1.4],
    ];
    const shape = blob(mirrorHalf(right).map(([x, y]): Point => [x + shift * smoothstep(1.1, 0.75, y), y]));
    const side = Math.sign(this.traits.light.direction[0]);
    canvas.paint(this.body, shape, {
      label: 17,
      shade: (x, y, distance, out) => {
        const round = 0.62 - 0.35 * smoothstep(-0.07, 0, distance) + ((side * x) / 0.14) * 0.13;
        const tendon =
          0.07 * Math.exp(-(((Math.abs(x) - 0.02 - (1 - y) * 0.3) / 0.016) ** 2)) * smoothstep(0.86, 0.95, y);
        setColor(out, mix(this.shaded, this.lit, Math.min(1, Math.max(0, round + tendon))), 0.97);
      },
    });
    canvas.shadow(this.frame, this.outline, [-side * 0.02, 0.045], 0.07, 0.5, [17]);
  }

  /** Paints the nose: a label over the skin's shading, nostrils and the shadow below. */
  paintNose(canvas: Canvas): void {
    const { width, length } = this.traits.nose;
    const right: [number, number, number][] = [
      [0, 0.468, 0.04],
      [0.019, 0.472, 0.035],
      [0.024, 0.53, 0.03],
      [0.035 * width, 0.585 + length, 0.03],
      [0.056 * width, 0.622 + length, 0.025],
      [0.056 * width, 0.645 + length, 0.025],
      [0.036 * width, 0.655 + length, 0.04],
      [0.014, 0.664 + length, 0.06],
      [0, 0.667 + length, 0.065],
    ];
    const points = [
      ...right,
      ...right
        .slice(1, -1)
        .reverse()
        .map(([x, y, z]): [number, number, number] => [-x, y, z]),
    ];
    const shape = blob(points.map(([x, y, z]) => this.project(x, y, z)));
    canvas.shadow(
      this.frame,
      ellipse(...this.project(0, 0.668 + length, 0.04), 0.05 * width, 0.012),
      [0, 0],
      0.025,
      0.34,
    );
    canvas.paint(this.frame, shape, {
      label: 2,
      shade: (x, y, distance, out) => {
        this.skinAt(x, y, out);
        const [, tip] = this.project(0, 0.66 + length, 0.06);
        const under = smoothstep(-0.016, -0.002, distance) * smoothstep(0.045, 0.01, Math.abs(y - tip + 0.012)) * 0.18;
        setColor(out, [out[0] * (1 - under * 0.8), out[1] * (1 - under), out[2] * (1 - under)]);
        out[3] = smoothstep(0.004, -0.006, distance);
      },
    });
    for (const side of [-1, 1]) {
      const [x, y] = this.project(side * 0.026 * width, 0.651 + length, 0.055);
      canvas.shadow(this.frame, ellipse(x, y, 0.013 * width, 0.006, side * -0.35), [0, 0], 0.008, 0.72);
    }
  }
}
