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

/** The demo's data and training: small enough for a laptop, large enough to see a parser learn. */
const demo = {
  size: 128,
  training: 320,
  validation: 40,
  /** Faces that the bundled network parses. */
  shown: 8,
  seed: 1,
  /** About a minute on two cores; a slow machine takes longer, but ends as well. */
  epochs: 6,
  // Small images in small batches: what counts in one minute is the number of steps. The drawn faces vary less than
  // real ones, so they are moved about less.
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

/** Draws the faces, once; later demos find them. */
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
  throw new FaceparseError(`${out} holds too many demos; remove some`);
}

/** F (per image) of always answering with the training set's most frequent class of each pixel. */
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
 * Lays what the network that comes with faceparse sees over some of the validation faces; says in a line what came of it.
 *
 * @param folder gets the masks, and the overlays in overlay/
 */
async function parseWithBundledWeights(data: string, folder: string): Promise<string> {
  const { bundledWeights } = await import('../../node/bundled-weights.ts');
  if (!(await exists(bundledWeights))) {
    return `(flagship/ is left out: the weights that come with faceparse are missing, ${bundledWeights})`;
  }
  const count = await saveMasks(bundledWeights, data, folder, demo.shown);
  return (
    `flagship/            ${count} faces as the network that comes with faceparse sees them;\n` +
    '                       it was trained on photographs, never on drawn faces'
  );
}

/** Parses the first `count` validation faces, with overlays; gives back how many there were. */
async function saveMasks(weights: string, data: string, folder: string, count = Number.POSITIVE_INFINITY) {
  const [{ FaceParser }, { savePrediction }, { readPhoto }, { openDataset }] = await Promise.all([
    import('../../node/face-parser.ts'),
    import('../../node/save-prediction.ts'),
    import('../../image/read-image.ts'),
    import('../../data/dataset/dataset.ts'),
  ]);
  const parser = await FaceParser.load(weights);
  try {
    const items = (await openDataset(join(data, 'val'))).items.slice(0, count);
    for (const { imagePath, stem } of items) {
      const photo = await readPhoto(imagePath);
      await savePrediction(folder, stem, photo, await parser.parse(photo), parser.labelSet, true);
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
    import('../../training/environment.ts'),
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
  if (result.interrupted) return printText(`Stopped; what there is is in ${run}.`);
  await saveMasks(join(run, 'weights', 'last.safetensors'), data, join(run, 'masks'));
  printText(`\n${formatScores(result.last!, getLabelSet(config.data.labels))}`);
  const flagship = await parseWithBundledWeights(data, join(run, 'flagship'));
  const floor = await meanFaceFloor(data);
  const { parameters } = await readEnvironment(result.run.environment);
  printText(
    `\nF (per image) ${formatScore(result.last!.fPerImage)} after ${formatCount(result.steps)} steps in ${formatDuration(result.seconds)} with ${formatCount(parameters)} parameters;` +
      ` always answering with the mean face gives ${formatScore(floor)}.\n\n` +
      `Look at ${run}/\n` +
      '  validation.png       photo, truth, prediction, errors\n' +
      '  batch.png            what the network was trained on\n' +
      '  curves.svg           loss, F and learning rate\n' +
      '  masks/               palette PNG of class ids a face; masks/overlay/ to look at\n' +
      `  ${flagship}\n` +
      '  weights/             best.safetensors: faceparse predict ' +
      `${run} PHOTO --out DIR`,
  );
}

/** `faceparse demo` */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('train on synthetic faces for about a minute and show what comes out')
    .option('--out <folder>', 'where the run folder is made', 'runs')
    .option('--epochs <n>', 'how often each face is seen', wholeNumber(1, 1000), demo.epochs)
    .action(runDemo);
}
