// A loss of your own: log-cosh Dice (Jadon 2020), whose gradient falls as the Dice loss approaches 0.
// node examples/06-own-loss.mjs
import { add, defineLoss, diceLoss, exp, log, registerLoss, scale } from 'faceparse/blocks';
import { parseConfig } from 'faceparse/node';

registerLoss(
  defineLoss({
    name: 'logCoshDice', // the key loss.logCoshDice, and a column of metrics.csv
    title: 'log-cosh Dice',
    summary: 'the log-cosh Dice loss',
    defaultWeight: 0,
    settings: {},
    mean: 'images',
    fused: true, // it uses softmaxSums, through diceLoss
    symbol: 'lcD',
    works: {},
    text: () => ({ over: 'of the soft Dice loss', formula: 'log cosh L_"Dice".' }),
    build(logits, labels) {
      const dice = diceLoss(logits, labels);
      return log(scale(add(exp(dice), exp(scale(dice, -1))), 0.5));
    },
  }),
);

// It now works like any other loss; gradients are derived from its ops.
const config = parseConfig('loss: {crossEntropy: 1, dice: 0, logCoshDice: 1}');
console.log(config.loss);
