import type { Command } from 'commander';
import type { ProfiledStep } from '../../engine/native/native-engine.ts';
import { formatCount } from '../../text/counts.ts';
import type { BenchmarkResult } from '../../training/benchmark.ts';
import { type JsonOption, jsonHelp, printJson, printNotice, printText, runTask, wholeNumber } from '../command.ts';
import { findConfigArguments } from '../config-arguments.ts';
import { addEngineOptions, type EngineOptions, engineChoice } from '../engine-options.ts';
import { formatPairs, formatTable } from '../format.ts';

interface BenchCommandOptions extends JsonOption, EngineOptions {
  steps: number;
  inferenceSize: number;
  inferenceBatch: number;
  profile?: boolean;
  rows: number;
}

/** The step used to compare engines: U-Net, cross-entropy at full size, SGD with momentum. */
const comparison = [
  'name=comparison',
  'model.name=mobile-unet',
  'loss.crossEntropy=1',
  'loss.dice=0',
  'train.batchSize=8',
  'train.size=256',
  'train.labelSize=256',
  'train.clipNorm=0',
  'train.averageDecay=0',
  'train.optimizer.kind=sgd',
  'train.optimizer.weightDecay=0',
];

/** Times by kind of step and the slowest steps, relative to the machine's peak. */
function formatProfile(title: string, profile: readonly ProfiledStep[], peak: number, rows: number): string {
  const total = profile.reduce((sum, { seconds }) => sum + seconds, 0);
  const columns = (name: string) => [
    { title: name },
    { title: 'steps', align: 'right' as const },
    { title: 'ms', align: 'right' as const },
    { title: 'share', align: 'right' as const },
    { title: 'GFLOP/s', align: 'right' as const },
    { title: 'of sgemm', align: 'right' as const },
    { title: 'GB/s', align: 'right' as const },
  ];
  const row = (name: string, steps: readonly ProfiledStep[]) => {
    const seconds = steps.reduce((sum, step) => sum + step.seconds, 0);
    const flops = steps.reduce((sum, step) => sum + step.flops, 0);
    const bytes = steps.reduce((sum, step) => sum + step.bytes, 0);
    return [
      name,
      String(steps.length),
      (seconds * 1e3).toFixed(2),
      `${((100 * seconds) / total).toFixed(1)} %`,
      flops > 0 ? (flops / seconds / 1e9).toFixed(0) : '',
      flops > 0 ? `${((100 * flops) / seconds / 1e9 / peak).toFixed(0)} %` : '',
      (bytes / seconds / 1e9).toFixed(1),
    ];
  };
  const kinds = new Map<string, ProfiledStep[]>();
  for (const step of profile) kinds.set(step.kind, [...(kinds.get(step.kind) ?? []), step]);
  const longest = (a: readonly ProfiledStep[], b: readonly ProfiledStep[]) =>
    b.reduce((sum, step) => sum + step.seconds, 0) - a.reduce((sum, step) => sum + step.seconds, 0);
  const byKind = [...kinds.values()].sort(longest).map((steps) => row(steps[0].kind, steps));
  const byStep = [...profile]
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, rows)
    .map((step) => row(`${step.kind}: ${step.label}`, [step]));
  return [
    `${title}, ${(total * 1e3).toFixed(1)} ms in ${profile.length} steps; sgemm: ${peak.toFixed(0)} GFLOP/s.`,
    formatTable(columns('kind'), byKind, row('all', profile)),
    '',
    formatTable(columns('step'), byStep),
  ].join('\n');
}

function formatResult(result: BenchmarkResult, engine: string, options: BenchCommandOptions): string {
  const { parameters, stepMilliseconds, inferenceMilliseconds, peakMebibytes } = result;
  return formatPairs([
    ['engine', engine],
    ['parameters', formatCount(parameters)],
    ...(stepMilliseconds === undefined ? [] : [['training step', `${stepMilliseconds.toFixed(1)} ms`] as const]),
    ...(inferenceMilliseconds === undefined
      ? []
      : [[inferenceTitle(options), `${inferenceMilliseconds.toFixed(1)} ms`] as const]),
    ['peak memory', `${formatCount(peakMebibytes)} MiB`],
  ]);
}

/** `inference 512²`, or `inference 8×256²`. */
function inferenceTitle({ inferenceSize, inferenceBatch }: BenchCommandOptions): string {
  return `inference ${inferenceBatch === 1 ? '' : `${inferenceBatch}×`}${inferenceSize}²`;
}

/** `faceparse bench` */
export function registerBench(program: Command): void {
  const command = program
    .command('bench')
    .description('time training steps and inference on random images, and profile them')
    .argument(
      '[config...]',
      'a YAML file or a bundled name, and overrides key=value (default: the step used to compare engines)',
    )
    .option('--steps <n>', 'training steps to time; 0 skips training', wholeNumber(0, 100_000), 15)
    .option(
      '--inference-size <n>',
      'side of the images for inference in pixels; 0 skips inference',
      wholeNumber(0, 4096),
      512,
    )
    .option('--inference-batch <n>', 'number of images for inference', wholeNumber(1, 1024), 1)
    .option('--profile', 'also time every operation (native engine)')
    .option('--rows <n>', 'operations listed in the profile', wholeNumber(1, 10_000), 25)
    .option('--json', jsonHelp);
  addEngineOptions(command).action(async (words: string[], options: BenchCommandOptions) => {
    const [{ benchmark }, { selectEngine }, { FaceparseError }, { loadConfig }] = await Promise.all([
      import('../../training/benchmark.ts'),
      import('../../engine/select-engine.ts'),
      import('../../text/errors.ts'),
      import('../../config/load-config.ts'),
    ]);
    if (options.steps === 0 && options.inferenceSize === 0) {
      throw new FaceparseError('nothing to time: --steps and --inference-size are both 0', { exitCode: 2 });
    }
    const { file, overrides } = await findConfigArguments(words);
    const settings = await loadConfig({
      ...(file ? { file, overrides } : { overrides: [...comparison, ...overrides] }),
      notify: printNotice,
    });
    const engine = await selectEngine({ ...settings.engine, ...engineChoice(options) });
    const { profile = false, steps, inferenceSize, inferenceBatch } = options;
    if (profile && engine.name !== 'native') {
      throw new FaceparseError(
        `--profile requires the native engine, but the engine is ${engine.name}; see faceparse doctor`,
        {
          exitCode: 2,
        },
      );
    }
    const result = await runTask('timing', options, ({ onProgress }) =>
      benchmark({ config: settings, engine, steps, inferenceSize, inferenceBatch, profile, onProgress }),
    );
    const peak = profile
      ? await (engine as import('../../engine/native/native-engine.ts').NativeEngine).sgemmPeak()
      : 0;
    const name = `${engine.name} on ${engine.device}`;
    if (options.json) return printJson({ engine: name, ...result, ...(profile && { sgemmGflops: peak }) });
    printText(formatResult(result, name, options));
    if (result.trainingProfile)
      printText(`\n${formatProfile('Training step', result.trainingProfile, peak, options.rows)}`);
    if (result.inferenceProfile)
      printText(`\n${formatProfile('Inference', result.inferenceProfile, peak, options.rows)}`);
  });
}
