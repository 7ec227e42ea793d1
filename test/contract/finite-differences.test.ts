import { describe, expect, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import type { Graph } from '../../src/graph/graph.ts';
import { removeDeadCode } from '../../src/graph/passes/dead-code.ts';
import { Random } from '../../src/random/random.ts';
import { buildCase } from './op-case.ts';
import { opCases } from './op-cases.ts';

/** At most this many elements of every input are moved. */
const samples = 8;

const engine = createReferenceEngine({ precision: 'float64' });
const smooth = opCases.filter(({ atKink, wide, inputs, withoutGradient }) => {
  const hasGradient = Object.values(inputs).some(({ differentiable }) => differentiable);
  return !atKink && !wide && hasGradient && !withoutGradient?.includes('y');
});

/** The forward pass of a case: differences do not need the gradients, which would take most of the time. */
function onlyTotal(graph: Graph): Graph {
  for (const name of [...graph.outputs.keys()]) if (name !== 'total') graph.outputs.delete(name);
  return removeDeadCode(graph);
}

/**
 * Gradients in double precision against the differences (−f(2h) + 8f(h) − 8f(−h) + f(−2h))/12h, whose error falls with
 * h⁴ and with the rounding of f over h: at h = 1e-4 both are far below the 1e-6 that is allowed.
 */
describe('gradients are the limits of differences', () => {
  for (const opCase of smooth) {
    it(opCase.name, async () => {
      const { graph, values, differentiable } = buildCase(opCase);
      const program = await engine.compile(graph);
      const gradients = await program.run(values);
      await program.dispose();
      const forward = await engine.compile(onlyTotal(buildCase(opCase).graph));
      const random = new Random(4, opCase.name);
      for (const name of differentiable) {
        const gradient = Float64Array.from(gradients[`gradient.${name}`]);
        const largest = gradient.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        const moved = Float64Array.from(values[name]);
        const order = moved.map((_, index) => index);
        random.shuffle(order);
        for (const index of order.subarray(0, samples)) {
          const value = moved[index];
          const step = 1e-4 * Math.min(1, Math.max(1e-2, Math.abs(value)));
          const totalAt = async (offset: number) => {
            moved[index] = value + offset;
            return (await forward.run({ ...values, [name]: moved })).total[0];
          };
          const near = (await totalAt(step)) - (await totalAt(-step));
          const far = (await totalAt(2 * step)) - (await totalAt(-2 * step));
          moved[index] = value;
          const difference = (8 * near - far) / (12 * step);
          const error = Math.abs(difference - gradient[index]);
          expect(error, `${name}[${index}]: ${gradient[index]}, difference ${difference}`).toBeLessThanOrEqual(
            1e-6 * Math.max(largest, 1e-2),
          );
        }
      }
      await forward.dispose();
    });
  }
});
