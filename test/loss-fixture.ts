import { createReferenceEngine } from '../src/engine/reference/reference-engine.ts';
import { gradients } from '../src/graph/autodiff.ts';
import { Graph, type Tensor } from '../src/graph/graph.ts';

/** Probabilities of the classes at the pixels of an image one pixel high. */
export type Pixels = readonly (readonly number[])[];

/** Probabilities of three classes at two pixels. */
export const twoPixels: Pixels = [
  [0.5, 0.25, 0.25],
  [0.2, 0.6, 0.2],
];

/** A loss of images one pixel high, and its gradient with respect to the logits: the logarithms of the probabilities. */
export async function evaluateLoss(
  images: readonly Pixels[],
  labels: readonly number[][],
  loss: (logits: Tensor, labels: Tensor) => Tensor,
) {
  const [n, width, classes] = [images.length, images[0].length, images[0][0].length];
  const graph = new Graph();
  const logits = graph.input('logits', [n, classes, 1, width]);
  const truth = graph.input('labels', [n, 1, width], 'int32');
  const total = loss(logits, truth);
  graph.output('loss', total);
  graph.output('gradient', gradients(total, [logits])[0]);
  const program = await createReferenceEngine().compile(graph);
  const planes = images.flatMap((pixels) =>
    Array.from({ length: classes }, (_, c) => pixels.map((p) => Math.log(p[c]))).flat(),
  );
  const outputs = await program.run({ logits: Float32Array.from(planes), labels: Int32Array.from(labels.flat()) });
  return { loss: outputs.loss[0], gradient: [...outputs.gradient] };
}
