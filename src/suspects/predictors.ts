import type { EngineChoice } from '../engine/select-engine.ts';
import type { Photo } from '../image/image.ts';
import { FaceParser } from '../node/face-parser.ts';
import type { JudgingRun } from './judging-runs.ts';

/** Class probabilities of a photo, averaged over several networks. */
export interface MeanPrediction {
  readonly width: number;
  readonly height: number;
  /** C×H×W. */
  readonly probabilities: Float32Array;
}

/** The networks of the runs that judge the present pair; those of other runs are not in memory. */
export class Predictors {
  readonly #loaded = new Map<string, FaceParser>();

  constructor(private readonly engine: EngineChoice) {}

  /**
   * The mean of the class probabilities that the networks of some runs give a photo.
   *
   * @param maxSide longest side of the result in pixels
   */
  async predict(
    runs: readonly JudgingRun[],
    photo: Photo,
    { maxSide, signal }: { maxSide: number; signal?: AbortSignal | undefined },
  ): Promise<MeanPrediction> {
    await this.#load(runs);
    let mean: MeanPrediction | undefined;
    for (const { file } of runs) {
      const parser = this.#loaded.get(file)!;
      const result = await parser.parse(photo, { maxSide, ...(signal && { signal }) });
      const { width, height } = result;
      const pixels = width * height;
      mean ??= { width, height, probabilities: new Float32Array(parser.labelSet.classes.length * pixels) };
      const { probabilities } = mean;
      for await (const { y, rows, data } of result.probabilityBands()) {
        const band = rows * width;
        for (let from = 0, to = y * width; from < data.length; from += band, to += pixels) {
          for (let at = 0; at < band; at++) probabilities[to + at] += data[from + at] / runs.length;
        }
      }
    }
    return mean!;
  }

  async #load(runs: readonly JudgingRun[]): Promise<void> {
    const files = runs.map(({ file }) => file);
    for (const [file, parser] of this.#loaded) {
      if (files.includes(file)) continue;
      this.#loaded.delete(file);
      await parser.dispose();
    }
    for (const file of files) {
      if (!this.#loaded.has(file))
        this.#loaded.set(file, await FaceParser.load(file, { ...this.engine, detector: false }));
    }
  }

  async dispose(): Promise<void> {
    await this.#load([]);
  }
}
