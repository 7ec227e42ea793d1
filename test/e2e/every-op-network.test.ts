import { expect, it } from 'vitest';
import { createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { type Graph, type GraphNode, sizeOf, type Tensor } from '../../src/graph/graph.ts';
import { type ActivationKind, activation, activationKinds } from '../../src/graph/ops/activation.ts';
import { scale } from '../../src/graph/ops/reduction.ts';
import { copyNode, rewrite } from '../../src/graph/passes/rewrite.ts';
import { Random } from '../../src/random/random.ts';
import { randomStates } from '../random-weights.ts';
import { buildEveryOp } from './every-op-network.ts';

/** What the test of the export allows, relative to the largest score. */
const tolerance = 1e-4;
const [rows, columns] = [16, 24];

const graph = buildEveryOp(rows, columns);
const states = randomStates(graph, 'every op');
const image = (() => {
  const random = new Random(1, 'image');
  return Float32Array.from({ length: 2 * 3 * rows * columns }, () => random.normal());
})();

async function logitsOf(network: Graph): Promise<Float32Array> {
  const program = await createReferenceEngine().compile(network);
  await program.writeStates(states);
  return (await program.run({ image })).logits;
}

/** The network with one node's outputs changed. */
function mutated(
  wanted: GraphNode,
  change: (outputs: readonly Tensor[], inputs: readonly Tensor[]) => Tensor[],
): Graph {
  return rewrite(graph, (node, inputs, target) =>
    node === wanted ? change(copyNode(node, inputs, target), inputs) : undefined,
  );
}

const computed = graph.nodes.filter(({ op }) => !['input', 'state', 'constant'].includes(op));

it('every op of the network matters: the logits reveal a node that is 3 % off or a different activation', async () => {
  const logits = await logitsOf(graph);
  const largest = logits.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const unseen: string[] = [];
  const expectSeen = async (name: string, mutant: Graph) => {
    const other = await logitsOf(mutant);
    const difference = other.reduce((most, value, index) => Math.max(most, Math.abs(value - logits[index])), 0);
    if (difference < 3 * tolerance * largest) unseen.push(`${name}: ${(difference / largest).toExponential(1)}`);
  };
  for (const [index, node] of computed.entries()) {
    const name = `${node.op} ${index} (${node.inputs[0].shape.join('×')})`;
    await expectSeen(
      name,
      mutated(node, (outputs) => outputs.map((output) => scale(output, 1.03))),
    );
    // The handful of numbers in squeezeExcite cannot be on every side of every bound.
    if (node.op !== 'activation' || sizeOf(node.outputs[0].shape) < 100) continue;
    const { kind } = node.attributes as { kind: ActivationKind };
    for (const another of activationKinds.filter((one) => one !== kind)) {
      await expectSeen(
        `${kind} as ${another}`,
        mutated(node, (_, [x]) => [activation(x, another)]),
      );
    }
  }
  expect(unseen).toEqual([]);
});
