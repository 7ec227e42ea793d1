import { it } from 'vitest';
import { evaluateNode, createReferenceEngine } from '../../src/engine/reference/reference-engine.ts';
import { createModel } from '../../src/models/registry.ts';
import { buildTrainingStep } from '../../src/training/training-step.ts';
import { stateAttributes } from '../../src/graph/graph.ts';
import { initialState, labels, pictures, readUnetGolden } from './unet-values.ts';
it('profile', async () => {
  const golden = readUnetGolden();
  const { graph } = buildTrainingStep({ model: createModel('unet', { classes: 19 }), batchSize: 2, size: 64, labelSize: 64, loss: { crossEntropy: 1, dice: 0 }, optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 }, clipNorm: 0, average: false, seed: 0 });
  const init = initialState(golden);
  for (let round = 0; round < 3; round++) {
    const values = new Map<any, any>();
    const times: Record<string, number> = {};
    const start = performance.now();
    for (const node of graph.nodes) {
      const t = performance.now();
      if (node.op === 'input') values.set(node.outputs[0], ({ image: pictures(golden), labels: labels(golden), learningRate: Float32Array.of(0.001) } as any)[(node.attributes as any).name]);
      else if (node.op === 'constant') values.set(node.outputs[0], (node.attributes as any).data);
      else if (node.op === 'state') values.set(node.outputs[0], init.get(stateAttributes(node.outputs[0]!).name) ?? stateAttributes(node.outputs[0]!).initial());
      else evaluateNode(node, node.inputs.map((i) => values.get(i))).forEach((v, i) => values.set(node.outputs[i], v));
      let key = node.op;
      times[key] = (times[key] ?? 0) + performance.now() - t;
    }
    console.log('total: ' + (performance.now() - start) + '\n' + Object.entries(times).sort((a, b) => b[1] - a[1]).slice(0, 10).map(([k, v]) => `${k}: ${v.toFixed(0)}`).join('\n'));
  }
  let t = performance.now();
  const program = await createReferenceEngine().compile(graph);
  console.log('compile: ' + (performance.now() - t));
  t = performance.now();
  await program.writeStates(init);
  console.log('write: ' + (performance.now() - t));
  for (let i = 0; i < 3; i++) {
    t = performance.now();
    await program.run({ image: pictures(golden), labels: labels(golden), learningRate: Float32Array.of(0.001) });
    console.log('run: ' + (performance.now() - t));
  }
});
