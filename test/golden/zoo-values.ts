import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import type { Engine } from '../../src/engine/engine.ts';
import { type Graph, type Shape, sizeOf } from '../../src/graph/graph.ts';
import { expectClose } from '../contract/compare.ts';
import { hash32 } from './unet-values.ts';

/** An output of an original: its shape, two sums, and its values at the places that `hash32` selects. */
export interface GoldenOutput {
  readonly shape: Shape;
  readonly sum: number;
  readonly absolute: number;
  readonly samples: readonly number[];
}

/** What an original computes with some options. */
export interface GoldenCase {
  /** Its options in Python; `size` is height and width of the image, by default 64×64. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Its states as `name 32x3x3x3`, in its own order. */
  readonly states: readonly string[];
  readonly outputs: readonly GoldenOutput[];
}

/** Reads `zoo-NAME.json`, which make_zoo.py wrote: the cases of each network. */
export function readZooGolden(name: string): Map<string, GoldenCase[]> {
  const golden = JSON.parse(readFileSync(new URL(`zoo-${name}.json`, import.meta.url), 'utf8')) as Record<
    string,
    GoldenCase[]
  >;
  return new Map(
    // A case without states has those of the first.
    Object.entries(golden).map(([key, cases]) => [
      key,
      cases.map((one) => ({ ...one, states: one.states ?? cases[0].states })),
    ]),
  );
}

/** The 32-bit FNV-1a hash of a name: `stream_of` of make_zoo.py. */
function streamOf(name: string): number {
  let stream = 0x811c9dc5;
  for (const byte of Buffer.from(name)) stream = Math.imul(stream ^ byte, 0x01000193) >>> 0;
  return stream;
}

/** middle ± reach, the same single-precision numbers as `uniform` of make_zoo.py. */
function uniform(name: string, count: number, middle: number, reach: number): Float32Array {
  const stream = streamOf(name);
  const values = new Float32Array(count);
  // A loop: Float32Array.from takes ten times as long for the millions of weights of a network.
  for (let i = 0; i < count; i++) values[i] = middle + reach * ((hash32(stream, i) >>> 8) / 2 ** 23 - 1);
  return values;
}

/** The values of a parameter or running statistic: `state` of make_zoo.py. */
export function zooState(name: string, shape: Shape): Float32Array {
  const count = sizeOf(shape);
  if (name.endsWith('running_mean')) return uniform(name, count, 0, 0.125);
  if (name.endsWith('running_var')) return uniform(name, count, 1, 0.5);
  if (name.endsWith('bias')) return uniform(name, count, 0, 0.125);
  if (shape.length === 1) return uniform(name, count, 1, 0.25);
  return uniform(name, count, 0, Math.sqrt(6 / sizeOf(shape.slice(1))));
}

/** The values of all states of a graph, by name. */
export function zooStates(graph: Graph): Map<string, Float32Array> {
  return new Map([...graph.states].map(([name, { shape }]) => [name, zooState(name, shape)]));
}

/** The image that the networks get: `image` of make_zoo.py. */
export function zooImage(shape: Shape): Float32Array {
  return uniform('image', sizeOf(shape), 0, 2);
}

/** The states of a graph as `name 32x3x3x3`, sorted. */
export function statesOf(graph: Graph): string[] {
  return [...graph.states].map(([name, { shape }]) => `${name} ${shape.join('x')}`).sort();
}

/**
 * Expects a graph to have the states of the original and to compute the same: each output `0`, `1`, … in the order of the
 * original's, from the input `image`.
 *
 * @param tolerance of each value, relative to the largest sample; default 1e-4
 */
export async function expectGolden(engine: Engine, graph: Graph, golden: GoldenCase, tolerance = 1e-4): Promise<void> {
  expect(statesOf(graph)).toEqual([...golden.states].sort());
  expect([...graph.outputs.values()].map(({ shape }) => shape)).toEqual(golden.outputs.map(({ shape }) => shape));
  const program = await engine.compile(graph);
  await program.writeStates(zooStates(graph));
  const outputs = await program.run({ image: zooImage(graph.inputs.get('image')!.shape) });
  await program.dispose();
  golden.outputs.forEach(({ sum, absolute, samples }, index) => {
    const values = outputs[String(index)];
    const what = `output ${index}`;
    const places = samples.map((_, place) => hash32(0, place) % values.length);
    expectClose(
      places.map((place) => values[place]),
      samples,
      tolerance,
      what,
    );
    const total = values.reduce((before, value) => before + value, 0);
    const totalAbsolute = values.reduce((before, value) => before + Math.abs(value), 0);
    // Both sums are as exact as the sum of absolute values is.
    expectClose([total, totalAbsolute], [sum, absolute], tolerance, `sums of ${what}`);
  });
}
