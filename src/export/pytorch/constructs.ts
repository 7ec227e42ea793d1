import type { GraphNode } from '../../graph/graph.ts';
import type { Region } from '../../graph/module-tree.ts';
import type { ConvolutionAttributes, TransposedConvolutionAttributes } from '../../graph/ops/convolution.ts';
import type { BatchNormAttributes } from '../../graph/ops/normalization.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { ArgumentValue } from './constructor-parameters.ts';
import { pair } from './pytorch-ops.ts';

/** One argument of a constructor. */
export interface Argument {
  readonly name: string;
  readonly value: ArgumentValue;
  /** Whether it counts channels. */
  readonly channels?: true;
  /** The call omits the argument if it has this value. */
  readonly default?: ArgumentValue;
}

/** A module as its constructor call, or a container with its items. */
export type Construct =
  | { readonly kind: 'call'; readonly callee: string; readonly arguments: readonly Argument[] }
  | {
      readonly kind: 'container';
      /** Empty for the arguments of `super().__init__`. */
      readonly callee: string;
      readonly brackets: '()' | '([])' | '({})';
      readonly items: readonly (readonly [string, Construct])[];
    }
  /** A call without arguments of a class that is itself an argument: `activation()`. */
  | { readonly kind: 'made'; readonly argument: Argument };

/** The constructor call of a layer. @throws FaceparseError if PyTorch's module does not support the node's settings */
export function layerConstruct({ nodes: [node], path }: Region): Construct {
  if (node.op === 'conv2d') return { kind: 'call', callee: 'nn.Conv2d', arguments: convolutionArguments(node, path) };
  if (node.op === 'convTranspose2d') {
    return { kind: 'call', callee: 'nn.ConvTranspose2d', arguments: transposedArguments(node, path) };
  }
  const { epsilon } = node.attributes as BatchNormAttributes;
  return {
    kind: 'call',
    callee: 'nn.BatchNorm2d',
    arguments: [
      { name: 'num_features', value: node.outputs[0].shape[1], channels: true },
      { name: 'eps', value: epsilon, default: 1e-5 },
    ],
  };
}

/** One number for both directions, or a pair as text. */
function both(values: readonly [number, number]): ArgumentValue {
  return values[0] === values[1] ? values[0] : pair(values);
}

/** The padding at the top and left. @throws FaceparseError if the padding on the other sides differs */
function equalPadding({ attributes }: GraphNode, path: string): readonly [number, number] {
  const { padding } = attributes as ConvolutionAttributes;
  const [top, left, bottom, right] = padding;
  if (top === bottom && left === right) return [top, left];
  throw new FaceparseError(
    `the convolution '${path}' has padding [${padding}]; PyTorch requires equal padding on opposite sides`,
  );
}

function transposedArguments(node: GraphNode, path: string): Argument[] {
  const { stride, dilation, groups, outputPadding } = node.attributes as TransposedConvolutionAttributes;
  const [, weight, bias] = node.inputs;
  const [channels, perGroup, height, width] = weight.shape as [number, number, number, number];
  const padding = equalPadding(node, path);
  return [
    { name: 'in_channels', value: channels, channels: true },
    { name: 'out_channels', value: perGroup * groups, channels: true },
    { name: 'kernel_size', value: both([height, width]) },
    { name: 'stride', value: both(stride), default: 1 },
    { name: 'padding', value: both(padding), default: 0 },
    { name: 'output_padding', value: both(outputPadding), default: 0 },
    { name: 'dilation', value: both(dilation), default: 1 },
    { name: 'groups', value: groups, default: 1, channels: true },
    { name: 'bias', value: bias ? 'True' : 'False', default: 'True' },
  ];
}

function convolutionArguments(node: GraphNode, path: string): Argument[] {
  const { stride, dilation, groups } = node.attributes as ConvolutionAttributes;
  const [filters, perGroup, height, width] = node.inputs[1].shape as [number, number, number, number];
  const padding = equalPadding(node, path);
  return [
    { name: 'in_channels', value: perGroup * groups, channels: true },
    { name: 'out_channels', value: filters, channels: true },
    { name: 'kernel_size', value: both([height, width]) },
    { name: 'stride', value: both(stride), default: 1 },
    { name: 'dilation', value: both(dilation), default: 1 },
    { name: 'padding', value: both(padding), default: 0 },
    { name: 'groups', value: groups, default: 1, channels: true },
    { name: 'bias', value: node.inputs[2] ? 'True' : 'False', default: 'True' },
  ];
}

/** The arguments of a construct and its items, in a fixed order. */
export function argumentsOf(construct: Construct): readonly Argument[] {
  if (construct.kind === 'call') return construct.arguments;
  if (construct.kind === 'made') return [construct.argument];
  return construct.items.flatMap(([, item]) => argumentsOf(item));
}

/** Writes an argument as a literal or as an expression of parameters. */
export type ArgumentWriter = (argument: Argument) => string;

const lineWidth = 100;

/** A construct as Python text; items that do not fit on one line get separate lines. */
export function writeConstruct(construct: Construct, write: ArgumentWriter, indent: number, prefix = ''): string {
  if (construct.kind === 'made') return `${write(construct.argument)}()`;
  const [parts, brackets] =
    construct.kind === 'call'
      ? [writeArguments(construct.callee, construct.arguments, write), '()']
      : [writeItems(construct, write, indent + 4), construct.brackets];
  const half = brackets.length / 2;
  const [open, close] = [construct.callee + brackets.slice(0, half), brackets.slice(half)];
  const line = `${open}${parts.join(', ')}${close}`;
  if (indent + prefix.length + line.length <= lineWidth && !line.includes('\n')) return line;
  const inner = ' '.repeat(indent + 4);
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${' '.repeat(indent)}${close}`;
}

function writeItems(construct: Construct & { kind: 'container' }, write: ArgumentWriter, indent: number): string[] {
  return construct.items.flatMap(([name, item]) => {
    const prefix = construct.brackets === '({})' ? `"${name}": ` : '';
    const text = writeConstruct(item, write, indent, prefix);
    // A sequence without an activation omits the last item.
    return text === 'nn.Identity()' ? [] : [prefix + text];
  });
}

/** Channels and the kernel of convolutions are positional; all others, and all after the first of them, are named. */
function writeArguments(callee: string, list: readonly Argument[], write: ArgumentWriter): string[] {
  let named = false;
  return list.flatMap((argument) => {
    const text = write(argument);
    if (argument.default !== undefined && text === String(argument.default)) return [];
    const isPositional =
      (argument.channels && argument.default === undefined) ||
      (callee.startsWith('nn.Conv') && argument.name === 'kernel_size');
    named ||= !isPositional;
    return [named ? `${argument.name}=${text}` : text];
  });
}
