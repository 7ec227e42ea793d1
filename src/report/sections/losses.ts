import type { Config } from '../../config/schema.ts';
import { formatNumber } from '../facts/format-facts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { blocks, list, paragraph } from '../typst/typst-text.ts';

function weighted(weight: number, symbol: string): string {
  return weight === 1 ? symbol : `${weight} ${symbol}`;
}

function crossEntropy({ labelSmoothing, classWeights }: Config['loss']): string {
  const smoothed = labelSmoothing > 0;
  const norm = classWeights ? 'sum_i w_(y_i)' : 'abs(Omega)';
  // Of a smoothed label each share has the weight of the class that it falls on.
  const target = smoothed
    ? `sum_c ${classWeights ? 'w_c ' : ''}t_(i c) log p_(i c)`
    : `${classWeights ? 'w_(y_i) ' : ''}log p_(i y_i)`;
  return paragraph(
    `*Cross-entropy* over the labelled pixels $Omega$ of a batch, with $y_i$ the class of pixel $i$ and $p$ the softmax of the scores:`,
    `$ L_"CE" = - 1 / (${norm}) sum_(i in Omega) ${target}. $`,
    smoothed &&
      `The targets $t$ are smoothed @label-smoothing: ${formatNumber(labelSmoothing)} of each label is spread evenly over all classes.`,
    classWeights !== undefined &&
      `The classes have weights of ${formatNumber(Math.min(...classWeights))} to ${formatNumber(Math.max(...classWeights))}.`,
  );
}

function dice({ diceSmooth }: Config['loss']): string {
  return paragraph(
    `*Soft Dice* @dice over the classes $C_n$ that are present in picture $n$ of $N$, $t$ being the labels as 0 or 1${diceSmooth > 0 ? ` and $s = ${diceSmooth}$` : ''}:`,
    `$ L_"Dice" = 1 - 1 / N sum_(n=1)^N 1 / abs(C_n) sum_(c in C_n) (2 sum_i p_(i c) t_(i c)${diceSmooth > 0 ? ' + s' : ''}) / (sum_i p_(i c) + sum_i t_(i c)${diceSmooth > 0 ? ' + s' : ''}). $`,
    'It follows the score, with probabilities in the place of decisions: one value a class and picture, however few pixels the class has.',
  );
}

function lovasz(): string {
  return paragraph(
    '*Lovász-softmax* @lovasz over the same classes, a surrogate of $1 - "IoU"$; $overline(Delta)_c$ is the Lovász extension of the loss of class $c$, $m(c)$ the errors of the pixels:',
    '$ L_"Lovász" = 1 / N sum_(n=1)^N 1 / abs(C_n) sum_(c in C_n) overline(Delta)_c (m(c)), quad m_i (c) = cases(1 - p_(i c) & "if" y_i = c, p_(i c) & "else".) $',
  );
}

/** The resolution at which the loss is computed, and which way the scores are brought there, resolution by resolution. */
function resolution({ run: { config }, network }: ReportFacts): string {
  const { train } = config;
  const stride = network.preprocessing.size / network.logitsSide;
  const resolutions = [...train.resolutions, { size: train.size, labelSize: train.labelSize }].map(
    ({ size, labelSize }) => {
      const scores = size / stride;
      return { scores, labels: labelSize ?? scores };
    },
  );
  const ways = resolutions
    .filter(({ scores, labels }) => scores !== labels)
    .map(({ scores, labels }) => `${scores}² ${labels > scores ? 'enlarged' : 'reduced'} to ${labels}²`);
  if (ways.length === 0) return 'It is computed at the resolution of the scores, to which the labels are brought.';
  const rest =
    ways.length < resolutions.length ? '; in the other stages it is computed at the resolution of the scores' : '';
  return `The scores are first brought to the resolution of the labels, ${list([...new Set(ways)])}${rest}.`;
}

/** The losses that the run had, with their formulas. */
export function lossesSection(facts: ReportFacts): string {
  const {
    loss,
    data: { augmentation },
  } = facts.run.config;
  const parts = [
    { weight: loss.crossEntropy, symbol: 'L_"CE"', name: 'cross-entropy', text: () => crossEntropy(loss) },
    { weight: loss.dice, symbol: 'L_"Dice"', name: 'soft Dice', text: () => dice(loss) },
    { weight: loss.lovasz, symbol: 'L_"Lovász"', name: 'Lovász-softmax', text: lovasz },
  ].filter(({ weight }) => weight > 0);
  const sum = parts.map(({ weight, symbol }) => weighted(weight, symbol)).join(' + ');
  return blocks(
    '= Losses',
    paragraph(
      parts.length > 1
        ? `The loss joins ${list(parts.map(({ name }) => name))}: $L = ${sum}$.`
        : `The loss is $L = ${sum}$.`,
      loss.auxiliary > 0 &&
        `The same losses at each auxiliary head are added with a weight of ${formatNumber(loss.auxiliary)}.`,
      resolution(facts),
      augmentation.rotation + augmentation.shift + augmentation.scale > 0 &&
        'Pixels that come in from outside of the photo when it is turned, shifted or shrunk are left out.',
    ),
    ...parts.map(({ text }) => text()),
  );
}
