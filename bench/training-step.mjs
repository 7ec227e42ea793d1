// Compares one training step and one inference with PyTorch: the same network, the same work, on the same threads.
//
//   npm run bench -- [--rounds 5] [--steps 15] [--batch 8] [--size 256] [--threads 2] [--optimizer sgd|adamw|both]
//                    [--engines native,onnx] [--python /usr/bin/python3] [--out bench/results]
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
import { median } from '../dist/metrics/median.js';

const folder = fileURLToPath(new URL('.', import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    steps: { type: 'string', default: '15' },
    batch: { type: 'string', default: '8' },
    size: { type: 'string', default: '256' },
    threads: { type: 'string', default: '2' },
    optimizer: { type: 'string', default: 'both' },
    engines: { type: 'string', default: 'native,onnx' },
    python: { type: 'string', default: '/usr/bin/python3' },
    out: { type: 'string', default: join(folder, 'results') },
  },
});
const forwarded = ['batch', 'size', 'steps', 'threads'].flatMap((name) => [`--${name}`, options[name]]);

/** Huge pages, and memory that is kept between steps: without it PyTorch spends a fifth of its time in the kernel. */
const tunedAllocator = [
  'glibc.malloc.hugetlb=1',
  'glibc.malloc.mmap_threshold=4294967296',
  'glibc.malloc.trim_threshold=8589934592',
  'glibc.malloc.top_pad=268435456',
].join(':');

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** What torch_unet.py does: SGD with momentum, or AdamW as PyTorch has it by default. */
const optimizers = {
  sgd: ['train.optimizer.kind=sgd', 'train.optimizer.weightDecay=0'],
  adamw: ['train.optimizer.kind=adamw', 'train.optimizer.weightDecay=0.01'],
};

/** Our side: `faceparse bench` without a configuration is the step of the peer. */
function engineSide(name) {
  return {
    name,
    run(optimizer) {
      const { batch, size, steps, threads } = options;
      const overrides = [
        `train.batchSize=${batch}`,
        `train.size=${size}`,
        `train.labelSize=${size}`,
        ...optimizers[optimizer],
      ];
      const command = [cli, 'bench', ...overrides, '--engine', name, '--threads', threads, '--steps', steps, '--json'];
      const result = JSON.parse(spawn(process.execPath, command, {}));
      return {
        engine: result.engine,
        parameters: result.parameters,
        train_step_ms: round(result.stepMilliseconds),
        infer_512_ms: round(result.inferenceMilliseconds),
        peak_mib: result.peakMebibytes,
      };
    },
  };
}

function torchSide(name, env) {
  return {
    name,
    run(optimizer) {
      const command = [join(folder, 'torch_unet.py'), ...forwarded, '--optimizer', optimizer];
      return JSON.parse(spawn(options.python, command, env).trim().split('\n').at(-1));
    },
  };
}

const engines = options.engines.split(',').map(engineSide);
const peers = [torchSide('pytorch', {}), torchSide('pytorch-tuned', { GLIBC_TUNABLES: tunedAllocator })];

function hasTorch() {
  return spawnSync(options.python, ['-c', 'import torch'], { stdio: 'ignore' }).status === 0;
}

function spawn(program, args, env) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? (result.signal ? `signal ${result.signal}` : `exit code ${result.status}`);
  throw new Error(`${program} ${args.join(' ')} failed: ${why}\n${result.stderr}`);
}

function round(milliseconds) {
  return Math.round(milliseconds * 10) / 10;
}

const measures = ['train_step_ms', 'infer_512_ms', 'peak_mib'];

function medians(results) {
  return Object.fromEntries(measures.map((name) => [name, median(results.map((result) => result[name]))]));
}

/** Median over the rounds of a side / a peer: the two of a round ran close together. */
function ratios(results, peerResults) {
  return Object.fromEntries(
    measures.map((name) => [name, median(results.map((result, index) => result[name] / peerResults[index][name]))]),
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
const chosen = options.optimizer === 'both' ? Object.keys(optimizers) : [options.optimizer];
for (const name of chosen) {
  if (!optimizers[name])
    throw new Error(`--optimizer is ${name}; it can be ${Object.keys(optimizers).join(', ')} or both`);
}
const withTorch = hasTorch();
if (!withTorch) {
  console.log(`${options.python} has no PyTorch (Debian: python3-torch): only our side is measured.`);
}
const sides = withTorch ? [...engines, ...peers] : engines;
const load = loadavg()[0];
if (load > 0.5)
  console.log(`The load average is ${load.toFixed(2)}: something else is running, the numbers will be off.`);

const date = new Date().toISOString().slice(0, 10);
const cpu = cpus()[0]?.model.trim() ?? 'unknown';

/** All sides in turn, round by round, with one optimiser; gives back the rows of the CSV. */
function compare(optimizer) {
  const results = new Map(sides.map(({ name }) => [name, []]));
  for (let index = 0; index < rounds; index++) {
    for (const side of sides) {
      const result = side.run(optimizer);
      results.get(side.name).push(result);
      const { train_step_ms: step, infer_512_ms: inference, peak_mib: memory } = result;
      console.log(
        `${optimizer} round ${index + 1}  ${side.name.padEnd(13)}  step ${step} ms  inference ${inference} ms  ${memory} MiB`,
      );
    }
  }
  const parameters = new Set([...results.values()].flat().map((result) => result.parameters));
  if (parameters.size !== 1)
    throw new Error(`the sides trained different networks: ${[...parameters].join(', ')} parameters`);
  report(optimizer, results);
  return rowsOf(optimizer, results);
}

function rowsOf(optimizer, results) {
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
      optimizer,
      batch: options.batch,
      size: options.size,
      threads: options.threads,
      steps: options.steps,
    };
    list.forEach((result, index) => {
      rows.push({ ...common, round: index + 1, ...Object.fromEntries(measures.map((key) => [key, result[key]])) });
    });
    rows.push({ ...common, round: 'median', ...medians(list) });
  }
  return rows;
}

function report(optimizer, results) {
  console.log(`\nmedians of ${rounds} rounds, ${optimizer}, batch ${options.batch} at ${options.size}²:`);
  for (const [name, list] of results) {
    const middle = medians(list);
    console.log(
      `${name.padEnd(13)}  step ${middle.train_step_ms} ms  inference 512² ${middle.infer_512_ms} ms  ${middle.peak_mib} MiB`,
    );
    if (peers.some((peer) => peer.name === name)) continue;
    for (const peer of peers) {
      if (!results.has(peer.name)) continue;
      const times = ratios(list, results.get(peer.name));
      console.log(
        `${''.padEnd(13)}  = ${times.train_step_ms.toFixed(2)}, ${times.infer_512_ms.toFixed(2)}, ${times.peak_mib.toFixed(2)} of ${peer.name}`,
      );
    }
  }
  console.log('');
}

const rows = chosen.flatMap(compare);
const cpuName = cpu
  .toLowerCase()
  .replace(/\(r\)|\(tm\)/g, '')
  .replace(/[^a-z0-9]+/g, '-')
  .replace(/^-|-$/g, '');
const file = join(options.out, `${date}-${cpuName}.csv`);
mkdirSync(options.out, { recursive: true });
writeFileSync(file, csv(rows));
console.log(`wrote ${file}`);
