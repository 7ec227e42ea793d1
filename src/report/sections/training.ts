import type { Config } from '../../config/schema.ts';
import type { Normalization } from '../../image/normalization.ts';
import type { ResizeRule } from '../../image/preprocessing.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { formatCount } from '../../text/counts.ts';
import { typstNumber } from '../../text/typst-number.ts';
import { formatShare } from '../facts/format-facts.ts';
import { type AveragedViews, type ReportFacts, viewsOf } from '../facts/report-facts.ts';
import { epochOf, isAtEnd, sizeSteps } from '../facts/run-progress.ts';
import { blocks, figure, list, markup, paragraph, sideBySide, table } from '../typst/typst-text.ts';

type Row = readonly [string, string];

function optimizerRows({ train, data: { oversample } }: Config): Row[] {
  const { optimizer, schedule, warmup, finalShare } = train;
  const how =
    optimizer.kind === 'adamw'
      ? `AdamW @adamw, $beta$ = ${optimizer.beta1}, ${optimizer.beta2}`
      : `SGD, momentum ${optimizer.momentum}${optimizer.nesterov ? ' (Nesterov) @nesterov' : ''}`;
  const oversampled = Object.entries(oversample)
    .map(([name, factor]) => `${markup(name)} ×${typstNumber(factor)}`)
    .join(', ');
  const falls = { constant: 'constant', cosine: 'cosine @sgdr', polynomial: 'polynomial, power 0.9' }[schedule];
  return [
    ['optimiser', how],
    ['highest learning rate', typstNumber(train.lr)],
    ['schedule', `${falls}${schedule !== 'constant' && finalShare > 0 ? `, down to ${formatShare(finalShare)}` : ''}`],
    ...(warmup > 0 ? [['warm-up', `linear, ${formatShare(warmup)} of the run`] as const] : []),
    ...(optimizer.weightDecay > 0 ? [['weight decay', typstNumber(optimizer.weightDecay)] as const] : []),
    ...(train.clipNorm > 0 ? [['gradient clipping @clipping', `norm ${typstNumber(train.clipNorm)}`] as const] : []),
    ...(train.averageDecay > 0 ? [['average of weights @polyak', `decay ${train.averageDecay}`] as const] : []),
    ['batch', `${train.accumulate > 1 ? `${train.accumulate} × ` : ''}${train.batchSize} pictures`],
    ['length', train.minutes ? `${train.minutes} minutes` : `${train.epochs} epochs`],
    ['pictures', sizesOf(train)],
    ...(oversampled ? [['oversampling', oversampled] as const] : []),
  ];
}

/** `128² to 20 %, 192² to 47 %, then 384²` */
function sizesOf({ resolutions, size }: Config['train']): string {
  const before = resolutions.map((resolution) => `${resolution.size}² to ${formatShare(resolution.until)}, `).join('');
  return before ? `${before}then ${size}²` : `${size}²`;
}

/** Whether mirroring changes labels; some label sets have no sides. */
function exchangesSides({ flipSwap }: Config['data']['augmentation'], labels: string): boolean {
  return flipSwap && getLabelSet(labels).mirrorPairs.length > 0;
}

function augmentationRows({ data: { augmentation: a, labels } }: Config): Row[] {
  const chance = (probability: number) => `probability ${typstNumber(probability)}`;
  const around = (value: number, unit = '') => `±${typstNumber(value)}${unit}`;
  const colours = [
    ['brightness', a.brightness],
    ['contrast', a.contrast],
    ['saturation', a.saturation],
  ] as const;
  const shown = colours.filter(([, value]) => value > 0);
  const rows: (Row | false)[] = [
    a.flip > 0 && [
      'mirroring',
      `${chance(a.flip)}${exchangesSides(a, labels) ? ', left and right labels exchanged' : ''}`,
    ],
    a.rotation > 0 && ['rotation', around(a.rotation, '°')],
    a.scale > 0 && ['size', `× $e^s$, $s$ within ${around(a.scale)}`],
    a.shift > 0 && ['shift', `${around(a.shift)} of the side`],
    ...shown.map(([name, value]): Row => [name, `factor 1 ${around(value)}`]),
    a.grayscale > 0 && ['grey photo', chance(a.grayscale)],
    a.blur > 0 && ['Gaussian blur', `${chance(a.blur)}, $sigma$ 0.4–1.2`],
    a.jpeg > 0 && ['JPEG artefacts', `${chance(a.jpeg)}, quality 20–80`],
    a.noise > 0 && ['noise', `$sigma$ up to ${formatShare(a.noise)} of the range`],
    a.cutMix > 0 && ['CutMix @cutmix', chance(a.cutMix)],
    a.copyPaste.probability > 0 && [
      'copy-paste @copy-paste',
      `${chance(a.copyPaste.probability)}: ${a.copyPaste.classes.map(markup).join(', ')}`,
    ],
  ];
  return rows.filter((row) => row !== false);
}

