import { type GraphNode, type Shape, sizeOf } from '../../../graph/graph.ts';
import type { ConvolutionAttributes } from '../../../graph/ops/convolution.ts';
import type { ConvolutionAnswer, ConvolutionRequest, ConvolutionSide } from '../../../native-addon/addon.ts';
import { type Interleaving, interleavedShape } from './interleaved-maps.ts';
import { describeNode, type Lowering } from './lowering.ts';
import type { Value } from './operation.ts';

type Direction = ConvolutionRequest['direction'];
type Extras = Pick<ConvolutionRequest, 'bias' | 'activation' | 'sum' | 'inference'>;

/** Block sizes of the two maps of a convolution. */
interface Blocks {
  readonly source: number;
  readonly destination: number;
}

/**
 * Winograd's algorithm needs a quarter to a half of the multiplications for 3×3 at stride 1; the transforms pay off with
 * enough channels and pixels, according to measurements of single convolutions. Heads of few classes (19) pay it off if
 * they read many channels.
 */
function prefersWinograd(attributes: ConvolutionAttributes, x: readonly number[], weight: readonly number[]): boolean {
  const { stride, dilation, groups } = attributes;
  const [filters, channels, height, width] = weight as [number, number, number, number];
  if (height !== 3 || width !== 3 || groups !== 1) return false;
  if ([...stride, ...dilation].some((value) => value !== 1)) return false;
  const many = Math.min(filters, channels) >= 32 || (Math.min(filters, channels) >= 16 && filters * channels >= 8192);
  return many && x[2] >= 8 && x[3] >= 8;
}

/** The chosen layouts and implementation. */
export interface Chosen extends Blocks {
  readonly answer: ConvolutionAnswer;
  /** If set, the primitive works on maps that are split into interleaved ones (interleaved-maps.ts). */
  readonly interleaved?: Interleaving;
}

/** Finds the layouts in which oneDNN is fast: blocked on both sides if possible, else any that avoids its fallback. */
export function choose(
  lowering: Lowering,
  node: GraphNode,
  direction: Direction,
  shapes: { x: Shape; weight: Shape; y: Shape },
  attributes: ConvolutionAttributes,
  extras: Extras = {},
): Chosen {
  const { block } = lowering;
  const side = ([, channels, height, width]: readonly number[], layout: number): ConvolutionSide => [
    channels,
    height,
    width,
    layout,
  ];
  const { stride, padding, dilation, groups } = attributes;
  const dense = chooseInterleaved(lowering, node, direction, shapes, attributes, extras);
  if (dense) return dense;
  // Images have few channels: the first convolution reads them in the plain layout if it can.
  const few = shapes.x[1] < block / 2 && groups === 1;
  const candidates: Blocks[] = [
    ...(few ? [{ source: 1, destination: block }] : []),
    { source: block, destination: block },
    { source: 1, destination: 1 },
  ];
  let best: Chosen | undefined;
  for (const blocks of candidates) {
    const answer = lowering.planner.convolution({
      label: describeNode(node),
      direction,
      images: shapes.x[0],
      groups,
      source: side(shapes.x, blocks.source),
      destination: side(shapes.y, blocks.destination),
      kernel: [shapes.weight[2], shapes.weight[3]],
      stride,
      padding,
      dilation,
      winograd: prefersWinograd(attributes, shapes.x, shapes.weight),
      ...extras,
    });
    const chosen = { ...blocks, answer };
    if (isGenerated(answer.implementation)) return chosen;
    if (!best || rank(answer) < rank(best.answer)) best = chosen;
  }
  return best!;
}

/**
 * A dilated convolution is an ordinary one over each of the interleaved maps, for which Winograd's algorithm exists. It
 * saves more than the copies cost.
 */
function chooseInterleaved(
  lowering: Lowering,
  node: GraphNode,
  direction: Direction,
  shapes: { x: Shape; weight: Shape; y: Shape },
  attributes: ConvolutionAttributes,
  extras: Extras,
): Chosen | undefined {
  const interleaved = attributes.dilation;
  if (interleaved.every((value) => value === 1) || !keepsInterleaving(attributes, shapes)) return undefined;
  const dense = { ...attributes, dilation: [1, 1] as const, padding: [1, 1, 1, 1] as const };
  const maps = { ...shapes, x: interleavedShape(shapes.x, interleaved), y: interleavedShape(shapes.y, interleaved) };
  if (!prefersWinograd(dense, maps.x, maps.weight)) return undefined;
  const chosen = choose(lowering, node, direction, maps, dense, extras);
  return isWinograd(chosen.answer.implementation) ? { ...chosen, interleaved } : undefined;
}

/** Whether the interleaved maps are whole, and each output reads from the map that it lies in: 3×3, stride 1, "same" padding. */
function keepsInterleaving(attributes: ConvolutionAttributes, { x, weight }: { x: Shape; weight: Shape }): boolean {
  const { stride, padding, dilation } = attributes;
  const [, , height, width] = x as [number, number, number, number];
  const same = padding.every((value, side) => value === dilation[side % 2]);
  const whole = height % dilation[0] === 0 && width % dilation[1] === 0;
  return same && whole && weight[2] === 3 && weight[3] === 3 && stride.every((value) => value === 1);
}

function isWinograd(implementation: string): boolean {
  return implementation.includes('wino');
}

/** Ranks implementations: code generated for the shape, then matrix products on plain maps, then oneDNN's generic loops. */
function rank({ implementation }: ConvolutionAnswer): number {
  if (isGenerated(implementation)) return 0;
  return implementation.startsWith('ref') ? 2 : 1;
}

/** Whether oneDNN generates code for this convolution: `jit:…`, `jit_1x1:…`, `brgconv:…`, but not `x64:gemm:jit`. */
export function isGenerated(implementation: string): boolean {
  return /^(jit|brgconv)/.test(implementation);
}

/** Scratch memory of the primitive, if it needs any. */
export function scratchpad(lowering: Lowering, { answer }: Chosen): Value[] {
  return answer.scratchpadBytes > 0 ? [lowering.temporary('scratchpad', answer.scratchpadBytes)] : [];
}

/** Floating-point operations of a convolution or one of its gradients. */
export function flops(y: readonly number[], weight: readonly number[]): number {
  return 2 * sizeOf(y) * sizeOf(weight.slice(1));
}
