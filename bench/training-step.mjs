// Compares one training step and one inference with PyTorch: the same network, the same work, on the same threads.
//
//   npm run bench -- [--rounds 5] [--steps 15] [--batch 8] [--size 256] [--threads 2] [--optimizer sgd|adamw]
//                    [--python /usr/bin/python3] [--out bench/results]
//
// Every side runs in a process of its own, one after the other, round by round: the machine's moods meet all sides alike.
// Writes OUT/<date>-<cpu>.csv and prints medians over the rounds, and how many times as long the others take. Run nothing
// beside it. Without PyTorch only our side is measured.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const folder = fileURLToPath(new URL('.', import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '15' },
    batch: { type: 'string', default: '8' },
    size: { type: 'string', default: '256' },
    threads: { type: 'string', default: '2' },
    optimizer: { type: 'string', default: 'sgd' },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: join(folder, 'results') },
  },
});
const forwarded = ['batch', 'size', 'steps', 'threads', 'optimizer'].flatMap((name) => [`--${name}`, options[name]]);

/** Huge pages, and memory that is kept between steps: without it PyTorch spends a fifth of its time in the kernel. */
const tunedAllocator = [
  'glibc.malloc.hugetlb=1',
  'glibc.malloc.mmap_threshold=4294967296',
  'glibc.malloc.trim_threshold=8589934592',
  'glibc.malloc.top_pad=268435456',
].join(':');

const ours = { name: 'onnx', command: [process.execPath, join(folder, 'onnx-unet.mjs')], env: {} };
const torch = [options.python, join(folder, 'torch_unet.py')];
const peers = [
  { name: 'pytorch', command: torch, env: {} },
  { name: 'pytorch-tuned', command: torch, env: { GLIBC_TUNABLES: tunedAllocator } },
];

function hasTorch() {
  return spawnSync(options.python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
}

function measure({ name, command: [program, script], env }) {
  const result = spawnSync(program, [script, ...forwarded], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  if (result.status !== 0) {
    const why = result.error?.message ?? (result.signal ? `signal ${result.signal}` : `exit code ${result.status}`);
    throw new Error(`${name} failed: ${why}`);
  }
  return JSON.parse(result.stdout.trim().split('\n').at(-1));
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const measures = ['train_step_ms', 'infer_512_ms', 'peak_mib'];

function medians(results) {
  return Object.fromEntries(measures.map((name) => [name, median(results.map((result) => result[name]))]));
}

/** Median over the rounds of peer / ours: the two of a round ran close together. */
function ratios(results, ownResults) {
  return Object.fromEntries(
    measures.map((name) => [name, median(results.map((result, round) => result[name] / ownResults[round][name]))]),
  );
}

function csv(rows) {
  const quote = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const names = Object.keys(rows[0]);
  return `${[names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => row.map(quote).join(',')).join('\n')}\n`;
}

const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1)
  throw new Error(`--rounds is ${options.rounds}; give a whole number from 1`);
const withTorch = hasTorch();
if (!withTorch) {
  console.log(`${options.python} has no PyTorch (Debian: python3-torch): only our side is measured.`);
}
const sides = withTorch ? [ours, ...peers] : [ours];
const load = loadavg()[0];
if (load > 0.5)
  console.log(`The load average is ${load.toFixed(2)}: something else is running, the numbers will be off.`);

const results = new Map(sides.map(({ name }) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const side of sides) {
    const result = measure(side);
    results.get(side.name).push(result);
    const { train_step_ms: step, infer_512_ms: inference, peak_mib: memory } = result;
    console.log(
      `round ${round + 1}  ${side.name.padEnd(13)}  step ${step} ms  inference ${inference} ms  ${memory} MiB`,
    );
  }
}
const parameters = new Set([...results.values()].flat().map((result) => result.parameters));
if (parameters.size !== 1)
  throw new Error(`the sides trained different networks: ${[...parameters].join(', ')} parameters`);

const date = new Date().toISOString().slice(0, 10);
const cpu = cpus()[0]?.model.trim() ?? 'unknown';
const rows = [];
for (const [name, list] of results) {
  const common = {
    date,
    cpu,
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    load_before: load.toFixed(2),
    side: name,
    version: list[0].engine,
    parameters: list[0].parameters,
    optimizer: options.optimizer,
    batch: options.batch,
    size: options.size,
    threads: options.threads,
    steps: options.steps,
  };
  list.forEach((result, round) => {
    rows.push({ ...common, round: round + 1, ...Object.fromEntries(measures.map((key) => [key, result[key]])) });
  });
  rows.push({ ...common, round: 'median', ...medians(list) });
}
const cpuName = cpu
  .toLowerCase()
  .replace(/\(r\)|\(tm\)/g, '')
  .replace(/[^a-z0-9]+/g, '-')
  .replace(/^-|-$/g, '');
const suffix = options.optimizer === 'sgd' ? '' : `-${options.optimizer}`;
const file = join(options.out, `${date}-${cpuName}${suffix}.csv`);
mkdirSync(options.out, { recursive: true });
writeFileSync(file, csv(rows));

const own = results.get(ours.name);
console.log(`\nmedians of ${rounds} rounds, ${options.optimizer}, batch ${options.batch} at ${options.size}²:`);
for (const [name, list] of results) {
  const middle = medians(list);
  const line = `${name.padEnd(13)}  step ${middle.train_step_ms} ms  inference 512² ${middle.infer_512_ms} ms  ${middle.peak_mib} MiB`;
  if (name === ours.name) console.log(line);
  else {
    const times = ratios(list, own);
    console.log(
      `${line}  = ${times.train_step_ms.toFixed(2)}, ${times.infer_512_ms.toFixed(2)}, ${times.peak_mib.toFixed(2)} times ours`,
    );
  }
}
console.log(`wrote ${file}`);