function settings(rows: readonly Row[], caption: string, label: string): string {
  return figure(table([{ title: 'setting' }, { title: 'value', width: '1fr' }], rows), caption, label);
}

function optimisation({ run }: ReportFacts): string {
  const { train } = run.config;
  const last = run.metrics.at(-1)!;
  const sgd = train.optimizer.kind === 'sgd';
  return paragraph(
    `*Optimisation.* The settings are those of @tab-optimisation; ${formatCount(last.step)} steps were made in ${typstNumber(Number(last.epoch.toFixed(1)))} epochs.`,
    train.warmup > 0 &&
      `The learning rate climbs linearly at first${sgd ? '' : ', since the statistics of AdamW are unsure after few steps'}.`,
    train.schedule !== 'constant' &&
      `${train.warmup > 0 ? 'It then falls' : 'The learning rate falls from the first step on'}${isAtEnd(run) ? ', so that the last epochs refine what was learnt' : ' over the length that was planned'}.`,
    train.resolutions.length > 0 && tellResolutions(run),
    train.clipNorm > 0 && 'Longer gradients are cut to the norm given, so that one odd batch cannot undo much.',
  );
}

/** How the size of the images changed, as far as the run came. */
function tellResolutions(run: ReportFacts['run']): string {
  const planned = run.config.train.resolutions.length + 1;
  const sizes = sizeSteps(run).map(({ size }) => size);
  if (sizes.length < planned) {
    return `The size of the pictures was to change in ${planned} stages, of which the run came to the ${sizes.length === 1 ? 'first only' : `first ${sizes.length}`}.`;
  }
  const grows = sizes.every((size, index) => index === 0 || size > sizes[index - 1]);
  return grows
    ? `Pictures are small at first and grow in ${planned} stages: a step on small pictures costs a fraction of one at full size, ` +
        'and what is learnt there, where the parts of a face lie, remains useful.'
    : `The size of the pictures changes in ${planned} stages.`;
}

function regularisation({ run: { config } }: ReportFacts): string {
  const { train, data, loss } = config;
  const { augmentation: a } = data;
  const { copyPaste } = a;
  const augmented = augmentationRows(config).length > 0;
  const strengths = { turning: a.rotation, sizing: a.scale, shifting: a.shift, mirroring: a.flip };
  const moves = Object.entries(strengths).flatMap(([name, strength]) => (strength > 0 ? [name] : []));
  const measures = paragraph(
    train.optimizer.weightDecay > 0 &&
      'Weight decay acts on the kernels of convolutions, not on biases and normalisation.',
    train.averageDecay > 0 &&
      `What is validated and used is an exponential moving average of the weights, $overline(theta) <- d overline(theta) + (1 - d) theta$ ` +
        `with $d = min(${train.averageDecay}, (1 + t) / (10 + t))$ at step $t$, which evens out the last steps.`,
    augmented && 'Every picture is changed at random each time it is seen (@tab-augmentation).',
    moves.length > 1 && `${list(moves).replace(/^./, (first) => first.toUpperCase())} are one bilinear warp.`,
    a.flip > 0 &&
      exchangesSides(a, data.labels) &&
      'A mirrored face has its left and right labels exchanged, without which mirroring would teach wrong labels.',
    copyPaste.probability > 0 &&
      `Copy-paste fights the rarity of classes: the faces are aligned, so that ${list(copyPaste.classes.map(markup))} of another photo can be pasted in at its own place, ` +
        'with rules of what it may cover and what it has to lie on.',
    a.cutMix > 0 && 'CutMix shows a rectangle of 10 % to 40 % of the area from another picture.',
    Object.keys(data.oversample).length > 0 &&
      'Pictures with rare classes come up more often by the factors of @tab-optimisation.',
    loss.labelSmoothing > 0 && 'Label smoothing keeps the network from being surer than the annotators.',
  );
  return measures && paragraph('*Regularisation.*', measures);
}

