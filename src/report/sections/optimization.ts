import type { Config } from '../../config/schema.ts';
import { countOf } from '../../text/counts.ts';
import { typstNumber } from '../../text/typst-number.ts';
import { describeEarlyStop } from '../../training/score-watch.ts';
import { formatShare } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { isAtEnd, sizeSteps } from '../facts/run-progress.ts';
import { list, markup, paragraph } from '../typst/typst-text.ts';

/** A setting and its value. */
export type Row = readonly [string, string];

type Train = Config['train'];

/** The validation scores that a run can watch, in words. */
const scoreNames: Readonly<Record<Train['earlyStopping']['watch'], string>> = {
  valF: 'validation F',
  valMacroF1: 'mean validation F1 (Dice)',
  valMacroF1NoBackground: 'mean validation F1 (Dice) without background',
  valMacroIou: 'validation mIoU',
  valPixelAccuracy: 'validation pixel accuracy',
  valLoss: 'validation loss',
};

function describeOptimizer({ optimizer }: Train): string {
  const { kind, beta1, beta2, momentum, nesterov, muonMomentum } = optimizer;
  if (kind === 'sgd') return `SGD, momentum ${momentum}${nesterov ? ' (Nesterov) @nesterov' : ''}`;
  const adamW = `AdamW @adamw, $beta$ = ${beta1}, ${beta2}`;
  if (kind === 'muon') return `Muon @muon, momentum ${muonMomentum}, for convolution kernels; ${adamW} for the rest`;
  return kind === 'adamw' ? adamW : `Adam @adam, $beta$ = ${beta1}, ${beta2}`;
}

function describeSchedule({ schedule, scheduleOptions: o, finalShare }: Train): string {
  const decay = (text: string) => `${text}${finalShare > 0 ? `, to ${formatShare(finalShare)} of the peak` : ''}`;
  const bounded = (text: string) =>
    `${text}${finalShare > 0 ? `, at least ${formatShare(finalShare)} of the peak` : ''}`;
  const reduction = `× ${typstNumber(o.factor)}`;
  switch (schedule) {
    case 'constant':
      return 'constant';
    case 'cosine':
      return decay('cosine @sgdr');
    case 'polynomial':
      return decay(`polynomial, power ${typstNumber(o.power)}`);
    case 'step': {
      const every = o.every !== undefined && `every ${formatShare(o.every)}`;
      return bounded(`${reduction} ${every || `at ${list(o.milestones.map(formatShare))}`} of the run`);
    }
    case 'onecycle':
      return `one cycle @one-cycle from 1/${typstNumber(o.divFactor)} of the peak, which is at ${formatShare(o.peakAt)} of the run`;
    case 'cosine-restarts': {
      const growth = o.cycleFactor === 1 ? '' : `, each ${typstNumber(o.cycleFactor)} times as long as the one before`;
      return decay(`cosine with restarts @sgdr, first cycle ${formatShare(o.firstCycle)} of the run${growth}`);
    }
    case 'plateau':
      return bounded(
        `${reduction} after ${countOf(o.patience + 1, 'validation')} without improvement of ${scoreNames[o.watch]}`,
      );
  }
}

function describeFreezing({ freeze }: Train): Row[] {
  const frozen = [
    ...(freeze.encoder ? ['encoder'] : []),
    ...(freeze.batchNorm === 'none'
      ? []
      : [`batch normalisation${freeze.batchNorm === 'encoder' ? ' of the encoder' : ''}`]),
  ];
  return frozen.length > 0 ? [['frozen', list(frozen)]] : [];
}

/** The settings of the optimisation. */
export function optimizerRows({ train, data: { oversample } }: Config): Row[] {
  const { optimizer, schedule, warmup, earlyStopping, encoderLrFactor } = train;
  const { patience } = earlyStopping;
  const oversampled = Object.entries(oversample)
    .map(([name, factor]) => `${markup(name)} ×${typstNumber(factor)}`)
    .join(', ');
  return [
    ['optimiser', describeOptimizer(train)],
    ['peak learning rate', typstNumber(train.lr)],
    ...(encoderLrFactor === 1 ? [] : [['learning rate of the encoder', `× ${typstNumber(encoderLrFactor)}`] as const]),
    ...describeFreezing(train),
    ['schedule', describeSchedule(train)],
    ...(warmup > 0 && schedule !== 'onecycle'
      ? [['warm-up', `linear, ${formatShare(warmup)} of the run`] as const]
      : []),
    ...(optimizer.weightDecay > 0 ? [['weight decay', typstNumber(optimizer.weightDecay)] as const] : []),
    ...(train.clipNorm > 0 ? [['gradient clipping @clipping', `norm ${typstNumber(train.clipNorm)}`] as const] : []),
    ...(train.averageDecay > 0 ? [['weight averaging (EMA) @polyak', `decay ${train.averageDecay}`] as const] : []),
    ['batch size', `${train.accumulate > 1 ? `${train.accumulate} × ` : ''}${train.batchSize}`],
    train.minutes ? ['planned length', countOf(train.minutes, 'minute')] : ['length', countOf(train.epochs, 'epoch')],
    ...(patience === undefined
      ? []
      : [
          [
            'early stopping',
            `after ${countOf(patience, 'validation')} without improvement of ${scoreNames[earlyStopping.watch]}`,
          ] as const,
        ]),
    ['image size', sizesOf(train)],
    ...(oversampled ? [['oversampling', oversampled] as const] : []),
  ];
}

