// Times the batch loader on synthetic images, with and without the add-on's image functions.
//
//   node scripts/setup.mjs && node bench/loader.mjs [--rounds 3] [--batches 40] [--batch 8] [--size 256] [--labels 128] [--cache 512]
//                                                   [--images 64] [--blur 0] [--noise 0] [--config configs/compact.yaml]
//
// Augmentation comes from the configuration, with the given blur and noise. The two sides run in alternating processes and must
// produce the same batches. Prints medians over the rounds:
//   CPU per batch  CPU time of one thread to fill a batch, in ms: the cost to training
//   batches/s      throughput of a loader with one worker on an idle machine
//   first batch    time from creating the loader to its first batch, in ms, including the start of the worker
// Run it on an idle machine: other programs compete for memory bandwidth.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { median } from '../dist/metrics/median.js';

const root = fileURLToPath(new URL('..', import.meta.url));

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    batches: { type: 'string', default: '40' },
    batch: { type: 'string', default: '8' },
    size: { type: 'string', default: '256' },
    labels: { type: 'string', default: '128' },
    cache: { type: 'string', default: '512' },
    images: { type: 'string', default: '64' },
    blur: { type: 'string', default: '0' },
    noise: { type: 'string', default: '0' },
    config: { type: 'string', default: join(root, 'configs', 'compact.yaml') },
    side: { type: 'string' },
  },
});

/** Smooth colours with a little noise, and labels in blocks. The content hardly matters, but the images must differ. */
function syntheticDataset(count, side, { Random, celebamask19, decodedBytes, decodedPhoto, decodedLabels }) {
  const stems = Array.from({ length: count }, (_, i) => `image-${i}`);
  const decoded = {
    labelSet: celebamask19.name,
    size: side,
    stems,
    buffer: new SharedArrayBuffer(decodedBytes(count, side)),
  };
  for (let i = 0; i < count; i++) {
    const random = new Random(1, i);
    const [red, green, blue] = [random.uniform(), random.uniform(), random.uniform()];
    const photo = decodedPhoto(decoded, i).data;
    const labels = decodedLabels(decoded, i).data;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const at = y * side + x;
        const noise = random.next() & 31;
        photo[3 * at] = 112 + 112 * Math.sin((red * x * 40) / side) + noise;
        photo[3 * at + 1] = 112 + 112 * Math.sin((green * y * 40) / side) + noise;
        photo[3 * at + 2] = 112 + 112 * Math.sin((blue * (x + y) * 40) / side) + noise;
        labels[at] = ((x >> 6) + 3 * (y >> 6) + i) % celebamask19.classes.length;
      }
    }
  }
  return decoded;
}

async function measureSide() {
  const dist = (path) => import(new URL(`../dist/${path}`, import.meta.url));
  const { createBatchLoader } = await dist('data/batches/batch-loader.js');
  const { BatchFiller, batchBytes } = await dist('data/batches/batch-plan.js');
  const { resolveAugmentation } = await dist('data/augmentation/augment.js');
  const { loadAddon } = await dist('native-addon/load-addon.js');
  const { mirrorTable } = await dist('labels/mirror.js');
  const { defaultPreprocessing: normalization } = await dist('image/preprocessing.js');
  const { celebamask19 } = await dist('labels/celebamask-19.js');
  const decodedDataset = await dist('data/decoded/decoded-dataset.js');
  const { Random } = await dist('random/random.js');

  const batches = Number(options.batches);
  const decoded = syntheticDataset(Number(options.images), Number(options.cache), {
    Random,
    celebamask19,
    ...decodedDataset,
  });
  const augmentation = {
    ...parse(readFileSync(options.config, 'utf8')).data.augmentation,
    blur: Number(options.blur),
    noise: Number(options.noise),
  };
  const common = { decoded, normalization, batchSize: Number(options.batch), size: Number(options.size), seed: 1 };
  const labelSize = Number(options.labels);

  // Before the add-on is loaded: loading it is part of the start.
  const start = performance.now();
  const loader = createBatchLoader({ ...common, labelSet: celebamask19, labelSize, augmentation, workers: 1 });
  const first = await loader.next();
  const firstBatch = performance.now() - start;
  const hash = createHash('sha256');
  for (let batch = first, i = 0; i < 10; batch = await loader.next(), i++) {
    for (const { buffer, byteOffset, byteLength } of [batch.images, batch.labels]) {
      hash.update(new Uint8Array(buffer, byteOffset, byteLength));
    }
  }
  const begin = performance.now();
  for (let i = 0; i < batches; i++) await loader.next();
  const seconds = (performance.now() - begin) / 1000;
  await loader.close();

  const filler = new BatchFiller({
    ...common,
    labelSize,
    augmentation: resolveAugmentation(augmentation),
    mirror: mirrorTable(celebamask19),
  });
  // The same number of buffers as in a loader.
  const buffers = Array.from({ length: 5 }, () => new ArrayBuffer(batchBytes({ ...common, labelSize })));
  for (let step = 0; step < 10; step++) filler.fill(step, buffers[step % 5]);
  const before = process.cpuUsage();
  for (let step = 0; step < batches; step++) filler.fill(step, buffers[step % 5]);
  const { user, system } = process.cpuUsage(before);

  console.log(
    JSON.stringify({
      addon: 'addon' in loadAddon(),
      reason: loadAddon().reason,
      cpu: (user + system) / 1000 / batches,
      rate: batches / seconds,
      first: firstBatch,
      hash: hash.digest('hex'),
    }),
  );
}

function runSide(side) {
  const env = { ...process.env };
  // A file that does not exist: everything falls back to TypeScript.
  if (side === 'TypeScript') env.FACEPARSE_NATIVE_ADDON = join(root, 'no-add-on');
  const result = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--side', side],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
      env,
    },
  );
  if (result.status !== 0) throw new Error(`the side "${side}" failed with exit code ${result.status}`);
  return JSON.parse(result.stdout.trim().split('\n').at(-1));
}

function compareSides() {
  const rounds = Number(options.rounds);
  const load = loadavg()[0];
  if (load > 0.5) {
    console.log(`The load average is ${load.toFixed(2)}: another process is running, so timings will be unreliable.`);
  }
  const results = { TypeScript: [], 'add-on': [] };
  for (let round = 0; round < rounds; round++) {
    for (const side of Object.keys(results)) results[side].push(runSide(side));
  }
  const hashes = new Set(Object.values(results).flatMap((list) => list.map(({ hash }) => hash)));
  if (hashes.size !== 1) throw new Error('the batches of the two sides differ');
  if (!results['add-on'][0].addon) console.log(`Both sides use TypeScript: ${results['add-on'][0].reason}`);

  const { batch, size, labels, cache, blur, noise } = options;
  console.log(
    `${cpus()[0]?.model.trim() ?? 'unknown processor'}, batch ${batch} at ${size}² (labels ${labels}²) from decoded images of ${cache}², ` +
      `blur ${blur}, noise ${noise}; medians of ${rounds} rounds:`,
  );
  for (const [side, list] of Object.entries(results)) {
    const of = (name) => median(list.map((result) => result[name])).toFixed(1);
    console.log(
      `${side.padEnd(10)}  CPU per batch ${of('cpu').padStart(6)} ms  ${of('rate').padStart(6)} batches/s  first batch ${of('first').padStart(6)} ms`,
    );
  }
}

if (options.side) await measureSide();
else compareSides();