/** How a photo becomes a square of the network. */
const resizeWords: Readonly<Record<ResizeRule, string>> = { 'stretch-area-bilinear': 'resized' };

/** What becomes of the values 0 to 1 of a photo: where they come to lie if that is the same for all channels, else how. */
function tellNormalization({ mean, std }: Normalization): string {
  const [m, s] = [mean[0], std[0]];
  if (mean.every((value) => value === m) && std.every((value) => value === s)) {
    const [from, to] = [0, 1].map((value) => String(Number(((value - m) / s).toFixed(2))).replace('-', '−'));
    return `its channels are brought from 0–1 to ${from}–${to} (#box[$(x - ${m}) slash ${s}$])`;
  }
  const vector = (values: readonly number[]) => `(${values.join(', ')})`;
  return (
    'the values 0–1 of its channels become #box[$(x - mu) slash sigma$] with ' +
    `#box[$mu = ${vector(mean)}$] and #box[$sigma = ${vector(std)}$] for red, green and blue`
  );
}

function processing({ network, run, averaging }: ReportFacts): string {
  const { preprocessing } = network;
  const sides = averaging?.sides ?? [preprocessing.size];
  const squares = list(sides.map((side) => `${side} × ${side}`));
  return paragraph(
    `*Processing.* A photo is ${resizeWords[preprocessing.resize]} to ${squares} pixels and ${tellNormalization(preprocessing)}, the same way in training and prediction.`,
    averaging
      ? tellAveraging(averaging)
      : 'After the network, its scores are enlarged bilinearly to the size of the photo and each pixel takes the class with the highest. ' +
          'Nothing else is done: predictions are not averaged over views and not cleaned up.',
    tellWeights(network, run),
  );
}

function tellAveraging({ flip, sides }: AveragedViews): string {
  const sizes = sides.length > 1 ? ` at ${sides.length === 2 ? 'both' : 'all'} sizes` : '';
  const views = viewsOf({ flip, sides });
  return paragraph(
    `The network sees ${flip ? `the photo and its mirror image${sizes}, ${views} views of which the mirrored ones are mirrored back afterwards` : `the photo${sizes}`}.`,
    'Their class probabilities are averaged on the grid of the largest scores; the logs of the means are enlarged bilinearly to the size of the photo, and each pixel takes the class with the highest.',
    'Nothing is cleaned up afterwards.',
  );
}

function tellWeights({ weightsAre, step }: ReportFacts['network'], run: ReportFacts['run']): string {
  const when = step === undefined ? '' : ` (step ${formatCount(step)}, epoch ${Number(epochOf(step, run).toFixed(1))})`;
  return weightsAre === 'best'
    ? `The weights are those of the validation with the highest F${when}.`
    : `The weights are the last that were saved${when}, since no validation had been made.`;
}

/** Optimisation, regularisation and processing, with the values of the run. */
export function trainingSection(facts: ReportFacts): string {
  const { config } = facts.run;
  const augmentation = augmentationRows(config);
  const optimiser = settings(optimizerRows(config), 'Optimisation.', 'tab-optimisation');
  return blocks(
    '= Optimisation and regularisation',
    optimisation(facts),
    regularisation(facts),
    augmentation.length > 0
      ? sideBySide(
          ['1fr', '1.15fr'],
          [optimiser, settings(augmentation, 'Augmentation; values are uniform within the range.', 'tab-augmentation')],
        )
      : optimiser,
    processing(facts),
  );
}