/** `128² until 20 %, 192² until 47 %, then 384²` */
function sizesOf({ resolutions, size }: Train): string {
  const before = resolutions
    .map((resolution) => `${resolution.size}² until ${formatShare(resolution.until)}, `)
    .join('');
  return before ? `${before}then ${size}²` : `${size}²`;
}

/** How the learning rate changes over the run. */
function describeRates(run: ReportFacts['run']): string | undefined {
  const { config, metrics, environment } = run;
  const { train } = config;
  const { schedule, warmup, optimizer } = train;
  const isWhole = isAtEnd({ config, metrics, environment }) && stoppedEarly({ config, metrics }) === undefined;
  if (schedule === 'onecycle')
    return `The learning rate rises to its peak and then falls${isWhole ? ' to nearly 0' : ''}.`;
  const rises =
    warmup > 0 &&
    `The learning rate rises linearly at first${optimizer.kind === 'sgd' ? '' : `, because the moment estimates of ${optimizer.kind === 'adam' ? 'Adam' : 'AdamW'} are unreliable in the first steps`}.`;
  const then = warmup > 0 ? 'It is then' : 'The learning rate is';
  const decays = warmup > 0 ? 'It then decays' : 'The learning rate decays from the first step';
  const falls: Readonly<Record<Train['schedule'], string | undefined>> = {
    constant: undefined,
    onecycle: undefined,
    cosine: `${decays}${isWhole ? ', so the last steps are small' : ' over the planned length'}.`,
    polynomial: `${decays}${isWhole ? ', so the last steps are small' : ' over the planned length'}.`,
    step: `${then} reduced in steps${describeReductions(run)}.`,
    'cosine-restarts': `${decays} in cycles, each of which starts again at the peak.`,
    plateau: `${then} reduced whenever ${scoreNames[train.scheduleOptions.watch]} stops improving${describeReductions(run)}.`,
  };
  return paragraph(rises, falls[schedule]);
}

/** How often the rate has been reduced, by metrics.csv; undefined if a resume changed settings, such as the rate itself. */
function reductionsOf({ metrics, environment }: ReportFacts['run']): number | undefined {
  if (environment.resumes?.some(({ changes = [] }) => changes.length > 0)) return undefined;
  const rates = metrics.flatMap(({ learningRate }) => learningRate ?? []);
  return rates.filter((rate, index) => index > 0 && rate < 0.9999 * (rates[index - 1] ?? 0)).length;
}

/** Whether the reductions of `step` and `plateau` came about in the run. */
function describeReductions(run: ReportFacts['run']): string {
  const reductions = reductionsOf(run);
  if (reductions === undefined) return '';
  const until = isAtEnd(run) ? 'in this run' : 'so far';
  if (reductions === 0) return `, which did not happen ${until}`;
  return `, which happened ${reductions === 1 ? 'once' : `${reductions} times`} ${until}`;
}

function stoppedEarly({ config, metrics }: Pick<ReportFacts['run'], 'config' | 'metrics'>): string | undefined {
  const last = metrics.at(-1);
  if (!last || describeEarlyStop(last, config) === undefined) return undefined;
  const { watch } = config.train.earlyStopping;
  return `Training stopped early, because ${scoreNames[watch]} had not improved in ${countOf(last.staleValidations ?? 0, 'validation')}.`;
}

/** The paragraph on the optimisation of the run. */
export function optimisation({ run }: ReportFacts): string {
  const { train } = run.config;
  const last = run.metrics.at(-1)!;
  return paragraph(
    `*Optimisation.* @tab-optimisation lists the settings. Training took ${countOf(last.step, 'step')} (${countOf(Number(last.epoch.toFixed(1)), 'epoch')}).`,
    stoppedEarly(run),
    describeRates(run),
    train.resolutions.length > 0 && describeResolutions(run),
    train.clipNorm > 0 && 'Gradient clipping limits the effect of a single unusual batch.',
  );
}

/** How the image size changed until the run ended. */
function describeResolutions(run: ReportFacts['run']): string {
  const planned = run.config.train.resolutions.length + 1;
  const sizes = sizeSteps(run).map(({ size }) => size);
  if (sizes.length < planned) {
    return `The image size was planned to change in ${planned} stages; the run reached ${sizes.length === 1 ? 'the first' : `the first ${sizes.length}`}.`;
  }
  const grows = sizes.every((size, index) => index === 0 || size > sizes[index - 1]);
  return grows
    ? `The image size grows in ${planned} stages: a step on small images costs a fraction of one at full size, ` +
        'and the coarse layout learned there carries over.'
    : `The image size changes in ${planned} stages.`;
}
