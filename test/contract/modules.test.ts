import { describe, expect, it } from 'vitest';
import { fuseGraph } from '../../src/engine/fusion/fuse-graph.ts';
import { gradients } from '../../src/graph/autodiff.ts';
import { Graph, type GraphNode, sizeOf, stateAttributes, trainableStates } from '../../src/graph/graph.ts';
import { ModuleTree } from '../../src/graph/module-tree.ts';
import { reduceMean } from '../../src/graph/ops/reduction.ts';
import { foldBatchNorm } from '../../src/graph/passes/batch-norm-folding.ts';
import { removeDeadCode } from '../../src/graph/passes/dead-code.ts';
import { freezeStates } from '../../src/graph/passes/freeze.ts';
import { inferenceGraph } from '../../src/models/model.ts';
import { createModel, getArchitecture, listModels } from '../../src/models/registry.ts';
import { testCapabilities } from '../fusion-fixture.ts';
import { tinyOptions } from '../tiny-networks.ts';

/** The network with all of its heads, as training builds it. */
function trainingGraph(name: string): Graph {
  const graph = new Graph();
  const side = 2 * getArchitecture(name).multiple;
  const x = graph.input('image', [2, 3, side, side]);
  const options = { training: true, auxiliary: true };
  const { logits, auxiliary = [] } = createModel(name, tinyOptions(getArchitecture(name))).build(x, options);
  [logits, ...auxiliary].forEach((scores, index) => {
    graph.output(`scores ${index}`, scores);
  });
  return graph;
}

function smallInferenceGraph(name: string): Graph {
  const side = 2 * getArchitecture(name).multiple;
  return inferenceGraph(createModel(name, tinyOptions(getArchitecture(name))), { batch: 1, height: side, width: side });
}

/** Makes the weights constants, all 1: modules do not depend on values, and drawing millions of them takes a second. */
function freeze(graph: Graph): Graph {
  const ones = [...graph.states].map(([name, { shape }]) => [name, new Float32Array(sizeOf(shape)).fill(1)] as const);
  return freezeStates(graph, new Map(ones));
}

/** Expects that every node but the image has a module, and that what reads parameters reads those of its module. */
function expectModules(nodes: readonly GraphNode[]): void {
  for (const { op, inputs, module } of nodes) {
    if (op === 'input') continue;
    expect(module, op).toBeDefined();
    const prefix = module!.path === '' ? '' : `${module!.path}.`;
    for (const { node } of inputs) {
      if (node.op === 'state') expect(stateAttributes(node.outputs[0]).name.startsWith(prefix), prefix).toBe(true);
    }
  }
}

/** The modules of the convolutions in the order of the nodes, whatever an engine calls a convolution. */
function convolutionModules({ nodes }: Graph): string[] {
  return nodes.filter(({ op }) => /conv/i.test(op)).map(({ module }) => `${module!.path}: ${module!.kind}`);
}

describe.each(listModels())('the modules of %s', (name) => {
  it('hold every node of the network, each with its own parameters', () => {
    for (const graph of [trainingGraph(name), smallInferenceGraph(name)]) {
      expectModules(graph.nodes);
      for (const { module, outputs } of graph.nodes.filter(({ op }) => op === 'state')) {
        const { name: state } = stateAttributes(outputs[0]);
        expect(state.slice(0, state.lastIndexOf('.')), 'the innermost module').toBe(module!.path);
      }
    }
  });

  it('are the network, and in it layers under the names that PyTorch has for them', () => {
    const { root } = new ModuleTree(smallInferenceGraph(name));
    expect(root.module?.kind).toBe(name);
    const kinds = new Set(root.nodes.map(({ module }) => module!.kind));
    expect([...kinds]).toEqual(expect.arrayContaining(['Conv2d', 'BatchNorm2d']));
  });

  it('are kept by what inference does to a graph', () => {
    const graph = smallInferenceGraph(name);
    const frozen = freeze(graph);
    expectModules(frozen.nodes);
    expect(convolutionModules(frozen)).toEqual(convolutionModules(graph));
    const folded = removeDeadCode(foldBatchNorm(frozen));
    expectModules(folded.nodes);
    expect(convolutionModules(folded)).toEqual(convolutionModules(graph));
  });

  it('are kept by the passes of the native engine: what is fused belongs to what holds all of it', () => {
    for (const graph of [smallInferenceGraph(name), removeDeadCode(foldBatchNorm(freeze(smallInferenceGraph(name))))]) {
      const optimized = fuseGraph(graph, testCapabilities);
      expect(optimized.nodes.length).toBeLessThan(graph.nodes.length);
      expectModules(optimized.nodes);
    }
  });

  it('are those of the gradients too', () => {
    const graph = trainingGraph(name);
    const before = graph.nodes.length;
    const read = smallInferenceGraph(name).states;
    const trained = trainableStates(graph).filter((state) => read.has(stateAttributes(state).name));
    gradients(reduceMean(graph.outputs.get('scores 0')!), trained);
    const added = graph.nodes.slice(before).filter(({ op }) => op.startsWith('conv2dWeightGradient'));
    expect(added.length).toBeGreaterThan(5);
    const layers = new Set(['Conv2d', 'ConvTranspose2d']);
    expect(added.filter(({ module }) => !layers.has(module?.kind ?? ''))).toEqual([]);
  });
});
