import { join } from 'node:path';
import type { Command } from 'commander';
import { exists } from '../../files/path-kind.ts';
import { requirePackages } from '../../packages/optional-packages.ts';
import { formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { printText, runTask, wholeNumber, withInterrupt } from '../command.ts';
import { formatDuration } from '../format.ts';
import { formatScore, formatScores } from '../score-table.ts';
import { TrainingDisplay } from '../training-display.ts';

/** The demo's data and training: small enough for a laptop, large enough for the network to learn. */
const demo = {
  size: 128,
  training: 320,
  validation: 40,
  /** Faces that the bundled network parses. */
  shown: 8,
  seed: 1,
  /** About a minute on two cores. */
  epochs: 6,
  // Small images in small batches: in one minute, the number of steps matters most. The drawn faces vary less than
  // real ones, so they are augmented less.
  overrides: [
    'name=demo',
    'train.size=96',
    'train.labelSize=48',
    'train.batchSize=4',
    'train.lr=3e-3',
    'train.averageDecay=0.98',
    'data.cacheSize=128',
    'data.augmentation.rotation=8',
    'data.augmentation.scale=0.1',
    'data.augmentation.shift=0.03',
    'validation.every=2',
  ],
};

/** Draws the faces once; later demos reuse them. */
async function drawFaces(folder: string): Promise<void> {
  const { writeSyntheticDataset } = await import('../../synthetic/dataset.ts');
  const { size, seed } = demo;
  for (const [split, count] of [
    ['train', demo.training],
    ['val', demo.validation],
  ] as const) {
    if (await exists(join(folder, split))) continue;
    await runTask(`drawing ${split} faces`, {}, ({ signal, onProgress }) =>
      writeSyntheticDataset({
        folder,
        count,
        size,
        seed,
        split,
        onProgress: (done, total) => {
          signal.throwIfAborted();
          onProgress(done, total);
        },
      }),
    );
  }
}

async function freeRunFolder(out: string): Promise<string> {
  for (let number = 1; number < 10_000; number++) {
    const folder = join(out, number === 1 ? 'demo' : `demo-${number}`);
    if (!(await exists(folder))) return folder;
  }
  throw new FaceparseError(`${out} contains too many demo runs; remove some`);
}

/** F (per image) of the constant prediction: the training set's most frequent class at each pixel. */
async function meanFaceFloor(data: string): Promise<number> {
  const [{ openDataset }, { readMask }, { meanFacePrediction }, { FaceScore }] = await Promise.all([
    import('../../data/dataset/dataset.ts'),
    import('../../image/read-image.ts'),
    import('../../metrics/mean-face.ts'),
    import('../../metrics/face-score.ts'),
  ]);
  const masks = async (split: string) => {
    const { items } = await openDataset(join(data, split), { requireMasks: true });
    return Promise.all(items.map(async ({ maskPath }) => (await readMask(maskPath!)).data));
  };
  const prediction = meanFacePrediction(await masks('train'), 19);
  const score = new FaceScore(19);
  for (const truth of await masks('val')) score.add(truth, prediction);
  return score.summary().fPerImage;
}

/**
 * Parses some validation faces with the bundled network, with overlays, and describes the result in a line.
 *
 * @param folder output folder for the masks, with overlays in overlay/
 */
async function parseWithBundledWeights(data: string, folder: string): Promise<string> {
  const { bundledWeights } = await import('../../node/bundled-weights.ts');
  if (!(await exists(bundledWeights))) {
    return `(no flagship/: the bundled weights are missing, ${bundledWeights})`;
  }
  const count = await saveMasks(bundledWeights, data, folder, demo.shown);
  return (
    `flagship/            ${count} faces parsed by the bundled network;\n` +
    '                       it was trained on photos, not on drawn faces'
  );
}

/** Parses the first `count` validation faces, with overlays. @returns the number of faces */
async function saveMasks(weights: string, data: string, folder: string, count = Number.POSITIVE_INFINITY) {
  const [{ FaceParser }, { savePrediction }, { readPhoto }, { openDataset }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../node/save-prediction.ts'),
    import('../../image/read-image.ts'),
    import('../../data/dataset/dataset.ts'),
  ]);
  const parser = await FaceParser.load(weights, { detector: false });
  try {
    const items = (await openDataset(join(data, 'val'))).items.slice(0, count);
    for (const { imagePath, stem } of items) {
      const photo = await readPhoto(imagePath);
      const result = await parser.parse(photo);
      await savePrediction({ folder, stem, photo, result, labelSet: parser.labelSet }, { overlay: true });
    }
    return items.length;
  } finally {
    await parser.dispose();
  }
}

async function runDemo(options: { out: string; epochs: number }): Promise<void> {
  const [{ parseConfig }, { train }, { readEnvironment }, { getLabelSet }] = await Promise.all([
    import('../../config/parse-config.ts'),
    import('../../training/trainer.ts'),
    import('../../training/record/environment.ts'),
    import('../../labels/registry.ts'),
  ]);
  requirePackages('the demo', ['echarts']);
  const data = join('.cache', `demo-faces-${demo.size}-${demo.training}-${demo.validation}`);
  await drawFaces(data);
  const run = await freeRunFolder(options.out);
  const config = parseConfig('', 'the demo', [...demo.overrides, `train.epochs=${options.epochs}`]);
  printText(
    `Training '${config.model.name}' on ${formatCount(demo.training)} synthetic faces of ${demo.size}×${demo.size} for ${options.epochs} epochs …`,
  );
  const display = new TrainingDisplay(false);
  const result = await withInterrupt((signal) =>
    train({ config, data, run, signal, onProgress: (progress) => display.update(progress) }),
  ).finally(() => display.finish());
  if (result.interrupted) return printText(`Stopped; partial results are in ${run}.`);
  await saveMasks(join(run, 'weights', 'last.safetensors'), data, join(run, 'masks'));
  printText(`\n${formatScores(result.last!, getLabelSet(config.data.labels))}`);
  const flagship = await parseWithBundledWeights(data, join(run, 'flagship'));
  const floor = await meanFaceFloor(data);
  const { parameters } = await readEnvironment(result.run.environment);
  printText(
    `\nF (per image) ${formatScore(result.last!.fPerImage)} after ${formatCount(result.steps)} steps in ${formatDuration(result.seconds)} with ${formatCount(parameters)} parameters;` +
      ` predicting the mean face everywhere gives ${formatScore(floor)}.\n\n` +
      `Results in ${run}/\n` +
      '  validation.png       photo, truth, prediction, errors\n' +
      '  batch.png            a training batch after augmentation\n' +
      '  curves.svg           loss, F and learning rate\n' +
      '  masks/               one palette PNG of class ids per face; overlays in masks/overlay/\n' +
      `  ${flagship}\n` +
      '  weights/             best.safetensors: faceparse predict ' +
      `${run} PHOTO --out DIR`,
  );
}

/** `faceparse demo` */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('train on synthetic faces for about a minute and show the results')
    .option('--out <folder>', 'where to create the run folder', 'runs')
    .option('--epochs <n>', 'passes over the training faces', wholeNumber(1, 1000), demo.epochs)
    .action(runDemo);
}
