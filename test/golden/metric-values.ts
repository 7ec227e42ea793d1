import { readFileSync } from 'node:fs';
import type { LabelMap } from '../../src/image/image.ts';
import { ignoreLabel } from '../../src/labels/label-set.ts';
import { hash32 } from './unet-values.ts';

/** Pooled ratios, one value or one a class. */
export interface GoldenRatios<Value> {
  readonly precision: Value;
  readonly recall: Value;
  readonly f1: Value;
  readonly iou: Value;
}

/** What scikit-learn and torchmetrics both say of a case. */
interface Pooled {
  readonly confusion: readonly number[];
  readonly pixelAccuracy: number;
  readonly perClass: GoldenRatios<readonly number[]>;
  readonly macro: GoldenRatios<number>;
}

/** Label maps, by their drawing instructions, and what others say of them; metrics.py explains the names. */
export interface GoldenCase {
  readonly name: string;
  readonly classes: number;
  readonly width: number;
  readonly height: number;
  readonly images: number;
  readonly discs: number;
  readonly ids: readonly number[];
  readonly renamed: readonly (readonly [number, number])[];
  readonly ignored: number;
  readonly ground?: number;
  readonly sklearn: Pooled & {
    readonly macroWithoutBackground: GoldenRatios<number>;
    readonly macroOfAllLabels: GoldenRatios<number>;
    readonly macroPrecisionWhereDefined: number;
    readonly fPerImage: number;
    readonly images: readonly { readonly f: number; readonly ids: readonly number[]; readonly f1: readonly number[] }[];
  };
  readonly torchmetrics: Pooled & {
    readonly segmentation?: {
      readonly dicePerClass: readonly (number | null)[];
      readonly diceMacro: number;
      readonly diceMacroWithoutBackground: number;
      readonly diceMicro: number;
      readonly dicePerImage: readonly number[];
      readonly iouPerImage: readonly number[];
    };
  };
  readonly boundary: readonly {
    readonly tolerance: number;
    readonly images: readonly {
      readonly mean: number | null;
      readonly ids: readonly number[];
      readonly precision: readonly number[];
      readonly recall: readonly number[];
      readonly f: readonly number[];
    }[];
  }[];
}

interface Interval {
  readonly level: number;
  readonly low: number;
  readonly high: number;
}

/** What metrics.json holds. */
export interface GoldenMetrics {
  readonly cases: readonly GoldenCase[];
  readonly scipy: readonly (Interval & {
    readonly stream: number;
    readonly count: number;
    readonly difference: number;
    readonly standardError: number;
  })[];
  readonly exact: readonly (Interval & {
    readonly differences: readonly number[];
    readonly lowBounds: readonly [number, number];
    readonly highBounds: readonly [number, number];
  })[];
  readonly binomial: readonly (Interval & { readonly n: number; readonly k: number })[];
}

export function readGoldenMetrics(): GoldenMetrics {
  return JSON.parse(readFileSync(new URL('metrics.json', import.meta.url), 'utf8')) as GoldenMetrics;
}

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly label: number;
}

/** `paint` of metrics.py. */
function paint(discs: readonly Disc[], width: number, height: number, ground: number): LabelMap {
  const data = new Uint8Array(width * height).fill(ground);
  for (const { x, y, radius, label } of discs) {
    for (let at = 0; at < data.length; at++) {
      const [right, down] = [(at % width) - x, Math.floor(at / width) - y];
      if (right * right + down * down <= radius * radius) data[at] = label;
    }
  }
  return { width, height, data };
}

/** The truths and predictions of a case: `label_maps` of metrics.py. */
export function labelMaps(golden: GoldenCase, index: number): { truth: LabelMap; prediction: LabelMap }[] {
  const { width, height, ids, discs, ignored, ground = 0 } = golden;
  const renamed = new Map(golden.renamed);
  return Array.from({ length: golden.images }, (_, image) => {
    const stream = 100 * index + 2 * image;
    const drawn = (disc: number, place: number) => hash32(stream, 4 * disc + place);
    const change = (disc: number, place: number) => hash32(stream + 1, 4 * disc + place);
    const truth: Disc[] = [];
    const prediction: Disc[] = [];
    for (let disc = 0; disc < discs; disc++) {
      const [x, y, radius] = [drawn(disc, 0) % width, drawn(disc, 1) % height, 2 + (drawn(disc, 2) % 6)];
      const pick = drawn(disc, 3);
      truth.push({ x, y, radius, label: ids[pick % ids.length] });
      prediction.push({
        x: x + (change(disc, 0) % 3) - 1,
        y: y + (change(disc, 1) % 3) - 1,
        radius: radius + (change(disc, 2) % 3) - 1,
        label: ids[(pick + (change(disc, 3) % 8 === 0 ? 1 : 0)) % ids.length],
      });
    }
    for (let patch = discs; patch < discs + ignored; patch++) {
      const [x, y, radius] = [drawn(patch, 0) % width, drawn(patch, 1) % height, 1 + (drawn(patch, 2) % 4)];
      truth.push({ x, y, radius, label: ignoreLabel });
    }
    const predicted = paint(prediction, width, height, ground);
    return {
      truth: paint(truth, width, height, ground),
      prediction: { ...predicted, data: predicted.data.map((label) => renamed.get(label) ?? label) },
    };
  });
}

/** Scores of two systems on the same images: `paired_scores` of metrics.py. */
export function pairedScores(stream: number, count: number): { a: Float64Array; b: Float64Array } {
  const share = (own: number, index: number) => hash32(stream + own, index) / 2 ** 32;
  const scores = (from: number, own: number) =>
    Float64Array.from({ length: count }, (_, index) => from + 0.3 * share(0, index) + 0.1 * share(own, index));
  return { a: scores(0.5, 1), b: scores(0.49, 2) };
}
