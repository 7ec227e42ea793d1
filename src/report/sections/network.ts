import { getLabelSet } from '../../labels/registry.ts';
import { formatCount } from '../../text/counts.ts';
import { formatShare } from '../facts/format-facts.ts';
import type { NetworkPart } from '../facts/network-parts.ts';
import type { ReportFacts } from '../facts/report-facts.ts';
import { blocks, code, figure, list, markup, paragraph, sideBySide, table, typstString } from '../typst/typst-text.ts';

/** Names of the parts that contain modules of a kind. */
function partsWith(parts: readonly NetworkPart[], kind: string): string {
  const holders = parts.filter(({ contents }) => contents.some((content) => content.kind === kind));
  return list(holders.map(({ name }) => markup(name)).slice(0, 6));
}

/** Whether a part upsamples and also reads a finer skip connection: the steps of a decoder. */
function isUShaped(parts: readonly NetworkPart[]): boolean {
  return parts.some(({ reads, shape }) => {
    const sides = reads.filter((read) => read >= 0).map((read) => parts[read].shape[1]);
    return sides.length > 1 && Math.min(...sides) < shape[1] && Math.max(...sides) === shape[1];
  });
}

/** Its overall structure. */
function describe({ network, run }: ReportFacts): string {
  const { network: facts, model, preprocessing, coordinates } = network;
  const { parts } = facts;
  const { size } = preprocessing;
  const hasSides = getLabelSet(run.config.data.labels).mirrorPairs.length > 0;
  const deepest = Math.min(...parts.map(({ shape }) => shape[1]));
  return paragraph(
    `@fig-network shows the network, ${code(model)}.`,
    isUShaped(parts)
      ? `It is an encoder-decoder with skip connections @unet. The encoder reduces the ${size}² image to a ${deepest}² feature map with a large receptive field. ` +
          'The decoder upsamples it again, and skip connections restore the fine detail lost in downsampling.'
      : `It reduces the ${size}² image to a ${deepest}² feature map with a large receptive field.`,
    coordinates &&
      `Two channels with the coordinates of each pixel, −1 to 1, are concatenated to the input @coordconv. ${hasSides ? 'Left and right parts look alike, so only their position distinguishes them' : 'The photos are aligned, so the position of a pixel is informative'}.`,
  );
}

/** Its modules. */
function describeBlocks({ network, run }: ReportFacts): string {
  const { network: facts, logitsSide, batchNormalization } = network;
  const { parts } = facts;
  const contents = parts.flatMap((part) => part.contents);
  const first = (kind: string) => contents.find((content) => content.kind === kind);
  const inverted = first('InvertedResidual');
  const squeeze = contents.some((content) => content.squeeze);
  return paragraph(
    first('BasicBlock') && `Residual blocks of two 3×3 convolutions @resnet make up ${partsWith(parts, 'BasicBlock')}.`,
    inverted &&
      `Inverted residuals (IR) @mobilenet with depthwise ${inverted.kernel} convolutions${squeeze ? ' and squeeze-and-excitation (SE) @senet' : ''} ` +
        `make up ${partsWith(parts, 'InvertedResidual')}. They need few parameters even with many channels.`,
    first('PyramidPooling') &&
      'Pyramid pooling @pspnet adds means over coarse grids to the deepest features, which gives every position global context.',
    batchNormalization && 'Batch normalisation @batch-norm follows the convolutions.',
    `The logits have a resolution of ${logitsSide}² and are upsampled to the size of the photo before the argmax. Upsampling labels instead would give jagged boundaries.`,
    run.config.loss.auxiliary > 0 && 'Auxiliary heads on intermediate features are used only during training.',
    '@tab-parameters shows how the parameters are distributed.',
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
  rows.push(['*total*', `*${formatCount(parameters)}*`, '', `*${giga(macs)}*`]);
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
    'The network, drawn from its computation graph, with channels × resolution and modules of each part (/2: stride 2' +
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
          'Trainable parameters and 10#super[9] multiply-accumulates (GMAC) by part.',
          'tab-parameters',
        ),
      ],
    ),
    // The figure comes last, so that text can fill a page that it does not fit on.
    figure(`image(${typstString(facts.figures.network)}, width: 100%)`, caption, 'fig-network', 'auto'),
  );
}
