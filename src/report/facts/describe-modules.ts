import type { GraphNode } from '../../graph/graph.ts';
import type { Region } from '../../graph/module-tree.ts';
import type { ConvolutionAttributes } from '../../graph/ops/convolution.ts';
import type { AdaptiveAvgPoolAttributes } from '../../graph/ops/pooling.ts';
import { snakeCase } from '../../text/word-forms.ts';

/** Consecutive modules of one kind, as a figure describes them. */
export interface Content {
  /** Kind of the modules; absent where the text covers several kinds. */
  readonly kind?: string;
  /** `conv 3×3 /2`, `2 × residual block`. */
  readonly text: string;
  /** The largest kernel of an inverted residual: `5×5`. */
  readonly kernel?: string;
  /** Whether it contains squeeze-and-excitation. */
  readonly squeeze?: boolean;
}

/** A part with more kinds of modules than this is described by the number of its convolutions. */
const mostEntries = 4;

/** Describes the contents of modules in words, with repetitions counted. */
export function describeModules(modules: readonly Region[]): Content[] {
  const counted: { content: Content; count: number }[] = [];
  for (const content of modules.flatMap(contentsOf)) {
    const last = counted.at(-1);
    if (last?.content.text === content.text) last.count++;
    else counted.push({ content, count: 1 });
  }
  if (counted.length > mostEntries) {
    return [{ text: `${modules.flatMap(convolutionsOf).length} convolutions` }];
  }
  return counted.map(({ content, count }) =>
    count > 1 ? { ...content, text: `${count} × ${content.text}` } : content,
  );
}

function convolutionsOf({ nodes }: Region): GraphNode[] {
  return nodes.filter(({ op }) => op === 'conv2d' || op === 'convTranspose2d');
}

function contentsOf(region: Region): Content[] {
  const kind = region.module?.kind;
  switch (kind) {
    case 'Conv2d':
    case 'ConvTranspose2d':
    case 'ConvBn':
      return convolutionsOf(region)
        .slice(0, 1)
        .map((node) => ({ kind, text: describeConvolution(node) }));
    case 'BatchNorm2d':
      return [];
    case 'BasicBlock':
      return [{ kind, text: 'residual block' }];
    case 'SqueezeExcite':
      return [{ kind, text: 'SE', squeeze: true }];
    case 'InvertedResidual':
      return [describeInvertedResidual(region, kind)];
    case 'PyramidPooling':
      return [{ kind, text: `grids ${gridsOf(region).join(', ')}` }];
    default:
      return describeChildren(region);
  }
}

/** The contents of the children in order, or the kind of the module if that list would be long. */
function describeChildren(region: Region): Content[] {
  const { module, name, children } = region;
  const contents = [...children.values()].flatMap(contentsOf);
  if (module?.kind === 'Sequential' || new Set(contents.map(({ text }) => text)).size <= 2) return contents;
  const words = snakeCase(module?.kind ?? name).replaceAll('_', ' ');
  return [{ ...(module && { kind: module.kind }), text: `${words} (${convolutionsOf(region).length} conv)` }];
}

function describeInvertedResidual(region: Region, kind: string): Content {
  const convolutions = convolutionsOf(region);
  const side = Math.max(...convolutions.map((node) => node.inputs[1].shape[2]));
  const stride = Math.max(...convolutions.map((node) => (node.attributes as ConvolutionAttributes).stride[0]));
  const squeeze = [...region.children.values()].some(({ module }) => module?.kind === 'SqueezeExcite');
  const kernel = `${side}×${side}`;
  return {
    kind,
    text: `IR ${kernel}${squeeze ? ' + SE' : ''}${stride > 1 ? ` /${stride}` : ''}`,
    kernel,
    squeeze,
  };
}

function describeConvolution(node: GraphNode): string {
  const { stride, dilation, groups } = node.attributes as ConvolutionAttributes;
  const [, , height, width] = node.inputs[1].shape;
  const kind = groups > 1 && groups === node.outputs[0].shape[1] ? 'depthwise' : 'conv';
  return [
    node.op === 'conv2d' ? kind : `transposed ${kind}`,
    `${height}×${width}`,
    stride[0] > 1 && `/${stride[0]}`,
    dilation[0] > 1 && `dilated ${dilation[0]}`,
  ]
    .filter(Boolean)
    .join(' ');
}

function gridsOf({ nodes }: Region): string[] {
  const pools = nodes.filter(({ op }) => op === 'adaptiveAvgPool');
  const sizes = pools.map(({ attributes }) => (attributes as AdaptiveAvgPoolAttributes).size[0]);
  // A mean over the whole image is a reduction, not a pooling.
  const whole = nodes.some(({ op, outputs: [{ shape }] }) => op !== 'conv2d' && shape[2] === 1 && shape[3] === 1);
  return [...new Set([...(whole ? [1] : []), ...sizes])].map((size) => `${size}²`);
}
