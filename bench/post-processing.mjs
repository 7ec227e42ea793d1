// The work on pixels around the network: the add-on's kernels against the portable ones, one call at a time, in turn.
// node bench/post-processing.mjs [--rounds 9] [--engine native|onnx]    (taskset -c 0 for one core)
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { pixelKernels } from '../dist/native-pixels/pixel-kernels.js';
import { drawSyntheticFace, FaceParser } from '../dist/node.js';
import { plainKernels } from '../dist/parser/kernels.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '9' }, engine: { type: 'string', default: 'auto' } },
});
const rounds = Number(values.rounds);
const native = pixelKernels();
if (native === plainKernels) throw new Error('the add-on is not built; run node native/install.mjs');

const parser = await FaceParser.load(undefined, { name: values.engine });
const { scores } = await parser.parse(drawSyntheticFace(7, 512).photo);
await parser.dispose();

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function measure(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Prints medians in milliseconds of both implementations. */
async function compare(name, work) {
  const both = [plainKernels, native].map((kernels) => ({ run: () => work(kernels), times: [] }));
  for (const { run } of both) await run();
  for (let round = 0; round < rounds; round++) for (const { run, times } of both) times.push(await measure(run));
  const [plain, fast] = both.map(({ times }) => median(times));
  const figures = [plain, fast, plain / fast].map((value) => value.toFixed(1).padStart(8));
  console.log(`${name.padEnd(34)}${figures.join('')}`);
}

const sizes = [
  [512, 512],
  [1920, 1080],
  [4000, 3000],
];
console.log(`${cpus()[0].model}, medians of ${rounds} in ms`);
console.log(`${''.padEnd(34)}${['plain', 'add-on', 'ratio'].map((head) => head.padStart(8)).join('')}`);
for (const [width, height] of sizes) {
  await compare(`argmax ${width}×${height}`, (kernels) => kernels.upsampledArgmax(scores, height, width));
}
