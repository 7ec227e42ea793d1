import type { Architecture } from '../src/models/model.ts';
import { convBn, convolution } from '../src/nn/layers.ts';

/** A small network with an encoder, a decoder and a head, for tests of fine-tuning. */
export const encoderNetwork: Architecture = {
  name: 'encoder-network',
  summary: 'Two layers of encoder, one of decoder.',
  multiple: 4,
  build(scope, x, classes) {
    const encoder = scope.at('encoder');
    const stem = convBn(encoder.at('stem'), x, { filters: 6, kernel: 3, stride: 2 });
    const features = convBn(encoder.at('layer'), stem, { filters: 8, kernel: 3, stride: 2 });
    const decoded = convBn(scope.at('decoder'), features, { filters: 8, kernel: 3 });
    return { logits: convolution(scope.at('head'), decoded, { filters: classes, kernel: 1, bias: true }) };
  },
};
