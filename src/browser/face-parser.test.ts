import * as runtime from 'onnxruntime-web';
import { describe, expect, it } from 'vitest';
import { randomStates } from '../../test/random-weights.ts';
import { encodePyTorchCheckpoint } from '../formats/pytorch/pytorch-checkpoint.ts';
import { inferenceGraph } from '../models/model.ts';
import { createModel } from '../models/registry.ts';
import { FaceParser } from './face-parser.ts';

runtime.env.wasm.numThreads = 1;

describe('FaceParser in browsers', () => {
  const graph = inferenceGraph(createModel('compact', { classes: 19 }), { batch: 1, height: 64, width: 64 });
  const tensors = [...randomStates(graph, 'foreign')].map(
    ([name, data]) => [name, { dtype: 'float32' as const, shape: graph.states.get(name)!.shape, data }] as const,
  );
  const pth = encodePyTorchCheckpoint({ state_dict: new Map(tensors) });

  it('loads weights of PyTorch with the network that they belong to', async () => {
    const network = { model: 'compact', labels: 'celebamask-19', size: 64 };
    const parser = await FaceParser.load(pth, { runtime, ...network });
    expect(parser.sides).toEqual([64]);
    expect(parser.weights.preprocessing.size).toBe(64);
    await parser.dispose();
  });

  it('says what to pass without it', async () => {
    await expect(FaceParser.load(pth, { runtime })).rejects.toThrow(
      /^nothing in the weights says which network .* pass \{ model: "compact", labels: "celebamask-19", size: 512 \} as options/,
    );
  });
});
