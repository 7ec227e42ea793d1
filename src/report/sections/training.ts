import type { Config } from '../../config/schema.ts';
import type { Normalization } from '../../image/normalization.ts';
import type { ResizeRule } from '../../image/preprocessing.ts';
import type { LabelSetChoice } from '../../labels/label-table.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { formatCount } from '../../text/counts.ts';
import { typstNumber } from '../../text/typst-number.ts';
import { formatShare } from '../facts/format-facts.ts';
import { type AveragedViews, type ReportFacts, viewsOf } from '../facts/report-facts.ts';
import { epochOf, validations } from '../facts/run-progress.ts';
import { blocks, figure, list, markup, paragraph, sideBySide, table } from '../typst/typst-text.ts';
import { optimisation, optimizerRows, type Row } from './optimization.ts';

/** Whether a flip changes labels; some label sets have no sides. */
function exchangesSides({ flipSwap }: Config['data']['augmentation'], labels: LabelSetChoice): boolean {
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
      'horizontal flip',
      `${chance(a.flip)}${exchangesSides(a, labels) ? ', left and right labels swapped' : ''}`,
    ],
    a.rotation > 0 && ['rotation', around(a.rotation, '°')],
    a.scale > 0 && ['scale', `× $e^s$, $s$ within ${around(a.scale)}`],
    a.shrink > 0 && ['further shrinking', `× $e^(-s)$, $s$ from 0 to ${typstNumber(a.shrink)}`],
    a.shift > 0 && ['shift', `${around(a.shift)} of the side length`],
    ...shown.map(([name, value]): Row => [name, `factor 1 ${around(value)}`]),
    a.grayscale > 0 && ['greyscale', chance(a.grayscale)],
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

function regularisation({ run: { config } }: ReportFacts): string {
  const { train, data, loss } = config;
  const { augmentation: a } = data;
  const { copyPaste } = a;
  const augmented = augmentationRows(config).length > 0;
  const strengths = { rotation: a.rotation, scaling: a.scale + a.shrink, shift: a.shift, flip: a.flip };
  const moves = Object.entries(strengths).flatMap(([name, strength]) => (strength > 0 ? [name] : []));
  const measures = paragraph(
    train.optimizer.weightDecay > 0 &&
      'Weight decay applies to convolution kernels, not to biases or normalisation parameters.',
    train.averageDecay > 0 &&
      `Validation and prediction use an exponential moving average of the weights, $overline(theta) <- d overline(theta) + (1 - d) theta$ ` +
        `with $d = min(${train.averageDecay}, (1 + t) / (10 + t))$ at step $t$, which smooths out the noise of single steps.`,
    augmented && 'Every training image is augmented at random each time it is used (@tab-augmentation).',
    moves.length > 1 &&
      `${list(moves).replace(/^./, (first) => first.toUpperCase())} are applied as one bilinear warp.`,
    a.outside === 'texture' &&
      moves.some((name) => name !== 'flip') &&
      'Random textures, labelled as background, surround a photo that no longer fills the input.',
    a.flip > 0 &&
      exchangesSides(a, data.labels) &&
      'A flip also swaps left and right labels, because flipped images would otherwise have wrong labels.',
    copyPaste.probability > 0 &&
      `Copy-paste counters class imbalance. Because the faces are aligned, ${list(copyPaste.classes.map(markup))} from another photo can be pasted at the original position, ` +
        'subject to rules on what it may cover.',
    a.cutMix > 0 && 'CutMix replaces a rectangle of 10 % to 40 % of the area with the same rectangle of another image.',
    Object.keys(data.oversample).length > 0 &&
      'Images with rare classes are sampled more often, by the factors in @tab-optimisation.',
    loss.labelSmoothing > 0 && 'Label smoothing keeps the network from becoming overconfident.',
  );
  return measures && paragraph('*Regularisation.*', measures);
}

/** How a photo is turned into the square input of the network. */
const resizeWords: Readonly<Record<ResizeRule, string>> = {
  'stretch-area-bilinear': 'resized',
  'letterbox-area-bilinear': 'resized with its aspect ratio and padded with grey',
};

/** How the values 0 to 1 of a photo are normalised: the new range if all channels have the same, otherwise the formula. */
function describeNormalization({ mean, std }: Normalization): string {
  const [m, s] = [mean[0], std[0]];
  if (mean.every((value) => value === m) && std.every((value) => value === s)) {
    const [from, to] = [0, 1].map((value) => String(Number(((value - m) / s).toFixed(2))).replace('-', '−'));
    return `its channels are scaled from 0–1 to ${from}–${to} (#box[$(x - ${m}) slash ${s}$])`;
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
    `*Processing.* ${averaging ? 'For prediction, a' : 'A'} photo is ${resizeWords[preprocessing.resize]} to ${squares} pixels and ${describeNormalization(preprocessing)}, ${averaging ? 'as in training' : 'in both training and prediction'}.`,
    averaging
      ? describeAveraging(averaging)
      : 'The logits are upsampled bilinearly to the size of the photo, and each pixel takes the class with the highest logit. ' +
          'No test-time augmentation or other post-processing is used.',
    describeWeights(network, run),
  );
}

function describeAveraging({ flip, sides }: AveragedViews): string {
  const sizes = sides.length > 1 ? ` at ${sides.length === 2 ? 'both' : 'all'} sizes` : '';
  const views = viewsOf({ flip, sides });
  return paragraph(
    `The network sees ${flip ? `the photo and its mirror image${sizes}, ${views} views in all. Predictions for mirrored views are mirrored back` : `the photo${sizes}`}.`,
    'The class probabilities are averaged at the largest logit resolution. The logarithms of the means are upsampled bilinearly to the size of the photo, and each pixel takes the class with the highest value.',
    'No other post-processing is used.',
  );
}

function describeWeights({ weightsAre, step }: ReportFacts['network'], run: ReportFacts['run']): string {
  const when = step === undefined ? '' : ` (step ${formatCount(step)}, epoch ${Number(epochOf(step, run).toFixed(1))})`;
  if (weightsAre === 'best') {
    return validations(run).length > 1
      ? `The weights are those of the checkpoint with the highest validation F${when}.`
      : `The weights are those of the only validation${when}.`;
  }
  return `The weights are the last ones saved${when}, because the run had no validation yet.`;
}

/** Optimisation, regularisation and processing, with the values of the run. */
export function trainingSection(facts: ReportFacts): string {
  const { config } = facts.run;
  const augmentation = augmentationRows(config);
  const optimiser = settings(optimizerRows(config), 'Optimisation settings.', 'tab-optimisation');
  return blocks(
    '= Optimisation and regularisation',
    optimisation(facts),
    regularisation(facts),
    augmentation.length > 0
      ? sideBySide(
          ['1fr', '1.15fr'],
          [
            optimiser,
            settings(augmentation, 'Augmentation. Values are drawn uniformly from the range.', 'tab-augmentation'),
          ],
        )
      : optimiser,
    processing(facts),
  );
}
