import { expect, it } from 'vitest';
import { countParameters } from '../graph/cost.ts';
import { describeArchitecture, describeModel, trainingGraph } from './describe-architecture.ts';
import { inferenceGraph } from './model.ts';
import { createModel, listModels } from './registry.ts';

const withHeads = ['compact', 'compact-aligned', 'compact-deep', 'compact-fine', 'compact-wide'];

it('auxiliary heads and the stride of the logits are those of the network', () => {
  const facts = listModels().map(describeArchitecture);
  const heads = Object.fromEntries(facts.map(({ name, auxiliaryHeads }) => [name, auxiliaryHeads]));
  expect(heads).toMatchObject({ ...Object.fromEntries(withHeads.map((name) => [name, 3])), 'mobile-unet': 0 });
  expect(heads).toMatchObject({ icnet: 2, bisenet: 2, 'bisenet-spatial': 2, unet: 0, linknet: 0, pspnet: 0 });
  const strides = Object.fromEntries(facts.map(({ name, logitsStride }) => [name, logitsStride]));
  expect(strides).toMatchObject({ compact: 2, 'compact-fine': 4, icnet: 4, bisenet: 1, deeplabv3plus: 1 });
});

it('describes a model with other settings', () => {
  const facts = describeModel(createModel('unet', { classes: 8, encoder: 'mobilenet_v2', depth: 3 }));
  expect(facts).toMatchObject({ logitsStride: 1, auxiliaryHeads: 0 });
  expect(() => describeArchitecture('unett')).toThrow(/unknown model 'unett'; did you mean 'unet'\?/);
});

it('the graph of training has the parameters of the auxiliary heads', () => {
  // One 1×1 convolution with biases on each of the decoder's 96, 64 and 48 channels.
  const model = createModel('compact', { classes: 19 });
  const alone = countParameters(inferenceGraph(model, { batch: 1, height: 64, width: 64 }));
  expect(countParameters(trainingGraph(model, 64)) - alone).toBe(19 * (96 + 1 + 64 + 1 + 48 + 1));
});
