// Loads the weights that foreign_weights.py saved, and compares what the network here computes: node foreign-weights.mjs FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const dist = (path) => import(new URL(`../../dist/${path}.js`, import.meta.url));
const [{ selectEngine }, { Graph }, { inferenceGraph }, { createModel }, { getEncoder }, { Scope }] = await Promise.all(
  [
    'engine/select-engine',
    'graph/graph',
    'models/model',
    'models/registry',
    'models/encoders/registry',
    'nn/scope',
  ].map(dist),
);
const [{ readStateDict }, { matchWeights }] = await Promise.all(
  ['formats/state-dict/read-state-dict', 'models/foreign/match-weights'].map(dist),
);

const folder = process.argv[2];
const floats = (name) => {
  const { buffer, byteOffset, length } = readFileSync(join(folder, name));
  return new Float32Array(buffer.slice(byteOffset, byteOffset + length));
};
const { file, model, encoder, size, shapes } = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8'));
const network = createModel(model ?? 'unet', { encoder, classes: 19 });
const { states, content } = matchWeights(readStateDict(readFileSync(file), file), network, {
  name: file,
  headAdvice: '',
});
if ((content === 'network') !== (model !== undefined)) throw new Error(`the file was taken for the ${content}`);

/** The features of the encoder, or the logits of the network. */
function graphOf() {
  if (model) return inferenceGraph(network, { batch: 1, height: size, width: size });
  const graph = new Graph();
  const features = getEncoder(encoder).build(
    new Scope(graph, { training: false, seed: 0 }).at('encoder'),
    graph.input('image', [1, 3, size, size]),
  );
  for (const [index, { tensor }] of features.entries()) graph.output(`${index}`, tensor);
  return graph;
}

const graph = graphOf();
const program = await (await selectEngine({ threads: 2 })).compile(graph);
await program.writeStates(states);
const outputs = await program.run({ image: floats('image.bin') });
await program.dispose();
let compared = 0;
let worst = 0;
for (const [name, { shape }] of graph.outputs) {
  // Programs read features at other layers, too; of those with the same shape, the one that is meant is nearest.
  const differences = shapes.flatMap((other, index) =>
    String(other) === String(shape) ? [difference(outputs[name], floats(`${index}.bin`))] : [],
  );
  if (differences.length === 0) continue;
  compared++;
  worst = Math.max(worst, Math.min(...differences));
}

/** The greatest difference, relative to the greatest value. */
function difference(found, wanted) {
  let greatest = 0;
  let most = 0;
  for (const [index, value] of wanted.entries()) {
    greatest = Math.max(greatest, Math.abs(value));
    most = Math.max(most, Math.abs(value - found[index]));
  }
  return most / greatest;
}

console.log(
  `${states.size} of ${[...graph.states].length} states, ${compared} of ${graph.outputs.size} outputs, ${worst.toExponential(1)}`,
);
process.exit(compared === graph.outputs.size && worst < 1e-4 && states.size === graph.states.size ? 0 : 1);
