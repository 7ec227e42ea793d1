import type { ComparedRun, Comparison, Panel, SplitName, SplitScores } from '../src/comparison/comparison.ts';
import { classDistribution } from '../src/comparison/facts/class-distribution.ts';
import { parseConfig } from '../src/config/parse-config.ts';
import { celebamask19 } from '../src/labels/celebamask-19.ts';
import type { LabelSet } from '../src/labels/label-set.ts';
import { mergeTable } from '../src/labels/merge.ts';
import { meanWithError, pairedInterval } from '../src/metrics/bootstrap.ts';
import { BoundaryScore } from '../src/metrics/boundary-score.ts';
import { FaceScore } from '../src/metrics/face-score.ts';
import { Random } from '../src/random/random.ts';
import { drawSyntheticFace } from '../src/synthetic/face.ts';
import type { MetricsLine } from '../src/training/record/run-folder.ts';

export interface MadeUpComparison {
  readonly runs?: readonly string[];
  readonly labelSet?: LabelSet;
  readonly splits?: readonly SplitName[];
  readonly images?: number;
  readonly size?: number;
  readonly panels?: number;
  readonly epochs?: number;
  /** All runs predict the same. */
  readonly identical?: boolean;
}

const boundaryTolerance = 3;
const models = ['pspnet', 'deeplabv3plus', 'unet', 'linknet', 'compact', 'mobile-unet'];

/** Drawing takes most of the time of a comparison; faces are drawn once. */
const drawn = new Map<string, ReturnType<typeof drawSyntheticFace>>();

function drawFace(seed: number, size: number): ReturnType<typeof drawSyntheticFace> {
  const key = `${seed} ${size}`;
  const face = drawn.get(key) ?? drawSyntheticFace(seed, size);
  drawn.set(key, face);
  return face;
}

/** A drawn face with labels of the set; the corner of every third one is ignored. */
function drawPair(seed: number, size: number, set: LabelSet) {
  const { photo, labels } = drawFace(seed, size);
  const table = mergeTable(set);
  const data = labels.data.map((id) => table[id]);
  if (seed % 3 === 0) for (let y = 0; y < size / 4; y++) data.fill(255, y * size, y * size + size / 4);
  return { photo, truth: { width: size, height: size, data } };
}

/** A prediction with errors at boundaries, more of them for a later run. */
function predict(truth: Uint8Array, size: number, run: number, seed: number, classes: number): Uint8Array {
  const random = new Random(seed, `run ${run}`);
  const shift = 1 + Math.round((run * size) / 200);
  const [wrongX, wrongY, wrongId] = [random.integer(size), random.integer(size), random.integer(classes)];
  const radius = (random.integer(12) * size) / 200;
  return Uint8Array.from(truth, (_, at) => {
    const [x, y] = [at % size, Math.floor(at / size)];
    if ((x - wrongX) ** 2 + (y - wrongY) ** 2 < radius ** 2) return wrongId;
    const wave = Math.round(shift * Math.sin(y / 9 + run));
    const id = truth[y * size + Math.min(size - 1, Math.max(0, x + wave))];
    return id === 255 ? 0 : id;
  });
}

function curves(run: number, epochs: number): MetricsLine[] {
  const random = new Random(run, 'curves');
  return Array.from({ length: epochs * 4 }, (_, index) => {
    const [step, epoch] = [(index + 1) * 10, (index + 1) / 4];
    const progress = 1 - Math.exp(-epoch / (3 + run));
    const behind = Math.min(0.02 * run, progress / 10);
    const validated = {
      valF: 0.9 * progress - behind,
      valMacroF1: 0.86 * progress - behind,
      valMacroF1NoBackground: 0.84 * progress - behind,
      valMacroIou: 0.75 * progress - behind,
      valPixelAccuracy: 0.95 * progress,
      valLoss: 0.4 + 2 * (1 - progress) + 0.05 * run,
    };
    return {
      step,
      epoch,
      seconds: step / 10,
      loss: 0.3 + 2.2 * (1 - progress) + 0.1 * run + random.uniform(0, 0.2),
      learningRate: 0.1 * 0.5 ** Math.floor(epoch / (5 + run)),
      ...(index % 4 === 3 && validated),
    };
  });
}

