import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  ellipse,
  intersect,
  mirrorHalf,
  type Point,
  polygon,
  smoothCurve,
  smoothstep,
  stroke,
  subtract,
  unite,
} from './shapes.ts';

const coordinate = fc.double({ min: -1, max: 1, noNaN: true }).map((value) => Math.round(value * 1000) / 1000);
const point = fc.tuple(coordinate, coordinate);

/** Distance to the polygon's edges and parity of crossings, over all edges without a grid. */
function plainDistance(points: readonly Point[], [px, py]: Point): number {
  let nearest = Number.POSITIVE_INFINITY;
  let inside = false;
  points.forEach(([ax, ay], i) => {
    const [bx, by] = points[(i + 1) % points.length];
    const squared = (bx - ax) ** 2 + (by - ay) ** 2;
    const t = squared === 0 ? 0 : Math.min(1, Math.max(0, ((px - ax) * (bx - ax) + (py - ay) * (by - ay)) / squared));
    nearest = Math.min(nearest, Math.hypot(px - ax - t * (bx - ax), py - ay - t * (by - ay)));
    if (ay > py !== by > py && px < ax + ((py - ay) / (by - ay)) * (bx - ax)) inside = !inside;
  });
  return inside ? -nearest : nearest;
}

describe('polygon', () => {
  it('agrees with the distance over all edges, inside, outside and far away', () => {
    fc.assert(
      fc.property(
        fc.array(point, { minLength: 3, maxLength: 20 }),
        fc.array(point, { minLength: 20, maxLength: 40 }),
        (corners, probes) => {
          const shape = polygon(corners);
          for (const [x, y] of [...probes, ...probes.map(([x, y]): Point => [x * 3, y * 3])]) {
            const wanted = plainDistance(corners, [x, y]);
            // On an edge the sign is a matter of rounding.
            if (Math.abs(wanted) > 1e-6) expect(shape.distance(x, y)).toBeCloseTo(wanted, 9);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('shapes', () => {
  it('measures an ellipse, a line, and their combinations', () => {
    const circle = ellipse(1, 1, 0.5, 0.5);
    expect(circle.distance(1, 2)).toBeCloseTo(0.5);
    expect(circle.distance(1.4, 1)).toBeCloseTo(-0.1);
    expect(circle.bounds).toEqual([0.5, 0.5, 1.5, 1.5]);
    const line = stroke(
      [
        [0, 0],
        [2, 0],
      ],
      (along) => 0.1 + 0.2 * along,
    );
    expect(line.distance(0, 0.5)).toBeCloseTo(0.4);
    expect(line.distance(2, 0.5)).toBeCloseTo(0.2);
    const ring = subtract(circle, ellipse(1, 1, 0.3, 0.3));
    expect(ring.distance(1, 1)).toBeCloseTo(0.3);
    expect(ring.distance(1.4, 1)).toBeCloseTo(-0.1);
    expect(intersect(circle, line).distance(1, 1)).toBeGreaterThan(0);
    expect(unite(circle, line).distance(1, 1)).toBeLessThan(0);
    expect(unite(circle, line).bounds.map((edge) => Number(edge.toFixed(9)))).toEqual([-0.3, -0.3, 2.3, 1.5]);
  });

  it('turns an ellipse', () => {
    const tall = ellipse(0, 0, 0.5, 0.1, Math.PI / 2);
    expect(tall.distance(0, 0.4)).toBeLessThan(0);
    expect(tall.distance(0.4, 0)).toBeGreaterThan(0);
  });

  it('runs a smooth curve through its points', () => {
    const points: Point[] = [
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ];
    expect(smoothCurve(points, true, 4)).toHaveLength(16);
    const open = smoothCurve(points, false, 4);
    expect(open).toHaveLength(13);
    for (const [i, p] of points.entries()) expect(open[i * 4]).toEqual(p);
  });

  it('mirrors a half without doubling the axis', () => {
    expect(
      mirrorHalf([
        [0, 0],
        [1, 1],
        [0, 2],
      ]),
    ).toEqual([
      [0, 0],
      [1, 1],
      [0, 2],
      [-1, 1],
    ]);
  });

  it('steps smoothly up and down', () => {
    expect([smoothstep(0, 1, -1), smoothstep(0, 1, 0.5), smoothstep(0, 1, 2)]).toEqual([0, 0.5, 1]);
    expect(smoothstep(1, 0, 0.25)).toBeGreaterThan(0.8);
  });
});
