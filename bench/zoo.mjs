// Times the networks of the zoo: a training step and inference of a batch. With --peer, compares them with
// segmentation_models.pytorch: same network, same work, same number of threads.
//
//   npm run bench -- --zoo [--rounds 3] [--steps 12] [--batch 8] [--size 256] [--threads 2] [--engine native]
//                    [--models unet,linknet] [--encoders resnet18,mobilenet_v2] [--peer venv/bin/python] [--out bench/results]
//
// Each side runs in its own process. The sides alternate within a round, so drift of the machine affects all of them.
// Writes OUT/zoo-<date>-<cpu>.csv. Run it on an idle machine. docs/zoo.md is made from it by bench/zoo-table.mjs.
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
    zoo: { type: 'boolean' },
    ...comparisonOptions,
    engine: { type: 'string', default: 'native' },
    models: { type: 'string', default: 'pspnet,deeplabv3plus,unet,linknet' },
    encoders: { type: 'string', default: 'resnet18,mobilenet_v2,efficientnet-b0' },
    peer: { type: 'string' },
  },
});
const { batch, size, steps, threads, engine, peer } = options;
const rounds = wholeOption('rounds', options.rounds);
if (peer && !hasPackage(peer, 'segmentation_models_pytorch')) {
  throw new Error(`${peer} has no segmentation_models_pytorch: pip install torch segmentation-models-pytorch`);
}

const measures = ['step_ms', 'inference_ms', 'peak_mib'];

/** The same step as torch_zoo.py: SGD with momentum, cross-entropy at full size. */
const work = [
  'loss.dice=0',
  ...stepOverrides(options),
  'train.clipNorm=0',
  'train.averageDecay=0',
  'train.optimizer.kind=sgd',
  'train.optimizer.weightDecay=0',
];

function faceparseSide(model, encoder) {
  const network = [`model.name=${model}`, ...(encoder ? [`model.encoder=${encoder}`] : [])];
  const timing = ['--steps', steps, '--inference-size', size, '--inference-batch', batch, '--threads', threads];
  const result = faceparseBench([...network, ...work, ...timing, '--engine', engine]);
  return {
    version: result.engine,
    parameters: result.parameters,
    step_ms: round(result.stepMilliseconds),
    inference_ms: round(result.inferenceMilliseconds),
    peak_mib: result.peakMebibytes,
  };
}

function peerSide(model, encoder, env) {
  const network = ['--model', model, '--encoder', encoder];
  return pythonBench(peer, [join(folder, 'torch_zoo.py'), ...network, ...peerWords(options)], env);
}

/** The sides of a network, by name. */
function sidesOf(model, encoder) {
  const sides = { [engine]: () => faceparseSide(model, encoder) };
  if (peer) {
    for (const [name, env] of Object.entries(peerEnvironments)) sides[name] = () => peerSide(model, encoder, env);
  }
  return sides;
}

/** The smallest gap to the peers: the ratio to the faster, or smaller, of them. */
function worstRatios(results) {
  const all = Object.keys(peerEnvironments).map((name) => ratios(results.get(engine), results.get(name), measures));
  return Object.fromEntries(measures.map((measure) => [measure, Math.max(...all.map((one) => one[measure]))]));
}

const load = checkLoad();
const rows = [];
for (const model of options.models.split(',')) {
  for (const encoder of options.encoders.split(',')) {
    const results = runRounds(sidesOf(model, encoder), rounds);
    for (const [name, list] of results) {
      const middle = medians(list, measures);
      console.log(
        `${model} ${encoder}  ${name.padEnd(13)}  step ${middle.step_ms} ms  inference ${middle.inference_ms} ms  ${middle.peak_mib} MiB`,
      );
      const { version } = list[0];
      const network = {
        model,
        encoder,
        side: name,
        version,
        parameters: list[0].parameters,
      };
      rows.push({ ...machineColumns(load), ...network, batch, size, threads, steps, rounds, ...middle });
    }
    if (!peer) continue;
    const worst = worstRatios(results);
    console.log(
      `${model} ${encoder}  = ${worst.step_ms.toFixed(2)}, ${worst.inference_ms.toFixed(2)}, ${worst.peak_mib.toFixed(2)} of the better PyTorch`,
    );
  }
}
writeResults(options.out, rows, 'zoo-');
