// An encoder of your own: register it, then use it in every architecture that takes one.
// For the command line: NODE_OPTIONS="--import ./examples/08-own-encoder.mjs" npx faceparse train model.name=unet model.encoder=tiny --data DATA
import {
  convBn,
  createModel,
  defineModule,
  imagenetPreprocessing,
  inferenceGraph,
  levelGeometry,
  registerEncoder,
} from 'faceparse/blocks';

const level = defineModule('Level', 'Two 3x3 convolutions.', (scope, x, { filters, stride, dilation }) => {
  const y = convBn(scope.at('first'), x, { filters, kernel: 3, stride, dilation });
  return convBn(scope.at('second'), y, { filters, kernel: 3, dilation });
});

registerEncoder({
  name: 'tiny',
  summary: 'Two convolutions at each stride',
  preprocessing: imagenetPreprocessing,
  stochasticDepth: 0,
  build(scope, image, options) {
    let x = image;
    // Stride and dilation of each level, for the depth and the output stride that the architecture needs.
    return levelGeometry(options).map(({ stride, dilation, featureStride }, index) => {
      x = level(scope.at('levels').at(index), x, { filters: 16 * (index + 1), stride, dilation });
      return { tensor: x, stride: featureStride };
    });
  },
});

const model = createModel('unet', { encoder: 'tiny', classes: 19 });
const graph = inferenceGraph(model, { batch: 1, height: 64, width: 64 });
console.log(`${model.title}: logits ${graph.outputs.get('logits').shape.join('×')}`);
