// Tests parsing of photos that are not aligned: faces of any size, angle and place, several, cut by the edge, and none.
// The scenes are made from the pairs of a dataset, the same for the same seed, and are never written.
//
//   npm run bench -- --any-photo [--data DATA/val] [--photos 40] [--cases aligned,half,quarter] [--modes whole,auto]
//                    [--weights RUN] [--canvas 2048] [--paste faded] [--faceless 120] [--seed 1] [--threads 2] [--time] [--json]
//
// --paste: `faded` lets the photo of a face go over into the scene, `person` pastes the person without the background, `square`
// the whole photo. --time measures the parts of a parse at
// 1920×1080 on one thread. --save FOLDER writes the first scenes of each case, to look at; never publish them.
import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { mergeTable } from '../../dist/labels/merge.js';
import { blendOverlay, FaceParser, openDataset, readMask, readPhoto } from '../../dist/node.js';
import { Random } from '../../dist/random/random.js';
import { collectTiles } from './backdrops.mjs';
import { caseNames, scenesOf } from './cases.mjs';
import { measureCase, measureTime } from './measure.mjs';
import { pasteKinds } from './paste.mjs';
import { markdown } from './table.mjs';

const { values: options } = parseArgs({
  options: {
    'any-photo': { type: 'boolean' },
    data: { type: 'string', default: '../shared/data/celebamask-mini/val' },
    photos: { type: 'string' },
    cases: { type: 'string', default: caseNames.join(',') },
    modes: { type: 'string' },
    weights: { type: 'string' },
    canvas: { type: 'string', default: '2048' },
    paste: { type: 'string', default: 'faded' },
    faceless: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    engine: { type: 'string' },
    threads: { type: 'string' },
    time: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    save: { type: 'string' },
  },
});

function whole(name) {
  const value = Number(options[name]);
  if (Number.isInteger(value) && value >= 1) return value;
  console.error(`--${name} is ${options[name]}, but must be a positive whole number`);
  process.exit(2);
}

const cases = options.cases.split(',');
const unknown = cases.find((name) => !caseNames.includes(name));
if (unknown !== undefined) {
  console.error(`no case '${unknown}'; cases: ${caseNames.join(', ')}`);
  process.exit(2);
}
if (!pasteKinds.includes(options.paste)) {
  console.error(`--paste is ${options.paste}, but must be one of ${pasteKinds.join(', ')}`);
  process.exit(2);
}
const choice = {
  ...(options.engine && { name: options.engine }),
  ...(options.threads && { threads: whole('threads') }),
};
const settings = {
  seed: whole('seed'),
  canvas: whole('canvas'),
  faceless: whole('faceless'),
  paste: options.paste,
};

/** Whether the parser can look for faces: an installation may lack the detector. */
async function findsFaces(parser) {
  const blank = { width: 32, height: 32, data: new Uint8Array(32 * 32 * 3) };
  return parser.parse(blank, { faces: 'auto' }).then(
    () => true,
    () => false,
  );
}

async function readPairs() {
  const { items } = await openDataset(options.data);
  const count = options.photos === undefined ? items.length : whole('photos');
  return Promise.all(
    items.slice(0, count).map(async ({ imagePath, maskPath }) => {
      const [photo, labels] = await Promise.all([readPhoto(imagePath), readMask(maskPath)]);
      return { photo, labels };
    }),
  );
}

/** Writes a scene, and beside it the same with its true labels and those of the parser. */
async function saveScene(file, { image, truth }, { labelMap }, labelSet) {
  const photo = image instanceof Uint8Array ? await readPhoto(image) : image;
  const pictures = [photo, blendOverlay(photo, truth, labelSet), blendOverlay(photo, labelMap, labelSet)];
  const side = 512;
  const inputs = await Promise.all(
    pictures.map(({ width, height, data }) =>
      sharp(data, { raw: { width, height, channels: 3 } })
        .resize(side, side, { fit: 'contain' })
        .png()
        .toBuffer(),
    ),
  );
  const layers = inputs.map((input, i) => ({ input, left: i * side, top: 0 }));
  const canvas = sharp({ create: { width: side * layers.length, height: side, channels: 3, background: 'black' } });
  await canvas.composite(layers).jpeg({ quality: 90 }).toFile(file);
}

const pairs = await readPairs();
const tiles = collectTiles(pairs, new Random(settings.seed, 'tiles'));
const parser = await FaceParser.load(options.weights, choice);
const canFind = await findsFaces(parser);
const optionsOf = (mode) => (canFind ? { faces: mode } : {});
for (const pair of pairs) pair.predicted = (await parser.parse(pair.photo, optionsOf('whole'))).labelMap;
const modes = (options.modes ?? (canFind ? 'whole,auto' : 'whole')).split(',');
if (!canFind && modes.join() !== 'whole') {
  console.error('this parser has no face detector; use --modes whole');
  process.exit(2);
}
const table = parser.labelSet.mergeFrom && mergeTable(parser.labelSet);
if (options.save) await mkdir(options.save, { recursive: true });

const results = {};
for (const mode of modes) {
  results[mode] = {};
  for (const name of cases) {
    let saved = 0;
    const onScene = async (scene, result) => {
      if (!options.save || saved >= 8) return;
      await saveScene(join(options.save, `${name}-${mode}-${saved++}.jpg`), scene, result, parser.labelSet);
    };
    const start = performance.now();
    results[mode][name] = await measureCase(scenesOf(name, pairs, tiles, settings), {
      parser,
      options: optionsOf(mode),
      table,
      onScene,
    });
    const { f, recall, falsePerHundred } = results[mode][name];
    const found =
      falsePerHundred === undefined ? '' : `, recall ${recall ?? '–'}, ${falsePerHundred} false per hundred`;
    console.error(`${mode} ${name}: F ${f.toFixed(4)}${found} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  }
}
const engine = parser.engine.name;
await parser.dispose();

/** Times the parts of a parse of photos of 1920×1080 with a face at a third of the height. */
async function timesOf() {
  const images = [];
  for await (const { image } of scenesOf('third', pairs.slice(0, 5), tiles, settings)) {
    const { width, height } = { width: 1920, height: 1080 };
    const pixels = sharp(image.data, { raw: { width: image.width, height: image.height, channels: 3 } });
    images.push({
      width,
      height,
      data: new Uint8Array(await pixels.resize(width, height, { fit: 'cover' }).raw().toBuffer()),
    });
  }
  const single = await FaceParser.load(options.weights, { ...choice, threads: 1 });
  const times = {};
  for (const mode of modes) times[mode] = await measureTime(images, single, optionsOf(mode));
  await single.dispose();
  return times;
}

const report = {
  date: new Date().toISOString().slice(0, 10),
  cpu: cpus()[0].model,
  engine,
  weights: options.weights ?? 'bundled',
  photos: pairs.length,
  ...settings,
  cases,
  results,
  ...(options.time && { times: await timesOf() }),
};
console.log(options.json ? JSON.stringify(report) : markdown(report));
