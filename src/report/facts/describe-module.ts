import { familiarName } from '../../export/pytorch/familiar-names.ts';
import { type Layer, Region, type Value } from '../../export/pytorch/module-tree.ts';
import { snakeCase } from '../../export/pytorch/python-names.ts';
import type { GraphNode } from '../../graph/graph.ts';
import type { ConvolutionAttributes } from '../../graph/ops/convolution.ts';
import type { AdaptiveAvgPoolAttributes } from '../../graph/ops/pooling.ts';

/** A part with more kinds of modules than this is told by its class and the number of its convolutions. */
const mostEntries = 4;

/**
 * What modules are made of, in words, repetitions counted: `['conv 3×3 /2', '2 × residual block']`.
 *
 * @param values what the modules compute
 */
export function describeModule(members: readonly (Region | Layer)[], values: readonly Value[]): string[] {
  const entries = members.flatMap((member) => entriesOf(member, values));
  const counted: { text: string; count: number }[] = [];
  for (const text of entries) {
    const last = counted.at(-1);
    if (last?.text === text) last.count++;
    else counted.push({ text, count: 1 });
  }
  if (counted.length > mostEntries) return [`${values.filter(isConvolution).length} convolutions`];
  return counted.map(({ text, count }) => (count > 1 ? `${count} × ${text}` : text));
}

function isConvolution({ tensor }: Value): boolean {
  return tensor.node.op === 'conv2d';
}

function entriesOf(member: Region | Layer, values: readonly Value[]): string[] {
  if (!(member instanceof Region)) return member.node.op === 'conv2d' ? [describeConvolution(member.node)] : [];
  const own = values.filter(({ region }) => member.contains(region));
  const convolutions = own.filter(isConvolution).map(({ tensor }) => tensor.node);
  switch (familiarName(member).name) {
    case 'ConvBn':
      return convolutions.slice(0, 1).map(describeConvolution);
    case 'BasicBlock':
      return ['residual block'];
    case 'SqueezeExcite':
      return ['SE'];
    case 'InvertedResidual':
      return [describeInvertedResidual(member, convolutions)];
    case 'PyramidPooling':
      return [`grids ${gridsOf(own).join(', ')}`];
    default:
      return describeChildren(member, values, convolutions.length);
  }
}

/** The children in turn, or the class of the module where that would be long. */
function describeChildren(region: Region, values: readonly Value[], convolutions: number): string[] {
  const entries = [...region.children.values()].flatMap((child) => entriesOf(child, values));
  if (region.form === 'sequence' || new Set(entries).size <= 2) return entries;
  const name = snakeCase(familiarName(region).name).replaceAll('_', ' ');
  return [`${name} (${convolutions} conv)`];
}

function describeInvertedResidual(region: Region, convolutions: readonly GraphNode[]): string {
  const kernel = Math.max(...convolutions.map((node) => node.inputs[1].shape[2]));
  const stride = Math.max(...convolutions.map((node) => (node.attributes as ConvolutionAttributes).stride[0]));
  const squeeze = [...region.children.values()].some(
    (child) => child instanceof Region && familiarName(child).name === 'SqueezeExcite',
  );
  return `IR ${kernel}×${kernel}${squeeze ? ' + SE' : ''}${stride > 1 ? ` /${stride}` : ''}`;
}

function describeConvolution(node: GraphNode): string {
  const { stride, dilation, groups } = node.attributes as ConvolutionAttributes;
  const [filters, , height, width] = node.inputs[1].shape;
  return [
    groups > 1 && groups === filters ? 'depthwise' : 'conv',
    `${height}×${width}`,
    stride[0] > 1 && `/${stride[0]}`,
    dilation[0] > 1 && `dilated ${dilation[0]}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function gridsOf(values: readonly Value[]): string[] {
  const pools = values.map(({ tensor }) => tensor.node).filter(({ op }) => op === 'adaptiveAvgPool');
  const sizes = pools.map(({ attributes }) => (attributes as AdaptiveAvgPoolAttributes).size[0]);
  // A mean over the whole image is a reduction, not a pooling.
  const whole = values.some(
    ({ tensor }) => tensor.node.op !== 'conv2d' && tensor.shape[2] === 1 && tensor.shape[3] === 1,
  );
  return [...new Set([...(whole ? [1] : []), ...sizes])].map((size) => `${size}²`);
}
