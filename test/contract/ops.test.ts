import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { listOps } from '../../src/graph/op.ts';
import { expectClose } from './compare.ts';
import { loadEngines } from './engines.ts';
import { buildCase } from './op-case.ts';
import { opCases } from './op-cases.ts';

/**
 * What is expected is what the reference engine computes in double precision. An engine of single precision may be off
 * by 2e-5 of the largest value of a tensor. Why that: one rounding is 6e-8; a sum of k terms in any order is off by
 * about 6e-8·√k of its largest terms, and the longest sums here have 5000; the exponentials of engines are good to about
 * 1e-6. That leaves a factor of three or so, and any real mistake is larger by far. Cases that are badly conditioned
 * say so with a tolerance of their own.
 */
const defaultTolerance = 2e-5;

const precise = createReferenceEngine({ precision: 'float64' });
const engines = await loadEngines();

describe.each(engines)('the engine $name on $device', (engine) => {
  for (const opCase of opCases) {
    it(opCase.name, async () => {
      const { graph, values } = buildCase(opCase);
      const expected = await (await precise.compile(graph)).run(values);
      const program = await engine.compile(graph);
      const actual = await program.run(values);
      expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, value] of Object.entries(expected)) {
        // The total is a single number in which large terms cancel; its terms are compared instead.
        if (name === 'total') continue;
        expectClose(actual[name], value, opCase.tolerance ?? defaultTolerance, name);
      }
      await program.dispose();
    });
  }
});

describe('the cases', () => {
  const built = opCases.map(buildCase);

  it('have names of their own', () => {
    expect(new Set(opCases.map(({ name }) => name)).size).toBe(opCases.length);
  });

  it('use every op, and every gradient op through the backward pass', () => {
    const forward = new Set(built.flatMap((item) => item.forward.map(({ op }) => op)));
    const everywhere = new Set(built.flatMap((item) => item.graph.nodes.map(({ op }) => op)));
    const missing = listOps().filter((op) => !(op.endsWith('Gradient') ? everywhere : forward).has(op));
    expect(missing).toEqual([]);
  });

  it('are finite, so that comparing means something', async () => {
    for (const { graph, values } of built) {
      const outputs = await (await precise.compile(graph)).run(values);
      for (const value of Object.values(outputs)) expect(value.every(Number.isFinite)).toBe(true);
    }
  });
});
