import { round, svgImage, svgText, textWidth, wrapText } from '../../charts/svg-text.ts';
import type { NetworkPart, NetworkParts } from '../facts/network-parts.ts';

/** A box of the figure, in its units. */
export interface FigureBox {
  readonly name: string;
  /** `112×24²`: channels and side. */
  readonly size: string;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An arrow from box to box. */
export interface FigureArrow {
  readonly from: number;
  readonly to: number;
  /** Whether it bypasses parts: a skip connection. */
  readonly skip: boolean;
  /** Upsampling factor from source to target; 1 if the target is not larger. */
  readonly enlarged: number;
}

export interface FigureLayout {
  readonly width: number;
  readonly height: number;
  /** The image first, then the parts. */
  readonly boxes: readonly FigureBox[];
  readonly arrows: readonly FigureArrow[];
}

const font = { title: 9, text: 8.5 };
const lineHeight = 10;
const padding = 5;
const boxWidth = 98;
/** Horizontal offset between consecutive boxes on different rows; less than the width of a box, so that arrows are straight. */
const step = 36;
const gap = { x: 22, y: 15 };

function formatSize([channels, height, width]: NetworkPart['shape']): string {
  return `${channels}×${height === width ? `${height}²` : `${height}×${width}`}`;
}

/**
 * Arranges the parts of a network in rows, one per resolution, from left to right in execution order. A U-shaped network
 * therefore looks like a U.
 */
export function layOutNetwork({ input, parts }: NetworkParts): FigureLayout {
  const all = [
    { name: 'photo', contents: [] as NetworkPart['contents'], shape: input, reads: [] as readonly number[] },
    ...parts,
  ];
  const texts = all.map(({ name, contents, shape }) => {
    const size = formatSize(shape);
    const titleLines = textWidth(`${name}  ${size}`, font.title) <= boxWidth - 2 * padding ? 1 : 2;
    const lines = contents.flatMap((content) => wrapText(content.text, font.text, boxWidth - 2 * padding));
    return { size, titleLines, lines, height: (titleLines + lines.length) * lineHeight + 2 * padding - 2 };
  });
  const sides = [...new Set(all.map(({ shape }) => shape[1]))].sort((a, b) => b - a);
  const rowOf = (index: number) => sides.indexOf(all[index].shape[1]);
  const heights = sides.map((_, row) =>
    Math.max(...texts.filter((_, index) => rowOf(index) === row).map((t) => t.height)),
  );
  const tops = heights.map((_, row) => 1 + heights.slice(0, row).reduce((sum, height) => sum + height + gap.y, 0));
  const rowEnds = sides.map(() => Number.NEGATIVE_INFINITY);
  const boxes: FigureBox[] = [];
  all.forEach(({ name }, index) => {
    const row = rowOf(index);
    const previous = boxes[mainSource(all[index].reads) + 1];
    const x = Math.max(index === 0 ? 1 : 0, (previous?.x ?? 1 - step) + step, rowEnds[row] + gap.x);
    rowEnds[row] = x + boxWidth;
    const { size, lines, height } = texts[index];
    boxes.push({ name, size, lines, x, y: tops[row] + (heights[row] - height) / 2, width: boxWidth, height });
  });
  return {
    width: Math.max(...boxes.map(({ x, width }) => x + width)) + 1,
    height: tops.at(-1)! + heights.at(-1)! + 1,
    boxes,
    arrows: arrowsOf(all),
  };
}

/** The main input of a part: the last part that it reads. */
function mainSource(reads: readonly number[]): number {
  return reads.at(-1) ?? -1;
}

function arrowsOf(all: readonly Pick<NetworkPart, 'reads' | 'shape'>[]): FigureArrow[] {
  return all.flatMap(({ reads, shape }, to) =>
    reads.map((read) => {
      const enlarged = shape[1] / all[read + 1].shape[1];
      return { from: read + 1, to, skip: read !== mainSource(reads), enlarged: Math.max(1, round(enlarged)) };
    }),
  );
}

/** The points of an arrow: straight if the boxes share a row or overlap horizontally, otherwise with corners. */
function route(from: FigureBox, to: FigureBox, boxes: readonly FigureBox[]): (readonly [number, number])[] {
  const middle = (box: FigureBox) => box.y + box.height / 2;
  if (Math.abs(middle(from) - middle(to)) < 1) {
    const y = middle(from);
    const between = boxes.some((box) => Math.abs(middle(box) - y) < 1 && box.x > from.x && box.x < to.x);
    if (!between)
      return [
        [from.x + from.width, y],
        [to.x, y],
      ];
    const above = Math.min(from.y, to.y) - gap.y / 2;
    return [
      [from.x + from.width * 0.75, from.y],
      [from.x + from.width * 0.75, above],
      [to.x + to.width / 4, above],
      [to.x + to.width / 4, to.y],
    ];
  }
  const down = middle(to) > middle(from);
  const [start, end] = [down ? from.y + from.height : from.y, down ? to.y : to.y + to.height];
  const [left, right] = [Math.max(from.x, to.x), Math.min(from.x + from.width, to.x + to.width)];
  if (right - left > 6)
    return [
      [(left + right) / 2, start],
      [(left + right) / 2, end],
    ];
  const x = to.x + to.width / 2;
  return [
    [from.x + from.width, middle(from)],
    [x, middle(from)],
    [x, end],
  ];
}

function drawArrow({ from, to, skip, enlarged }: FigureArrow, boxes: readonly FigureBox[]): string {
  const points = route(boxes[from], boxes[to], boxes);
  const [[beforeX, beforeY], [x, y]] = points.slice(-2) as [[number, number], [number, number]];
  const color = skip ? '#8a929e' : '#2b2f36';
  const [dx, dy] = [Math.sign(x - beforeX), Math.sign(y - beforeY)];
  const head = [
    [x, y],
    [x - 5 * dx - 2.5 * dy, y - 5 * dy - 2.5 * dx],
    [x - 5 * dx + 2.5 * dy, y - 5 * dy + 2.5 * dx],
  ];
  const path = points.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${round(px)} ${round(py)}`).join('');
  const tip = head.map(([px, py]) => `${round(px)},${round(py)}`).join(' ');
  return [
    `<path d="${path}" fill="none" stroke="${color}" stroke-width="1"${skip ? ' stroke-dasharray="3 2"' : ''}/>`,
    `<polygon points="${tip}" fill="${color}"/>`,
    enlarged > 1 && !skip
      ? svgText(`×${enlarged}`, (beforeX + x) / 2 + 4, (beforeY + y) / 2 + 3, { size: 8, color })
      : '',
  ].join('');
}

const fills: Readonly<Record<string, string>> = { photo: '#f3f4f6', head: '#fdeede' };

function drawBox({ name, size, lines, x, y, width, height }: FigureBox, enlarging: boolean): string {
  const fill = fills[name] ?? (enlarging ? '#e4f3e8' : '#e6eefa');
  const oneLine = textWidth(`${name}  ${size}`, font.title) <= width - 2 * padding;
  const first = y + padding + 7;
  const second = oneLine ? first : first + lineHeight;
  return [
    `<rect x="${round(x)}" y="${round(y)}" width="${width}" height="${round(height)}" rx="3" fill="${fill}" stroke="#9aa1ab" stroke-width="0.8"/>`,
    svgText(wrapText(name, font.title, width - 2 * padding)[0], x + padding, first, { size: font.title, bold: true }),
    svgText(size, x + width - padding, second, { size: font.text, anchor: 'end', color: '#374151' }),
    ...lines.map((line, index) => svgText(line, x + padding, second + (index + 1) * lineHeight, { size: font.text })),
  ].join('');
}

/**
 * Draws a network as an SVG: a box for each part with its channels × resolution and modules, and an arrow for each input
 * (dashed for skip connections, ×2 for upsampling).
 *
 * @example await writeFileAtomic('network.svg', networkFigure(networkParts(graph)))
 */
export function networkFigure(network: NetworkParts): string {
  const { width, height, boxes, arrows } = layOutNetwork(network);
  const enlarging = new Set(arrows.filter(({ enlarged }) => enlarged > 1).map(({ to }) => to));
  return svgImage(width, height, [
    ...arrows.map((arrow) => drawArrow(arrow, boxes)),
    ...boxes.map((box, index) => drawBox(box, enlarging.has(index))),
  ]);
}
