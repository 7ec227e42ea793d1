// How long a photo takes from file to labels, and for how long the event loop stands still meanwhile.
// node bench/photo-latency.mjs [--engine native|onnx] [--rounds 9] [--width 4000] [--height 3000]
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { drawSyntheticFace, FaceParser } from '../dist/node.js';

const { values } = parseArgs({
  options: {
    engine: { type: 'string', default: 'auto' },
    rounds: { type: 'string', default: '9' },
    width: { type: 'string', default: '4000' },
    height: { type: 'string', default: '3000' },
  },
});
const [width, height, rounds] = [values.width, values.height, values.rounds].map(Number);
const { photo } = drawSyntheticFace(7, 1024);
const jpeg = await sharp(photo.data, { raw: { ...photo, channels: 3 } })
  .resize(width, height, { fit: 'fill' })
  .jpeg({ quality: 92 })
  .toBuffer();
const parser = await FaceParser.load(undefined, { name: values.engine });

/**
 * Runs work and measures its milliseconds, and by how much a timer of 1 ms was late at most. A loop of `setImmediate` would
 * see more turns, but take a core from the network.
 */
async function measure(work) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const result = await work();
  const milliseconds = performance.now() - start;
  await new Promise((resolve) => setTimeout(resolve, 20));
  delay.disable();
  return { milliseconds, longest: Math.max(0, delay.max / 1e6 - 1), result };
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

async function report(name, work) {
  await work();
  const runs = [];
  for (let round = 0; round < rounds; round++) runs.push(await measure(work));
  const all = median(runs.map(({ milliseconds }) => milliseconds));
  const longest = runs.map((run) => run.longest);
  console.log(
    `${name.padEnd(22)} ${all.toFixed(0).padStart(5)} ms, longest block ${median(longest).toFixed(1)} ms (at most ${Math.max(...longest).toFixed(1)})`,
  );
  return runs.at(-1).result;
}

console.log(`${width}×${height}, engine ${parser.engine.name}, medians of ${rounds}`);
const result = await report('parse', () => parser.parse(jpeg));
await report('parse, maxSide 1024', () => parser.parse(jpeg, { maxSide: 1024 }));
await report('eight parses at once', () => Promise.all(Array.from({ length: 8 }, () => parser.parse(jpeg))));
await report('mask, soft', () => result.mask('hair'));
await report('mask, hard', () => result.mask('hair', { soft: false }));
await report('toRgba', () => result.toRgba());
await report('toPng', () => result.toPng());
const parts = Object.entries(result.timing).map(([part, time]) => `${part} ${time.toFixed(0)}`);
console.log(
  `last parse: ${parts.join(', ')} ms; peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB`,
);
await parser.dispose();
