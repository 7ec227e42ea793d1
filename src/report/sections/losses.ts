import type { Config } from '../../config/schema.ts';
import { losses } from '../../losses/registry.ts';
import { typstNumber } from '../../text/typst-number.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { blocks, keepTogether, list, paragraph } from '../typst/typst-text.ts';

function weighted(weight: number, symbol: string): string {
  return weight === 1 ? symbol : `${weight} ${symbol}`;
}

/** A loss and its formula, without its weight. */
function described({ title, reference, symbol, text }: (typeof losses)[number], settings: Config['loss']): string {
  const { over, formula, remarks = [] } = text(settings);
  const cited = reference === undefined ? '' : ` @${reference}`;
  return keepTogether(
    paragraph(
      `*${title[0].toUpperCase()}${title.slice(1)}*${cited} ${over}:`,
      `$ L_"${symbol}" = ${formula} $`,
      ...remarks,
    ),
  );
}

/** The resolution at which the loss is computed, and how the logits are resized to it, stage by stage. */
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
    .map(({ scores, labels }) => `${scores}² ${labels > scores ? 'upsampled' : 'downsampled'} to ${labels}²`);
  if (ways.length === 0)
    return 'The loss is computed at the resolution of the logits, to which the labels are resized.';
  const rest =
    ways.length < resolutions.length
      ? '; in the other stages the loss is computed at the resolution of the logits'
      : '';
  return `The logits are first resized to the resolution of the labels: ${list([...new Set(ways)])}${rest}.`;
}

/** The losses of the run with their formulas. */
export function lossesSection(facts: ReportFacts): string {
  const {
    loss,
    data: { augmentation },
  } = facts.run.config;
  const parts = losses.filter(({ name }) => loss[name] > 0);
  const sum = parts.map(({ name, symbol }) => weighted(loss[name], `L_"${symbol}"`)).join(' + ');
  return blocks(
    '= Losses',
    paragraph(
      parts.length > 1
        ? `The loss is the weighted sum of ${list(parts.map(({ title }) => title))}: $L = ${sum}$.`
        : `The loss is $L = ${sum}$.`,
      loss.auxiliary > 0 && `The same loss at each auxiliary head is added with weight ${typstNumber(loss.auxiliary)}.`,
      resolution(facts),
      augmentation.outside === 'ignore' &&
        augmentation.rotation + augmentation.shift + augmentation.scale + augmentation.shrink > 0 &&
        'Pixels outside the photo, introduced by rotation, shift or scaling, are ignored.',
    ),
    ...parts.map((part) => described(part, loss)),
  );
}
