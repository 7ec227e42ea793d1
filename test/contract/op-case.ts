import { gradients } from '../../src/graph/autodiff.ts';
import {
  type DataType,
  Graph,
  type GraphNode,
  type InputAttributes,
  type Shape,
  sizeOf,
  type Tensor,
} from '../../src/graph/graph.ts';
import { add, mul } from '../../src/graph/ops/elementwise.ts';
import { reduceSum } from '../../src/graph/ops/reduction.ts';
import { Random } from '../../src/random/random.ts';

/** One input of a case: its type, and how its values are drawn. */
export interface CaseInput {
  readonly shape: Shape;
  readonly dtype: DataType;
  /** Whether its gradient is computed and compared. */
  readonly differentiable: boolean;
  draw(random: Random): Float32Array | Int32Array;
}

/** One way of using ops that every engine must get right. */
export interface OpCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  build(inputs: Readonly<Record<string, Tensor>>): Tensor | Record<string, Tensor>;
  /** Outputs that no gradient flows from. */
  readonly withoutGradient?: readonly string[];
  /** Largest error of single precision, relative to the largest value of the tensor; see ops.test.ts. */
  readonly tolerance?: number;
  /** The values stand where the slope jumps: finite differences say nothing there. */
  readonly atKink?: boolean;
  /** Of the size that networks have: too large for finite differences, which the same ops go through at a small size. */
  readonly wide?: boolean;
}

/** A case that is ready to run. */
export interface BuiltCase {
  readonly graph: Graph;
  /** The nodes of the forward pass; the rest of the graph is the backward pass. */
  readonly forward: readonly GraphNode[];
  readonly values: Record<string, Float32Array | Int32Array>;
  /** Inputs whose gradient the graph gives back, as `gradient.<name>`. */
  readonly differentiable: readonly string[];
}

/** Standard normal values, scaled and shifted. */
export function normal(shape: Shape, mean = 0, deviation = 1): CaseInput {
  return floats(shape, (random) => mean + deviation * random.normal());
}

/** Values of [from, to). */
export function uniform(shape: Shape, from: number, to: number): CaseInput {
  return floats(shape, (random) => random.uniform(from, to));
}

/** Values of [from, to), none nearer to a kink than `gap`. */
export function awayFrom(kinks: readonly number[], shape: Shape, from: number, to: number, gap = 0.01): CaseInput {
  return floats(shape, (random) => {
    while (true) {
      const value = random.uniform(from, to);
      if (kinks.every((kink) => Math.abs(value - kink) >= gap)) return value;
    }
  });
}

/** The given values, repeated until the shape is full. */
export function given(shape: Shape, values: readonly number[]): CaseInput {
  return {
    shape,
    dtype: 'float32',
    differentiable: true,
    draw: () => Float32Array.from({ length: sizeOf(shape) }, (_, i) => values[i % values.length]),
  };
}

/** An input whose gradient is not asked for. */
export function fixed(input: CaseInput): CaseInput {
  return { ...input, differentiable: false };
}

/** Labels 0 … classes − 1; about one pixel in four takes one of `ignored` instead. */
export function labels(shape: Shape, classes: number, ignored: readonly number[] = []): CaseInput {
  const draw = (random: Random) =>
    Int32Array.from({ length: sizeOf(shape) }, () =>
      ignored.length > 0 && random.chance(0.25) ? ignored[random.integer(ignored.length)] : random.integer(classes),
    );
  return { shape, dtype: 'int32', differentiable: false, draw };
}

/** The same label everywhere. */
export function allLabels(shape: Shape, label: number): CaseInput {
  return { shape, dtype: 'int32', differentiable: false, draw: () => new Int32Array(sizeOf(shape)).fill(label) };
}

function floats(shape: Shape, draw: (random: Random) => number): CaseInput {
  return {
    shape,
    dtype: 'float32',
    differentiable: true,
    draw: (random) => Float32Array.from({ length: sizeOf(shape) }, () => draw(random)),
  };
}

/**
 * The graph of a case: every output, `total` = Σ output·cotangent, and the gradients of the total with respect to every differentiable
 * input. The cotangents are inputs with random values, so that no error can cancel.
 */
export function buildCase({ name, inputs, build, withoutGradient = [] }: OpCase): BuiltCase {
  const graph = new Graph();
  const values: Record<string, Float32Array | Int32Array> = {};
  const tensors: Record<string, Tensor> = {};
  for (const [key, { shape, dtype, draw }] of Object.entries(inputs)) {
    tensors[key] = graph.input(key, shape, dtype);
    values[key] = draw(new Random(1, name, key));
  }
  const built = build(tensors);
  const outputs = 'node' in built ? { y: built as Tensor } : built;
  for (const [key, input] of graph.inputs) {
    const { random } = input.node.attributes as InputAttributes;
    if (random)
      values[key] = uniform(input.shape, 0, 1)
        .draw(new Random(3, name, key))
        .map((u) => (u < random.keep ? 1 / random.keep : 0));
  }
  const forward = [...graph.nodes];
  const terms: Tensor[] = [];
  for (const [key, output] of Object.entries(outputs)) {
    graph.output(key, output);
    if (withoutGradient.includes(key)) continue;
    const cotangent = `cotangent.${key}`;
    values[cotangent] = normal(output.shape).draw(new Random(2, name, key));
    terms.push(reduceSum(mul(output, graph.input(cotangent, output.shape))));
  }
  const differentiable = Object.keys(inputs).filter((key) => inputs[key].differentiable);
  if (terms.length > 0 && differentiable.length > 0) {
    const total = terms.reduce((sum, term) => add(sum, term));
    graph.output('total', total);
    gradients(
      total,
      differentiable.map((key) => tensors[key]),
    ).forEach((gradient, index) => {
      graph.output(`gradient.${differentiable[index]}`, gradient);
    });
  }
  return { graph, forward, values, differentiable };
}
