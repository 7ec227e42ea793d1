// Compares one training step and one inference with PyTorch: same network, same work, same number of threads.
//
//   npm run bench -- [--rounds 3] [--steps 12] [--batch 8] [--size 256] [--threads 2] [--optimizer sgd|adamw|both]
//                    [--engines native,onnx] [--python /usr/bin/python3] [--out bench/results]
//
// Each side runs in its own process. The sides alternate within a round, so drift of the machine affects all of them.
// Writes OUT/<date>-<cpu>.csv and prints the medians over the rounds and the ratios to PyTorch. Run it on an idle machine.
// Without PyTorch, only faceparse is measured.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  checkLoad,
  comparisonOptions,
  faceparseBench,
  hasPackage,
  machineColumns,
  medians,
  peerEnvironments,
  peerWords,
  pythonBench,
  ratios,
  round,
  runRounds,
  stepOverrides,
  wholeOption,
  writeResults,
} from './sides.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));

const { values: options } = parseArgs({
  options: {
    ...comparisonOptions,
    optimizer: { type: 'string', default: 'both' },
    engines: { type: 'string', default: 'native,onnx' },
    python: { type: 'string', default: '/usr/bin/python3' },
  },
});

/** The optimisers of torch_unet.py: SGD with momentum, or AdamW with PyTorch's defaults. */
const optimizers = {
  sgd: ['train.optimizer.kind=sgd', 'train.optimizer.weightDecay=0'],
  adamw: ['train.optimizer.kind=adamw', 'train.optimizer.weightDecay=0.01'],
};

/** The faceparse side: `faceparse bench` without a configuration times the same step as the PyTorch script. */
function engineSide(name) {
  return {
    name,
    run(optimizer) {
      const { steps, threads } = options;
      const overrides = [...stepOverrides(options), ...optimizers[optimizer]];
      const result = faceparseBench([...overrides, '--engine', name, '--threads', threads, '--steps', steps]);
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
      const command = [join(folder, 'torch_unet.py'), ...peerWords(options), '--optimizer', optimizer];
      return pythonBench(options.python, command, env);
    },
  };
}

const engines = options.engines.split(',').map(engineSide);
const peers = Object.entries(peerEnvironments).map(([name, env]) => torchSide(name, env));

const measures = ['train_step_ms', 'infer_512_ms', 'peak_mib'];

const rounds = wholeOption('rounds', options.rounds);
const chosen = options.optimizer === 'both' ? Object.keys(optimizers) : [options.optimizer];
for (const name of chosen) {
  if (!optimizers[name]) throw new Error(`--optimizer is ${name}; use ${Object.keys(optimizers).join(', ')} or both`);
}
const withTorch = hasPackage(options.python, 'torch');
if (!withTorch) {
  console.log(`${options.python} has no PyTorch (Debian: python3-torch): only faceparse is measured.`);
}
const sides = withTorch ? [...engines, ...peers] : engines;
const load = checkLoad();

/** Runs all sides in each round with one optimiser and returns the rows of the CSV. */
function compare(optimizer) {
  const runs = Object.fromEntries(sides.map((side) => [side.name, () => side.run(optimizer)]));
  const results = runRounds(runs, rounds, (result, name, index) => {
    const { train_step_ms: step, infer_512_ms: inference, peak_mib: memory } = result;
    console.log(
      `${optimizer} round ${index}  ${name.padEnd(13)}  step ${step} ms  inference ${inference} ms  ${memory} MiB`,
    );
  });
  report(optimizer, results);
  return rowsOf(optimizer, results);
}

function rowsOf(optimizer, results) {
  const rows = [];
  for (const [name, list] of results) {
    const common = {
      ...machineColumns(load),
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
    rows.push({ ...common, round: 'median', ...medians(list, measures) });
  }
  return rows;
}

function report(optimizer, results) {
  console.log(`\nmedians of ${rounds} rounds, ${optimizer}, batch ${options.batch} at ${options.size}²:`);
  for (const [name, list] of results) {
    const middle = medians(list, measures);
    console.log(
      `${name.padEnd(13)}  step ${middle.train_step_ms} ms  inference 512² ${middle.infer_512_ms} ms  ${middle.peak_mib} MiB`,
    );
    if (peers.some((peer) => peer.name === name)) continue;
    for (const peer of peers) {
      if (!results.has(peer.name)) continue;
      const times = ratios(list, results.get(peer.name), measures);
      console.log(
        `${''.padEnd(13)}  = ${times.train_step_ms.toFixed(2)}, ${times.infer_512_ms.toFixed(2)}, ${times.peak_mib.toFixed(2)} of ${peer.name}`,
      );
    }
  }
  console.log('');
}

writeResults(options.out, chosen.flatMap(compare));
