// A loss of your own: the Tversky loss (Salehi et al. 2017), which weighs missed pixels more than false ones.
// node examples/06-own-loss.mjs
import { add, defineLoss, div, reduceMean, registerLoss, scale, softmaxSums, sub } from 'faceparse/blocks';
import { parseConfig } from 'faceparse/node';

registerLoss(
  defineLoss({
    name: 'tversky', // the key loss.tversky, and a column of metrics.csv
    title: 'Tversky',
    summary: 'the Tversky loss, 0.3 for false and 0.7 for missed pixels',
    defaultWeight: 0,
    settings: {},
    mean: 'images',
    fused: false,
    symbol: 'T',
    works: {},
    text: () => ({ over: 'over all classes.', formula: '1 - (P T) / (P T + 0.3 P (1 - T) + 0.7 (1 - P) T).' }),
    // Sums per image and class, N×C, of p·t, p and t; p is the softmax, t the labels as 0 or 1.
    build(logits, labels) {
      const { overlap, predicted, actual } = softmaxSums(logits, labels);
      const wrong = add(scale(sub(predicted, overlap), 0.3), scale(sub(actual, overlap), 0.7));
      const one = logits.graph.scalar(1);
      const scores = div(add(overlap, one), add(add(overlap, wrong), one));
      return sub(one, reduceMean(scores));
    },
  }),
);

// It now works like any other loss; gradients are derived from its ops.
const config = parseConfig('loss: {crossEntropy: 1, dice: 0, tversky: 1}');
console.log(config.loss);
