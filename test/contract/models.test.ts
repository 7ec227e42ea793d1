import { describe, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { Graph, sizeOf } from '../../src/graph/graph.ts';
import { createModel, getArchitecture, listModels } from '../../src/models/registry.ts';
import { Random } from '../../src/random/random.ts';
import { setInitialStates } from '../initial-states.ts';
import { randomStates } from '../random-weights.ts';
import { tinyOptions } from '../tiny-networks.ts';
import { expectClose } from './compare.ts';
import { loadEngines } from './engines.ts';

/** Some fifty layers round one after the other; a wrong layer is off by whole units. */
const tolerance = 1e-4;

const precise = createReferenceEngine({ precision: 'float64' });
const engines = await loadEngines();

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
  const states = randomStates(graph, name);
  setInitialStates(graph, states);
  const random = new Random(2, name);
  const image = Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
  return { graph, image };
}

describe.each(listModels())('%s', async (name) => {
  const { graph, image } = buildCase(name);
  const expected = await precise.compile(graph);
  const { logits } = await expected.run({ image });

  it.each(engines)('is the same on $name, $device', async (engine) => {
    const program = await engine.compile(graph);
    const outputs = await program.run({ image });
    expectClose(outputs.logits, logits, tolerance, 'logits');
    await program.dispose();
  });
});