/** A comparison of networks that never existed, on drawn faces. */
export function madeUpComparison({
  runs = ['pspnet', 'deeplab'],
  labelSet = celebamask19,
  splits = ['train', 'val', 'test'],
  images = 6,
  size = 64,
  panels = 2,
  epochs = 12,
  identical = false,
}: MadeUpComparison = {}): Comparison {
  const classes = labelSet.classes.length;
  const pairs = splits.map((split, index) => ({
    split,
    items: Array.from({ length: images }, (_, image) => {
      const seed = index * 1000 + image;
      return { stem: String(seed), ...drawPair(seed, size, labelSet), seed };
    }),
  }));
  const prediction = (truth: Uint8Array, run: number, seed: number) =>
    predict(truth, size, identical ? 0 : run, seed, classes);
  const score = (run: number, { split, items }: (typeof pairs)[number]): SplitScores => {
    const [scorer, boundary] = [new FaceScore(classes), new BoundaryScore(classes, boundaryTolerance)];
    const scored = items.map(({ stem, truth, seed }) => {
      const labels = prediction(truth.data, run, seed);
      const boundaryF = boundary.score(truth, { ...truth, data: labels }).f;
      return { stem, f: scorer.add(truth.data, labels).f, ...(boundaryF !== undefined && { boundaryF }) };
    });
    return {
      split,
      summary: scorer.summary(),
      images: scored,
      f: meanWithError(scored.map(({ f }) => f)),
      boundaryF: meanWithError(scored.map(({ boundaryF }) => boundaryF ?? 0)),
      networkMilliseconds: 12.5 + run,
    };
  };
  const compared = runs.map((name, run): ComparedRun => {
    const model = models[run % models.length];
    return {
      name,
      folder: `runs/${name}`,
      config: parseConfig('', '', [`model.name=compact`, `train.epochs=${epochs}`, `train.seed=${run}`]),
      machine: 'Xeon, native on cpu, 2 threads',
      ...(run === 3 && { unfinished: 'stopped at epoch 3.0 of 12' }),
      cost: {
        model,
        size: 256,
        parameters: 1_681_235 * (run + 1),
        gigaMultiplyAccumulates: 2.345 * (run + 1),
        epochs,
        steps: epochs * 40,
        secondsPerEpoch: 61.2,
      },
      metrics: curves(identical ? 0 : run, epochs),
      scores: pairs.map((pair) => score(run, pair)),
    };
  });
  const last = pairs.at(-1)!;
  return {
    title: 'PSPNet and DeepLabv3+ on eight classes',
    question: 'Which decoder parses faces better from scratch?',
    labelSet,
    boundaryTolerance,
    command: 'faceparse compare sibling-pspnet.yaml sibling-deeplab.yaml --data data --out comparison',
    version: '0.1.0',
    runs: compared,
    differences: splits.flatMap((split) => {
      const values = compared.map(({ name, scores }) => ({
        name,
        f: scores.find((entry) => entry.split === split)!.images.map(({ f }) => f),
      }));
      return values.flatMap((run, index) =>
        values.slice(0, index).map((base) => ({
          split,
          run: run.name,
          base: base.name,
          ...pairedInterval(run.f, base.f, { draws: 500 }),
        })),
      );
    }),
    distributions: pairs.map(({ split, items }) =>
      classDistribution(
        split,
        items.map(({ stem, truth }) => ({
          stem,
          f: 0,
          pixels: labelSet.classes.map(({ id }) => truth.data.filter((label) => label === id).length),
        })),
        classes,
      ),
    ),
    panels: last.items.slice(0, panels).map(
      ({ stem, photo, truth, seed }, index): Panel => ({
        split: last.split,
        stem,
        reason: (['best', 'median', 'worst', 'most disagreed'] as const)[index % 4],
        width: size,
        height: size,
        photo: photo.data,
        truth: truth.data,
        predictions: runs.map((run, at) => ({
          run,
          f: compared[at].scores.at(-1)!.images[index].f,
          labels: prediction(truth.data, at, seed),
        })),
      }),
    ),
  };
}
