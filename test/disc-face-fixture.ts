import type { Engine, Program } from '../src/engine/engine.ts';
import { detectionHeads, valuesPerAnchor } from '../src/faces/detector/blaze-face.ts';
import type { Photo } from '../src/image/image.ts';

/** A disc that stands for a face: red, with a green right eye and a blue left eye. */
export interface DiscFace {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Degrees, clockwise. */
  readonly angle: number;
}

/** A black photo with discs. */
export function photoOfDiscs(width: number, height: number, discs: readonly DiscFace[]): Photo {
  const data = new Uint8Array(width * height * 3);
  for (const { x, y, radius, angle } of discs) {
    const [cos, sin] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    const paint = (across: number, down: number, size: number, channel: number) => {
      const [middleX, middleY] = [x + radius * (cos * across - sin * down), y + radius * (sin * across + cos * down)];
      for (let row = 0; row < height; row++) {
        for (let column = 0; column < width; column++) {
          if (Math.hypot(column + 0.5 - middleX, row + 0.5 - middleY) > size * radius) continue;
          const at = (row * width + column) * 3;
          data.fill(0, at, at + 3);
          data[at + channel] = 255;
        }
      }
    };
    paint(0, 0, 1, 0);
    paint(-0.4, -0.2, 0.2, 1);
    paint(0.4, -0.2, 0.2, 2);
  }
  return { width, height, data };
}

/** The mean place of the pixels in which a channel is the brightest, within some columns; undefined if there are few. */
function middleOf(
  image: Float32Array,
  [width, height]: readonly [number, number],
  channel: number,
  columns: readonly [number, number],
) {
  const plane = width * height;
  let [x, y, count] = [0, 0, 0];
  for (let row = 0; row < height; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      const at = row * width + column;
      if (image[channel * plane + at] < 0.2) continue;
      x += column + 0.5;
      y += row + 0.5;
      count++;
    }
  }
  return count < 3 ? undefined : { x: x / count, y: y / count, count };
}

/**
 * An engine whose network finds discs instead of faces: one in each half of a wide input, else one. Its scores fall with the
 * angle, as those of BlazeFace do.
 */
export function createDiscEngine(): Engine & { readonly runs: string[]; disposed: number } {
  const engine = {
    name: 'reference',
    device: 'cpu',
    runs: [] as string[],
    disposed: 0,
    compileEntries: () => Promise.reject(new Error('not here')),
    async compile(graph: Parameters<Engine['compile']>[0]): Promise<Program> {
      const [, , height, width] = graph.inputs.get('image')!.shape as [number, number, number, number];
      return {
        readStates: async () => new Map(),
        writeStates: async () => {},
        dispose: async () => {
          engine.disposed++;
        },
        run: async ({ image }) => {
          engine.runs.push(`${width}×${height}`);
          return findDiscs(image as Float32Array, width, height);
        },
      };
    },
  };
  return engine;
}

function findDiscs(image: Float32Array, width: number, height: number): Record<string, Float32Array> {
  const outputs: Record<string, Float32Array> = {};
  for (const { name, stride, anchors } of detectionHeads) {
    const cells = (width * height) / (stride * stride);
    outputs[`scores.${name}`] = new Float32Array(anchors * cells).fill(-20);
    outputs[`values.${name}`] = new Float32Array(anchors * cells * valuesPerAnchor);
  }
  const halves = width > height ? [0, width / 2, width] : [0, width];
  halves.slice(1).forEach((end, index) => {
    const columns = [halves[index], end] as const;
    const [red, green, blue] = [0, 1, 2].map((channel) => middleOf(image, [width, height], channel, columns));
    if (!red || !green || !blue) return;
    const radius = Math.sqrt((red.count + green.count + blue.count) / Math.PI);
    const [dx, dy] = [blue.x - green.x, blue.y - green.y];
    const [cos, sin] = [dx / Math.hypot(dx, dy), dy / Math.hypot(dx, dy)];
    const x = (green.x + blue.x) / 2 - sin * 0.2 * radius;
    const y = (green.y + blue.y) / 2 + cos * 0.2 * radius;
    const at = (across: number, down: number) => [
      x + radius * (cos * across - sin * down),
      y + radius * (sin * across + cos * down),
    ];
    const points = [
      [-0.4, -0.2],
      [0.4, -0.2],
      [0, 0],
      [0, 0.5],
      [-0.9, 0],
      [0.9, 0],
    ] as const;
    const cell = Math.floor(y / 32) * (width / 32) + Math.floor(x / 32);
    const middle = [(Math.floor(x / 32) + 0.5) * 32, (Math.floor(y / 32) + 0.5) * 32];
    const cells = (width * height) / 1024;
    outputs['scores.coarse'][cell] = Math.max(0.2, 3 - Math.abs(Math.atan2(sin, cos)) * 2);
    [
      x - middle[0],
      y - middle[1],
      2 * radius,
      2 * radius,
      ...points.flatMap(([a, b]) => at(a, b).map((value, k) => value - middle[k])),
    ].forEach((value, k) => {
      outputs['values.coarse'][k * cells + cell] = value;
    });
  });
  return outputs;
}
