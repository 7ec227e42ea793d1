import { readFileSync } from 'node:fs';
import type { StateTensor } from '../src/formats/state-dict/state-tensor.ts';
import { type Shape, sizeOf } from '../src/graph/graph.ts';

/** A tensor of a state_dict; each element is the place of the tensor in its file. */
function tensorOf(name: string, shape: Shape, place: number): StateTensor {
  return { name, dtype: 'float32', shape, read: () => new Float32Array(sizeOf(shape)).fill(place) };
}

/** A state_dict with these names and shapes. */
export function stateDictOf(entries: Iterable<readonly [string, Shape]>): Map<string, StateTensor> {
  return new Map([...entries].map(([name, shape], place) => [name, tensorOf(name, shape, place)]));
}

/** The state_dict of an encoder of another program, from test/golden/foreign-names.json, and our encoder of the same layers. */
export function foreignEncoder(program: string): { encoder: string; tensors: Map<string, StateTensor> } {
  const text = readFileSync(new URL('golden/foreign-names.json', import.meta.url), 'utf8');
  const { encoder, states } = (JSON.parse(text) as Record<string, { encoder: string; states: string[] }>)[program];
  const entries = states.map((state) => {
    const [name, shape] = state.split(' ') as [string, string];
    return [name, shape.split('x').map(Number)] as const;
  });
  return { encoder, tensors: stateDictOf(entries) };
}

/** The same tensors under other names. */
export function prefixed(tensors: ReadonlyMap<string, StateTensor>, prefix: string): Map<string, StateTensor> {
  return new Map([...tensors].map(([name, tensor]) => [prefix + name, { ...tensor, name: prefix + name }]));
}
