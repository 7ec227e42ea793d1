import { Graph, type Shape, type Tensor } from '../../graph/graph.ts';
import { Scope } from '../../nn/scope.ts';
import { getEncoder } from '../encoders/registry.ts';
import { inferenceGraph, type Model } from '../model.ts';
import { createModel } from '../registry.ts';

/** Shapes of states by name. */
export type Shapes = ReadonlyMap<string, Shape>;

/** A size that every network accepts; it does not change the shapes of states. */
function smallImage({ multiple }: Pick<Model, 'multiple'>): number {
  return multiple * Math.ceil(64 / multiple);
}

/** The states of a network, in its order. */
export function networkShapes(model: Model): Shapes {
  const side = smallImage(model);
  return shapesOf(inferenceGraph(model, { batch: 1, height: side, width: side }).states);
}

/** The names of the states that a network has for a number of classes: those of its head. */
export function headNames(model: Model): ReadonlySet<string> {
  const other = networkShapes(createModel(model.name, { ...model.settings, classes: model.classes === 2 ? 3 : 2 }));
  return new Set(
    [...networkShapes(model)].flatMap(([name, shape]) => (String(shape) === String(other.get(name)) ? [] : [name])),
  );
}

/** The names of the states of its auxiliary heads, which only training has. */
export function auxiliaryNames(model: Model): ReadonlySet<string> {
  const graph = new Graph();
  const side = smallImage(model);
  model.build(graph.input('image', [2, 3, side, side]), { training: true, auxiliary: true });
  const own = networkShapes(model);
  return new Set([...graph.states.keys()].filter((name) => !own.has(name)));
}

/** The states of a whole encoder, named without `encoder.`. */
export function encoderShapes(encoder: string): Shapes {
  const graph = new Graph();
  const scope = new Scope(graph, { training: false, seed: 0 });
  getEncoder(encoder).build(scope, graph.input('image', [1, 3, 64, 64]));
  return shapesOf(graph.states);
}

function shapesOf(states: ReadonlyMap<string, Tensor>): Shapes {
  return new Map([...states].map(([name, { shape }]) => [name, shape]));
}
