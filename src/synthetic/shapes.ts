/** A point: x grows to the right, y grows downwards. */
export type Point = readonly [number, number];

/** A filled shape as a signed distance: negative inside, in the units of its coordinates. */
export interface Shape {
  /** [left, top, right, bottom] of the inside. */
  readonly bounds: readonly [number, number, number, number];
  distance(x: number, y: number): number;
}

function boundsOf(points: readonly Point[], margin = 0): [number, number, number, number] {
  let left = Number.POSITIVE_INFINITY;
  let top = Number.POSITIVE_INFINITY;
  let right = Number.NEGATIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (const [x, y] of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return [left - margin, top - margin, right + margin, bottom + margin];
}

/** Returns a curve through the points (uniform Catmull–Rom), as a polyline with `steps` pieces between two points. */
export function smoothCurve(points: readonly Point[], closed: boolean, steps = 6): Point[] {
  const n = points.length;
  const at = (i: number): Point => (closed ? points[(i + n) % n] : points[Math.min(n - 1, Math.max(0, i))]);
  const curve: Point[] = [];
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let s = 0; s < steps; s++) {
      const t = s / steps;
      const blend = (k: 0 | 1) =>
        0.5 *
        (2 * b[k] +
          (c[k] - a[k]) * t +
          (2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]) * t * t +
          (3 * b[k] - a[k] - 3 * c[k] + d[k]) * t * t * t);
      curve.push([blend(0), blend(1)]);
    }
  }
  if (!closed) curve.push(points[n - 1]);
  return curve;
}

const cellSize = 0.035;
const maxCells = 24;

/**
 * Creates a polygon with an exact signed distance (I. Quilez, "2D distance functions").
 *
 * Each grid cell lists the edges that can be nearest to one of its points. The list is built when the cell is first used.
 */
export function polygon(points: readonly Point[]): Shape {
  const n = points.length;
  const edges = new Float64Array(n * 5);
  for (let i = 0; i < n; i++) {
    const [x, y] = points[i];
    const [nx, ny] = points[(i + 1) % n];
    edges.set([x, y, nx - x, ny - y, 1 / Math.max(1e-12, (nx - x) ** 2 + (ny - y) ** 2)], i * 5);
  }
  const squaredTo = (e: number, px: number, py: number): number => {
    const ex = edges[e + 2];
    const ey = edges[e + 3];
    const wx = px - edges[e];
    const wy = py - edges[e + 1];
    const t = Math.min(1, Math.max(0, (wx * ex + wy * ey) * edges[e + 4]));
    const dx = wx - ex * t;
    const dy = wy - ey * t;
    return dx * dx + dy * dy;
  };

  const bounds = boundsOf(points);
  // A small margin: soft edges and shadows query points outside the bounds.
  const [left, top, right, bottom] = boundsOf(points, 0.05);
  const columns = Math.min(maxCells, Math.ceil((right - left) / cellSize));
  const rows = Math.min(maxCells, Math.ceil((bottom - top) / cellSize));
  const cellWidth = (right - left) / columns;
  const cellHeight = (bottom - top) / rows;
  const all = Int32Array.from({ length: n }, (_, i) => i * 5);
  const away = new Float64Array(n);
  const nearLists: (Int32Array | undefined)[] = new Array(columns * rows).fill(undefined);
  const crossLists: (Int32Array | undefined)[] = new Array(rows).fill(undefined);

  const edgesNear = (column: number, row: number): Int32Array => {
    const centerX = left + (column + 0.5) * cellWidth;
    const centerY = top + (row + 0.5) * cellHeight;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < n; i++) {
      away[i] = squaredTo(i * 5, centerX, centerY);
      least = Math.min(least, away[i]);
    }
    // A point of the cell is at most half a diagonal nearer to one edge and further from another.
    const limit = (Math.sqrt(least) + Math.hypot(cellWidth, cellHeight)) ** 2;
    return all.filter((_, i) => away[i] <= limit);
  };
  const edgesAcross = (row: number): Int32Array => {
    const low = top + (row - 0.001) * cellHeight;
    const high = top + (row + 1.001) * cellHeight;
    return all.filter((e) => {
      const y0 = edges[e + 1];
      const y1 = y0 + edges[e + 3];
      return Math.min(y0, y1) <= high && Math.max(y0, y1) >= low;
    });
  };

  return {
    bounds,
    distance(px, py) {
      const column = Math.floor((px - left) / cellWidth);
      const row = Math.floor((py - top) / cellHeight);
      const inGrid = column >= 0 && row >= 0 && column < columns && row < rows;
      const cell = row * columns + column;
      let near: Int32Array | undefined = all;
      if (inGrid) {
        near = nearLists[cell];
        if (near === undefined) {
          near = edgesNear(column, row);
          nearLists[cell] = near;
        }
      }
      let nearest = Number.POSITIVE_INFINITY;
      for (let i = 0; i < near.length; i++) nearest = Math.min(nearest, squaredTo(near[i], px, py));
      if (!inGrid) return Math.sqrt(nearest);
      let crossing = crossLists[row];
      if (crossing === undefined) {
        crossing = edgesAcross(row);
        crossLists[row] = crossing;
      }
      let inside = false;
      for (let i = 0; i < crossing.length; i++) {
        const e = crossing[i];
        const ey = edges[e + 3];
        const wy = py - edges[e + 1];
        if (wy >= 0 !== wy >= ey && (wy / ey) * edges[e + 2] > px - edges[e]) inside = !inside;
      }
      return inside ? -Math.sqrt(nearest) : Math.sqrt(nearest);
    },
  };
}

