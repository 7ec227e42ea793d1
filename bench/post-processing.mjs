// The work on pixels around the network: the add-on's kernels against the portable ones, one call at a time, in turn.
//
//   node scripts/setup.mjs && node bench/post-processing.mjs [--rounds 9] [--engine native|onnx] [--parser]
//
// Prints medians of the CPU time in ms, user and system, all threads together: other programs on the machine distort it less than
// the time that passes. Each kernel works on one thread. --parser adds whole calls of `parse`, where the network's threads count
// as well, and prints the time that passes beside the CPU time.
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { mirrorTable } from '../dist/labels/mirror.js';
import { median } from '../dist/metrics/median.js';
import { pixelKernels } from '../dist/native-pixels/pixel-kernels.js';
import { drawSyntheticFace, FaceParser } from '../dist/node.js';
import { FaceParser as CoreParser } from '../dist/parser/face-parser.js';
import { defaultAveraging, ProbabilityAverage } from '../dist/parser/grid/averaging.js';
import { plainKernels } from '../dist/parser/grid/kernels.js';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    engine: { type: 'string', default: 'auto' },
    parser: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const native = pixelKernels();
if (native === plainKernels) throw new Error('the add-on is not built; run node native/install.mjs');

async function measure(work) {
  const before = process.cpuUsage();
  const start = performance.now();
  await work();
  const passed = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1000, passed };
}

/** Prints medians of both implementations. */
async function compare(name, work, parts = ['cpu']) {
  const both = [plainKernels, native].map((kernels) => ({ run: () => work(kernels), results: [] }));
  for (let round = 0; round < 2; round++) for (const { run } of both) await run();
  for (let round = 0; round < rounds; round++) for (const { run, results } of both) results.push(await measure(run));
  for (const part of parts) {
    const [plain, fast] = both.map(({ results }) => median(results.map((result) => result[part])));
    const figures = [plain.toFixed(1), fast.toFixed(1), (plain / fast).toFixed(1)].map((text) => text.padStart(8));
    console.log(`${(part === 'cpu' ? name : `${name}, time passed`).padEnd(40)}${figures.join('')}`);
  }
}

const parser = await FaceParser.load(undefined, { name: values.engine, detector: false });
const { weights, engine, labelSet } = parser;
const face = drawSyntheticFace(7, 512).photo;
const { scores } = await parser.parse(face);
const sizes = [
  [512, 512],
  [1920, 1080],
  [4000, 3000],
];

console.log(`${cpus()[0].model}, engine ${engine.name}, medians of ${rounds}, CPU time in ms`);
console.log(`${''.padEnd(40)}${['plain', 'add-on', 'ratio'].map((head) => head.padStart(8)).join('')}`);
for (const [width, height] of sizes) {
  const data = new Uint8Array(width * height * 3).map((_, i) => i * 31 + (i >> 9));
  await compare(`input ${width}×${height} to ${weights.preprocessing.size}²`, (kernels) =>
    kernels.photoToInput({ width, height, data }, weights.preprocessing),
  );
}
for (const [width, height] of sizes) {
  await compare(`argmax of ${scores.shape.join('×')} at ${width}×${height}`, (kernels) =>
    kernels.upsampledArgmax(scores, height, width),
  );
}
const [classes, height, width] = scores.shape;
for (const scale of [1, 7 / 6]) {
  const grid = { shape: [classes, Math.round(height * scale), Math.round(width * scale)] };
  await compare(`mean of two views, grid ${grid.shape[1]}×${grid.shape[2]}`, async (kernels) => {
    const average = new ProbabilityAverage(grid, mirrorTable(labelSet), kernels);
    await average.add(scores, false);
    await average.add(scores, true);
    await average.logProbabilities();
  });
}
await parser.dispose();

if (values.parser) {
  for (const [name, averaging] of [
    ['parse 512×512', undefined],
    ['parse 512×512, --tta', defaultAveraging],
  ]) {
    const parsers = new Map();
    for (const kernels of [plainKernels, native]) {
      parsers.set(kernels, await CoreParser.create(weights, engine, { kernels, ...(averaging && { averaging }) }));
    }
    await compare(name, (kernels) => parsers.get(kernels).parse(face), ['cpu', 'passed']);
    for (const each of parsers.values()) await each.dispose();
  }
}
