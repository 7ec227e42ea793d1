// A decoder of your own: register it as an architecture that takes any encoder. This one is a small feature pyramid (FPN).
// For the command line: NODE_OPTIONS="--import ./examples/09-own-decoder.mjs" npx faceparse train model.name=fpn model.encoder=resnet18 --data DATA
import {
  add,
  convBn,
  convolution,
  createModel,
  defineModule,
  dropoutLayer,
  encoderFeatures,
  inferenceGraph,
  registerModel,
  resize,
} from 'faceparse/blocks';

const merge = defineModule('Merge', '1x1 on the finer features, plus the enlarged coarser ones.', (scope, x, finer) => {
  const lateral = convBn(scope.at('lateral'), finer, { filters: x.shape[1], kernel: 1 });
  return add(lateral, resize(x, lateral.shape[2], lateral.shape[3]));
});

registerModel({
  name: 'fpn',
  summary: 'A feature pyramid on an encoder, logits at stride 2',
  multiple: 32,
  settings: { encoder: { default: 'resnet18' }, depth: { default: 5, choices: [3, 4, 5] }, dropout: { default: 0.1 } },
  build(scope, image, classes, settings) {
    const [deepest, ...finer] = encoderFeatures(scope, image, settings).reverse();
    let x = convBn(scope.at('top'), deepest.tensor, { filters: 64, kernel: 1 });
    for (const [level, { tensor }] of finer.entries()) x = merge(scope.at('merge').at(level), x, tensor);
    x = dropoutLayer(scope.at('dropout'), x, settings.dropout, 'channel');
    return { logits: convolution(scope.at('head'), x, { filters: classes, kernel: 3, bias: true }) };
  },
});

for (const encoder of ['resnet18', 'efficientnet-lite0']) {
  const model = createModel('fpn', { encoder, depth: 4, classes: 19 });
  const graph = inferenceGraph(model, { batch: 1, height: 64, width: 64 });
  console.log(`${model.title}: logits ${graph.outputs.get('logits').shape.join('×')}`);
}