/** Creates a closed smooth shape through the points. */
export function blob(points: readonly Point[], steps = 6): Shape {
  return polygon(smoothCurve(points, true, steps));
}

/** Creates an ellipse rotated by `angle` radians. The distance is first-order: exact on the edge, approximate nearby. */
export function ellipse(cx: number, cy: number, rx: number, ry: number, angle = 0): Shape {
  const cos = Math.cos(angle);
  const sin = Math.sin(angle);
  const halfWidth = Math.hypot(rx * cos, ry * sin);
  const halfHeight = Math.hypot(rx * sin, ry * cos);
  return {
    bounds: [cx - halfWidth, cy - halfHeight, cx + halfWidth, cy + halfHeight],
    distance(px, py) {
      const x = ((px - cx) * cos + (py - cy) * sin) / rx;
      const y = (-(px - cx) * sin + (py - cy) * cos) / ry;
      const radius = Math.hypot(x, y);
      const slope = Math.hypot(x / rx, y / ry);
      return slope < 1e-9 ? -Math.min(rx, ry) : (radius * (radius - 1)) / slope;
    },
  };
}

/** Creates a thick line along a polyline; `halfWidth` may be a function of the position, 0 at the start to 1 at the end. */
export function stroke(points: readonly Point[], halfWidth: number | ((along: number) => number)): Shape {
  const widthAt = typeof halfWidth === 'number' ? () => halfWidth : halfWidth;
  const last = points.length - 1;
  const widths = points.map((_, i) => widthAt(i / last));
  return {
    bounds: boundsOf(points, Math.max(...widths)),
    distance(px, py) {
      let nearest = Number.POSITIVE_INFINITY;
      for (let i = 0; i < last; i++) {
        const [x, y] = points[i];
        const ex = points[i + 1][0] - x;
        const ey = points[i + 1][1] - y;
        const t = Math.min(1, Math.max(0, ((px - x) * ex + (py - y) * ey) / Math.max(1e-12, ex * ex + ey * ey)));
        const away = Math.hypot(px - x - ex * t, py - y - ey * t);
        nearest = Math.min(nearest, away - (widths[i] * (1 - t) + widths[i + 1] * t));
      }
      return nearest;
    },
  };
}

/** Returns the part of `shape` outside `hole`. */
export function subtract(shape: Shape, hole: Shape): Shape {
  return { bounds: shape.bounds, distance: (x, y) => Math.max(shape.distance(x, y), -hole.distance(x, y)) };
}

/** Returns the intersection of two shapes. */
export function intersect(a: Shape, b: Shape): Shape {
  return { bounds: a.bounds, distance: (x, y) => Math.max(a.distance(x, y), b.distance(x, y)) };
}

/** Returns the union of shapes. */
export function unite(...shapes: Shape[]): Shape {
  const corners = shapes.flatMap(({ bounds: [left, top, right, bottom] }): Point[] => [
    [left, top],
    [right, bottom],
  ]);
  return {
    bounds: boundsOf(corners),
    distance(x, y) {
      let nearest = Number.POSITIVE_INFINITY;
      for (const shape of shapes) nearest = Math.min(nearest, shape.distance(x, y));
      return nearest;
    },
  };
}

/** Closes a right half, given from top to bottom, with its mirror image about x = 0; points on the axis are not repeated. */
export function mirrorHalf(right: readonly Point[]): Point[] {
  const left = right.filter(([x]) => x !== 0).map(([x, y]): Point => [-x, y]);
  return [...right, ...left.reverse()];
}

/** Smoothstep from 0 at `low` to 1 at `high`; decreasing if low > high. */
export function smoothstep(low: number, high: number, value: number): number {
  const t = Math.min(1, Math.max(0, (value - low) / (high - low)));
  return t * t * (3 - 2 * t);
}
