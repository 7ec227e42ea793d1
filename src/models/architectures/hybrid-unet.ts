import type { Tensor } from '../../graph/graph.ts';
import { appendCoordinates } from '../../nn/coordinates.ts';
import { uniformFanIn } from '../../nn/initializers.ts';
import { basicBlock, convBn, convolution, invertedResidual, type SequenceStep, sequence } from '../../nn/layers.ts';
import { pyramidPooling } from '../../nn/pyramid-pooling.ts';
import type { Scope } from '../../nn/scope.ts';
import type { Architecture } from '../model.ts';
import { decoderStep } from './mobile-unet.ts';

/** A stage of the encoder: a convolution of stride 2, then blocks. */
export interface HybridStage {
  readonly filters: number;
  readonly blocks: number;
  /** Dense 3×3 blocks run at full CPU speed; 5×5 inverted residuals with squeeze-and-excitation save parameters. */
  readonly kind: 'dense' | 'inverted';
}

/** The widths and depths of a hybrid U-Net. */
export interface HybridOptions {
  readonly stem: number;
  /** Stages from stride 4 on; each halves the size. */
  readonly stages: readonly HybridStage[];
  /** Widths of the decoder steps, each doubling the size. With as many steps as stages, the logits have stride 2. */
  readonly decoder: readonly number[];
}

/**
 * A hybrid U-Net: coordinates at the input, a stem at stride 2, residual stages, pyramid pooling, a U-shaped decoder.
 *
 * Auxiliary heads, if requested, are 1×1 convolutions on all decoder steps but the last.
 */
export function hybridUnet(
  description: Pick<Architecture, 'name' | 'summary'>,
  { stem, stages, decoder }: HybridOptions,
): Architecture {
  return {
    ...description,
    multiple: 2 ** (stages.length + 1),
    build(scope, input, classes) {
      let x = convBn(scope.at('stem'), appendCoordinates(scope.at('coordinates'), input), {
        filters: stem,
        kernel: 3,
        stride: 2,
      });
      const features = [x];
      stages.forEach((stage, index) => {
        x = encoderStage(scope.at('stages').at(index), x, stage);
        features.push(x);
      });
      x = pyramidPooling(scope.at('pyramid'), x, { grids: [1, 2, 4, 8], filters: 32 });
      const skips = features.slice(0, -1).reverse();
      const steps = decoder.map((filters, index) => {
        x = decoderStep(scope.at('decoder').at(index), x, skips[index], filters);
        return x;
      });
      const head = (at: Scope, features: Tensor) =>
        convolution(at, features, { filters: classes, kernel: 1, bias: true, initializer: uniformFanIn() });
      const logits = head(scope.at('head'), x);
      if (!scope.mode.auxiliary) return { logits };
      const auxiliary = steps.slice(0, -1).map((features, index) => head(scope.at('auxiliary').at(index), features));
      return { logits, auxiliary };
    },
  };
}

function encoderStage(scope: Scope, input: Tensor, { filters, blocks, kind }: HybridStage): Tensor {
  const enter: SequenceStep = (at, x) => convBn(at, x, { filters, kernel: 3, stride: 2 });
  const block: SequenceStep = (at, x) =>
    kind === 'dense' ? basicBlock(at, x) : invertedResidual(at, x, { kernel: 5, squeeze: true });
  return sequence(scope, input, [enter, ...new Array<SequenceStep>(blocks).fill(block)]);
}
