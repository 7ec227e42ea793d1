// Times faceparse predict on many photos against the network alone: what decoding, post-processing, encoding and writing add.
//
//   npm run bench -- --predict [--photos 200] [--size 512] [--rounds 3] [--engine auto] [--threads N] [--run RUN] [--words '--overlay']
//
// Draws faces, encodes them as JPEG, and runs two sides in turn, each in its own process:
//   network  the network on one input, as often as there are photos
//   predict  the whole command
// Prints medians over the rounds, the ratio predict / network of the runs of a round, the profile of the command, and the
// growth of its memory: resident memory at the end against that after a tenth of the time (Linux). --words adds options of predict.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { selectEngine } from '../dist/engine/select-engine.js';
import { median } from '../dist/metrics/median.js';
import { loadWeights } from '../dist/node/face-parser.js';
import { drawSyntheticFace } from '../dist/node.js';
import { SizedNetwork } from '../dist/parser/sized-network.js';
import { checkLoad, wholeOption } from './sides.mjs';

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

const { values: options } = parseArgs({
  options: {
    predict: { type: 'boolean' },
    photos: { type: 'string', default: '200' },
    size: { type: 'string', default: '512' },
    rounds: { type: 'string', default: '3' },
    engine: { type: 'string', default: 'auto' },
    threads: { type: 'string' },
    run: { type: 'string' },
    words: { type: 'string', default: '' },
    side: { type: 'string' },
  },
});
const photos = wholeOption('photos', options.photos);

/** Milliseconds of the network per input. */
async function timeNetwork() {
  const choice = { name: options.engine, ...(options.threads && { threads: Number(options.threads) }) };
  const { file, weights } = await loadWeights(options.run);
  const [network] = await SizedNetwork.compileAll(weights, await selectEngine(choice, true), {
    name: file,
    scales: [],
  });
  const input = new Float32Array(3 * network.preprocessing.size ** 2).map((_, index) => Math.sin(index / 999));
  for (let index = 0; index < 5; index++) await network.run(input);
  const processorStart = process.cpuUsage();
  const start = performance.now();
  for (let index = 0; index < photos; index++) await network.run(input);
  const wall = (performance.now() - start) / photos;
  const { user, system } = process.cpuUsage(processorStart);
  console.log(JSON.stringify({ wall, processor: (user + system) / 1000 / photos }));
  await network.dispose();
}

/** Writes the photos: few that differ, many times, because drawing takes longer than parsing. */
async function writePhotos(folder) {
  const size = wholeOption('size', options.size);
  mkdirSync(folder);
  const distinct = Math.min(photos, 20);
  const name = (index) => join(folder, `${String(index).padStart(6, '0')}.jpg`);
  for (let index = 0; index < distinct; index++) {
    const { photo } = drawSyntheticFace(index, 256);
    await sharp(photo.data, { raw: { ...photo, channels: 3 } })
      .resize(size, size)
      .jpeg({ quality: 92 })
      .toFile(name(index));
  }
  for (let index = distinct; index < photos; index++) copyFileSync(name(index % distinct), name(index));
}

/** Resident memory of a process in MiB; undefined where the system does not tell. */
function residentMebibytes(pid) {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
  } catch {
    return undefined;
  }
}

/** Runs a program that prints JSON. @returns the JSON, and the samples of its resident memory */
async function run(words) {
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const samples = [];
  const timer = setInterval(() => samples.push(residentMebibytes(child.pid)), 50);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  const [code] = await once(child, 'close');
  clearInterval(timer);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with exit code ${code}`);
  return { result: JSON.parse(text), memory: samples.filter((sample) => sample !== undefined) };
}

/** Median memory around a tenth of the time, and in the last tenth. */
function memoryGrowth(memory) {
  if (memory.length < 20) return undefined;
  const between = (from, to) => median(memory.slice(Math.floor(from * memory.length), Math.ceil(to * memory.length)));
  return { early: between(0.08, 0.15), late: between(0.9, 1), peak: Math.max(...memory) };
}

async function compareSides() {
  const rounds = wholeOption('rounds', options.rounds);
  const folder = mkdtempSync(join(tmpdir(), 'faceparse-bench-'));
  const engine = [
    ...(options.engine === 'auto' ? [] : ['--engine', options.engine]),
    ...(options.threads ? ['--threads', options.threads] : []),
  ];
  try {
    const input = join(folder, 'photos');
    await writePhotos(input);
    checkLoad();
    const words = ['predict', ...(options.run ? [options.run] : []), input, '--out', join(folder, 'masks'), '--force'];
    const commands = [];
    const networks = [];
    for (let round = 0; round < rounds; round++) {
      networks.push(
        (await run([fileURLToPath(import.meta.url), ...process.argv.slice(2), '--side', 'network'])).result,
      );
      const more = options.words.split(' ').filter(Boolean);
      const { result, memory } = await run([cli, ...words, '--profile', '--json', ...engine, ...more]);
      commands.push({ ...result.profile, memory: memoryGrowth(memory) });
    }
    print(networks, commands);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(networks, commands) {
  const milliseconds = (values) => `${median(values).toFixed(1).padStart(7)} ms`;
  console.log(
    `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cpus().length} cores, Node ${process.versions.node}`,
  );
  console.log(`${photos} photos of ${options.size}²; medians of ${commands.length} rounds, per photo:`);
  for (const [title, name] of [
    ['wall time', 'wall'],
    ['processor time', 'processor'],
  ]) {
    const ratios = commands.map((command, round) => command[name] / networks[round][name]);
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    const [alone, whole] = [networks, commands].map((sides) => milliseconds(sides.map((side) => side[name])));
    console.log(
      `${title.padEnd(16)} network alone ${alone}, predict ${whole}, ratio ${median(ratios).toFixed(2)} (${range})`,
    );
  }
  console.log('parts of predict, which overlap:');
  for (const part of Object.keys(commands[0].parts)) {
    console.log(`  ${part.padEnd(14)} ${milliseconds(commands.map(({ parts }) => parts[part]))}`);
  }
  const growth = commands.flatMap(({ memory }) => memory ?? []);
  if (growth.length === 0) return;
  const mebibytes = (name) => `${median(growth.map((one) => one[name])).toFixed(0)} MiB`;
  console.log(
    `memory: ${mebibytes('early')} after a tenth, ${mebibytes('late')} at the end, peak ${mebibytes('peak')}`,
  );
}

if (options.side === 'network') await timeNetwork();
else await compareSides();
