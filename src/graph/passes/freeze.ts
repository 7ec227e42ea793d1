import { formatShape, type Graph, sizeOf, stateAttributes } from '../graph.ts';
import { rewrite } from './rewrite.ts';

/**
 * Replaces every state with a constant, for inference and export.
 *
 * @param values Values by state name; a state that is missing takes its initial value only when `values` is omitted.
 */
export function freezeStates(source: Graph, values?: ReadonlyMap<string, Float32Array>): Graph {
  if (source.updates.size > 0) throw new Error('freezeStates: the graph updates its states; build it for inference');
  return rewrite(source, (node, _, target) => {
    if (node.op !== 'state') return undefined;
    const [output] = node.outputs;
    const { name, initial } = stateAttributes(output);
    const data = values ? values.get(name) : initial();
    if (!data) throw new Error(`the weight '${name}' is missing`);
    if (data.length !== sizeOf(output.shape)) {
      throw new Error(
        `the weight '${name}' has ${data.length} values; the network expects ${formatShape(output.shape)}`,
      );
    }
    return [target.constant(data, output.shape)];
  });
}
