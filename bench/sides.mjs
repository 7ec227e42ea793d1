// What the comparisons share: running each side in its own process, medians, ratios, the CSV file.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, platform, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../dist/metrics/median.js';

const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Huge pages, and memory kept between steps. Without them PyTorch spends a fifth of its time in the kernel. */
const tunedAllocator = [
  'glibc.malloc.hugetlb=1',
  'glibc.malloc.mmap_threshold=4294967296',
  'glibc.malloc.trim_threshold=8589934592',
  'glibc.malloc.top_pad=268435456',
].join(':');

/** The environments in which PyTorch runs, by the name of the side. */
export const peerEnvironments = { pytorch: {}, 'pytorch-tuned': { GLIBC_TUNABLES: tunedAllocator } };

/** The options of every comparison, for `parseArgs`. */
export const comparisonOptions = {
  rounds: { type: 'string', default: '3' },
  steps: { type: 'string', default: '12' },
  batch: { type: 'string', default: '8' },
  size: { type: 'string', default: '256' },
  threads: { type: 'string', default: '2' },
  out: { type: 'string', default: fileURLToPath(new URL('./results', import.meta.url)) },
};

/** The overrides of a step on batches and images of a size, with the loss at full size, as in the PyTorch scripts. */
export function stepOverrides({ batch, size }) {
  return [`train.batchSize=${batch}`, `train.size=${size}`, `train.labelSize=${size}`];
}

/** The same for the PyTorch scripts. */
export function peerWords({ batch, size, steps, threads }) {
  return ['--batch', batch, '--size', size, '--steps', steps, '--threads', threads];
}

/**
 * Runs all sides in each round, in turn.
 *
 * @param sides functions that run a side once, by its name
 * @param onResult receives each result with its name and its round, from 1
 * @returns the results of each side
 */
export function runRounds(sides, rounds, onResult = () => undefined) {
  const results = new Map(Object.keys(sides).map((name) => [name, []]));
  for (let index = 0; index < rounds; index++) {
    for (const [name, run] of Object.entries(sides)) {
      const result = run();
      results.get(name).push(result);
      onResult(result, name, index + 1);
    }
  }
  const parameters = new Set([...results.values()].flat().map((result) => result.parameters));
  if (parameters.size !== 1) {
    throw new Error(`the sides trained different networks, with ${[...parameters].join(', ')} parameters`);
  }
  return results;
}

/** Runs `faceparse bench` with overrides and options. @returns the result of `--json` */
export function faceparseBench(words) {
  return JSON.parse(spawn(process.execPath, [cli, 'bench', ...words, '--json'], {}));
}

/** Runs a Python script that prints a line of JSON last. */
export function pythonBench(python, words, env) {
  return JSON.parse(spawn(python, words, env).trim().split('\n').at(-1));
}

function spawn(program, args, env) {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    maxBuffer: 2 ** 28,
  });
  if (result.status === 0) return result.stdout;
  const why = result.error?.message ?? (result.signal ? `signal ${result.signal}` : `exit code ${result.status}`);
  throw new Error(`${program} ${args.join(' ')} failed: ${why}\n${result.stderr}`);
}

/** Whether a Python program can import a package. */
export function hasPackage(python, name) {
  return spawnSync(python, ['-c', `import ${name}`], { stdio: 'ignore' }).status === 0;
}

/** Milliseconds with one decimal. */
export function round(milliseconds) {
  return Math.round(milliseconds * 10) / 10;
}

/** The median of each measure over the rounds. */
export function medians(results, measures) {
  return Object.fromEntries(measures.map((name) => [name, median(results.map((result) => result[name]))]));
}

/** Median over the rounds of the ratio side / peer. The two runs of a round are close in time. */
export function ratios(results, peerResults, measures) {
  return Object.fromEntries(
    measures.map((name) => [name, median(results.map((result, index) => result[name] / peerResults[index][name]))]),
  );
}

/** A number of rounds from an option. */
export function wholeOption(name, text) {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is ${text}; use a whole number of at least 1`);
  return value;
}

/** The one-minute load average; a line says if it is too high. */
export function checkLoad() {
  const load = loadavg()[0];
  if (load > 0.5) {
    console.log(`The load average is ${load.toFixed(2)}: another process is running, so timings will be unreliable.`);
  }
  return load;
}

/** The machine, as columns of the CSV. */
export function machineColumns(load) {
  return {
    date: new Date().toISOString().slice(0, 10),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gib: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()}`,
    node: process.versions.node,
    load_before: load.toFixed(2),
  };
}

function csv(rows) {
  const quote = (value) => (/[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value));
  const names = Object.keys(rows[0]);
  return `${[names, ...rows.map((row) => names.map((name) => row[name]))].map((row) => row.map(quote).join(',')).join('\n')}\n`;
}

/** Writes FOLDER/PREFIX<date>-<cpu>.csv. */
export function writeResults(folder, rows, prefix = '') {
  const { date, cpu } = rows[0];
  const cpuName = cpu
    .toLowerCase()
    .replace(/\(r\)|\(tm\)/g, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  const file = join(folder, `${prefix}${date}-${cpuName}.csv`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(file, csv(rows));
  console.log(`wrote ${file}`);
}

/** The rows of a CSV file that has no quoted cells. */
export function readRows(text) {
  const [header, ...lines] = text.trim().split('\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((value, index) => [names[index], value])));
}
