import { describe, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { Graph, sizeOf, stateAttributes } from '../../src/graph/graph.ts';
import { createModel, getArchitecture, listModels } from '../../src/models/registry.ts';
import { Random } from '../../src/random/random.ts';
import { tinyOptions } from '../tiny-encoder.ts';
import { expectClose } from './compare.ts';
import { loadEngines } from './engines.ts';

/** Some fifty layers round one after the other; a wrong layer is off by whole units. */
const tolerance = 1e-4;

const precise = createReferenceEngine({ precision: 'float64' });
const engines = await loadEngines();

/** The value that a state is given: its initial one, but for the running statistics, which would be trivial then. */
function stateValue(name: string, initial: Float32Array, random: Random): Float32Array {
  if (name.endsWith('running_mean')) return initial.map(() => 0.1 * random.normal());
  if (name.endsWith('running_var')) return initial.map(() => random.uniform(0.5, 2));
  return initial;
}

/**
 * The network at its smallest size, as it is in inference. In training, batch normalisation over so few pixels would
 * enlarge the rounding a thousandfold; ops.test.ts and test/golden compare that op by op and step by step.
 */
function buildCase(name: string) {
  const architecture = getArchitecture(name);
  const side = architecture.multiple;
  const shape = [2, 3, side, side];
  const graph = new Graph();
  const model = createModel(name, tinyOptions(architecture));
  graph.output('logits', model.build(graph.input('image', shape), { training: false, seed: 1 }).logits);
  const random = new Random(2, name);
  const states = new Map<string, Float32Array>();
  for (const [key, state] of graph.states) states.set(key, stateValue(key, stateAttributes(state).initial(), random));
  const image = Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
  return { graph, states, image };
}

describe.each(listModels())('%s', async (name) => {
  const { graph, states, image } = buildCase(name);
  const expected = await precise.compile(graph);
  await expected.writeStates(states);
  const { logits } = await expected.run({ image });

  it.each(engines)('is the same on $name, $device', async (engine) => {
    const program = await engine.compile(graph);
    await program.writeStates(states);
    const outputs = await program.run({ image });
    expectClose(outputs.logits, logits, tolerance, 'logits');
    await program.dispose();
  });
});
