// A network of your own: register it, then train it like any other.
// For the command line: NODE_OPTIONS="--import ./examples/05-own-network.mjs" npx faceparse train model.name=tiny-unet --data DATA
import {
  concat,
  convBn,
  convolution,
  createModel,
  defineModule,
  inferenceGraph,
  registerModel,
  resize,
} from 'faceparse/blocks';

// A module is a function of its scope and its inputs. The scope names its weights.
const double = defineModule('DoubleConv', 'Two 3x3 convolutions.', (scope, x, filters) => {
  const y = convBn(scope.at('first'), x, { filters, kernel: 3 });
  return convBn(scope.at('second'), y, { filters, kernel: 3 });
});

registerModel({
  name: 'tiny-unet',
  summary: 'A U-Net of three levels',
  multiple: 8, // sides of the input are multiples of this
  build(scope, image, classes) {
    const skips = [];
    let x = double(scope.at('stem'), image, 16);
    for (const [level, filters] of [24, 40, 64].entries()) {
      skips.push(x);
      x = convBn(scope.at('down').at(level), x, { filters, kernel: 3, stride: 2 });
    }
    for (const [level, skip] of skips.reverse().entries()) {
      const raised = resize(x, skip.shape[2], skip.shape[3]);
      x = double(scope.at('up').at(level), concat([raised, skip], 1), skip.shape[1]);
    }
    return { logits: convolution(scope.at('head'), x, { filters: classes, kernel: 1, bias: true }) };
  },
});

const graph = inferenceGraph(createModel('tiny-unet', { classes: 19 }), { batch: 1, height: 64, width: 64 });
console.log(`tiny-unet: logits ${graph.outputs.get('logits').shape.join('×')}`);
