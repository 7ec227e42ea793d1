import type { Config } from '../../config/schema.ts';
import { losses } from '../../losses/registry.ts';
import { typstNumber } from '../../text/typst-number.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { blocks, list, paragraph } from '../typst/typst-text.ts';

function weighted(weight: number, symbol: string): string {
  return weight === 1 ? symbol : `${weight} ${symbol}`;
}

/** A loss with its formula, as it stands in the sum before its weight. */
function described({ title, reference, symbol, text }: (typeof losses)[number], settings: Config['loss']): string {
  const { over, formula, remarks = [] } = text(settings);
  const cited = reference === undefined ? '' : ` @${reference}`;
  return paragraph(
    `*${title[0].toUpperCase()}${title.slice(1)}*${cited} ${over}:`,
    `$ L_"${symbol}" = ${formula} $`,
    ...remarks,
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
  const parts = losses.filter(({ name }) => loss[name] > 0);
  const sum = parts.map(({ name, symbol }) => weighted(loss[name], `L_"${symbol}"`)).join(' + ');
  return blocks(
    '= Losses',
    paragraph(
      parts.length > 1
        ? `The loss joins ${list(parts.map(({ title }) => title))}: $L = ${sum}$.`
        : `The loss is $L = ${sum}$.`,
      loss.auxiliary > 0 &&
        `The same losses at each auxiliary head are added with a weight of ${typstNumber(loss.auxiliary)}.`,
      resolution(facts),
      augmentation.rotation + augmentation.shift + augmentation.scale > 0 &&
        'Pixels that come in from outside of the photo when it is turned, shifted or shrunk are left out.',
    ),
    ...parts.map((part) => described(part, loss)),
  );
}
