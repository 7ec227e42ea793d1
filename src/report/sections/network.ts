import { getLabelSet } from '../../labels/registry.ts';
import { formatCount } from '../../text/counts.ts';
import { formatShare } from '../facts/format-facts.ts';
import type { NetworkPart } from '../facts/network-parts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { blocks, code, figure, list, markup, paragraph, sideBySide, table, typstString } from '../typst/typst-text.ts';

/** Names of the parts that hold modules of a kind. */
function partsWith(parts: readonly NetworkPart[], kind: string): string {
  const holders = parts.filter(({ contents }) => contents.some((content) => content.kind === kind));
  return list(holders.map(({ name }) => markup(name)).slice(0, 6));
}

/** Parts that enlarge and also read something finer that is passed to them: the steps of a decoder. */
function isUShaped(parts: readonly NetworkPart[]): boolean {
  return parts.some(({ reads, shape }) => {
    const sides = reads.filter((read) => read >= 0).map((read) => parts[read].shape[1]);
    return sides.length > 1 && Math.min(...sides) < shape[1] && Math.max(...sides) === shape[1];
  });
}

/** What it looks like as a whole. */
function describe({ network, run }: ReportFacts): string {
  const { network: facts, model, preprocessing, coordinates } = network;
  const { parts } = facts;
  const { size } = preprocessing;
  const hasSides = getLabelSet(run.config.data.labels).mirrorPairs.length > 0;
  const deepest = Math.min(...parts.map(({ shape }) => shape[1]));
  return paragraph(
    `The network, ${code(model)}, is shown in @fig-network.`,
    isUShaped(parts)
      ? `It has the shape of a U @unet: an encoder brings the ${size}² picture down to ${deepest}² places, ` +
          'where a place knows much of the face; a decoder brings the result back, and skip connections hand it the fine detail that was lost on the way.'
      : `It brings the ${size}² picture down to ${deepest}² places, where a place knows much of the face.`,
    coordinates &&
      `Two channels with the coordinates of each pixel, −1 to 1, are joined to the input @coordconv: ${hasSides ? 'left and right parts look alike, and only their place tells them apart' : 'the photos are aligned, so that its place says much of what a pixel shows'}.`,
  );
}

/** What it is built of. */
function describeBlocks({ network, run }: ReportFacts): string {
  const { network: facts, logitsSide, batchNormalization } = network;
  const { parts } = facts;
  const contents = parts.flatMap((part) => part.contents);
  const first = (kind: string) => contents.find((content) => content.kind === kind);
  const inverted = first('InvertedResidual');
  const squeeze = contents.some((content) => content.squeeze);
  return paragraph(
    first('BasicBlock') && `Residual blocks of two 3×3 convolutions @resnet are in ${partsWith(parts, 'BasicBlock')}.`,
    inverted &&
      `Inverted residuals (IR) @mobilenet with depthwise ${inverted.kernel} convolutions${squeeze ? ' and squeeze-and-excitation (SE) @senet' : ''} ` +
        `are in ${partsWith(parts, 'InvertedResidual')}: they need few parameters where there are many channels.`,
    first('PyramidPooling') &&
      'Pyramid pooling @pspnet joins means over coarse grids to the deepest features, so that every place also knows the whole picture.',
    batchNormalization && 'Batch normalisation @batch-norm follows the convolutions.',
    `The scores come out at ${logitsSide}² and are enlarged to the size of the photo before the best class of each pixel is taken; enlarging labels instead would make steps at every border.`,
    run.config.loss.auxiliary > 0 && 'Auxiliary heads on inner features help the training and are then dropped.',
    '@tab-parameters says where the parameters are.',
  );
}

function parametersTable({ network, parameters }: ReportFacts): string {
  const { parts } = network.network;
  const groups = [...new Set(parts.map(({ group }) => group))];
  const total = parts.reduce((sum, part) => sum + part.parameters, 0);
  const giga = (macs: number) => (macs / 1e9).toFixed(2);
  const rows = groups.map((group) => {
    const own = parts.filter((part) => part.group === group);
    const sum = own.reduce((all, part) => all + part.parameters, 0);
    const macs = own.reduce((all, part) => all + part.multiplyAccumulates, 0);
    return [markup(group), formatCount(sum), formatShare(sum / parameters), giga(macs)];
  });
  if (parameters > total) {
    rows.push(['auxiliary heads', formatCount(parameters - total), formatShare((parameters - total) / parameters), '']);
  }
  const macs = parts.reduce((sum, part) => sum + part.multiplyAccumulates, 0);
  rows.push(['*sum*', `*${formatCount(parameters)}*`, '', `*${giga(macs)}*`]);
  const right = 'right' as const;
  return table(
    [
      { title: 'part' },
      { title: 'parameters', align: right },
      { title: 'share', align: right },
      { title: 'GMAC', align: right },
    ],
    rows,
  );
}

/** The network: figure, description, parameters by part. */
export function networkSection(facts: ReportFacts): string {
  const { parts } = facts.network.network;
  const contents = parts.flatMap((part) => part.contents);
  const caption =
    'The network, drawn from its computation graph: channels × resolution of each part and what it is made of (/2: stride 2' +
    `${contents.some(({ kind }) => kind === 'InvertedResidual') ? '; IR: inverted residual' : ''}` +
    `${contents.some(({ squeeze }) => squeeze) ? '; SE: squeeze-and-excitation' : ''}). ` +
    'Dashed: skip connections.';
  return blocks(
    '= Network',
    describe(facts),
    sideBySide(
      ['1fr', '6.4cm'],
      [
        describeBlocks(facts),
        figure(
          parametersTable(facts),
          'Trainable parameters, and 10#super[9] multiply-accumulates, by part.',
          'tab-parameters',
        ),
      ],
    ),
    // Last, since text can fill the page that it does not fit on.
    figure(`image(${typstString(facts.figures.network)}, width: 100%)`, caption, 'fig-network', 'auto'),
  );
}
