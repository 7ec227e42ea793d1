import { convolutionCases } from './cases/convolution.ts';
import { elementwiseCases } from './cases/elementwise.ts';
import { lossCases } from './cases/losses.ts';
import { lovaszCases } from './cases/lovasz.ts';
import { normalizationCases } from './cases/normalization.ts';
import { poolingCases } from './cases/pooling.ts';
import { shapeCases } from './cases/shape.ts';
import { softmaxCases } from './cases/softmax.ts';
import { wideCases } from './cases/wide.ts';
import type { OpCase } from './op-case.ts';

/** Every way of using ops that every engine is tested on. A new op needs at least one case here. */
export const opCases: readonly OpCase[] = [
  ...convolutionCases,
  ...elementwiseCases,
  ...lossCases,
  ...lovaszCases,
  ...normalizationCases,
  ...poolingCases,
  ...shapeCases,
  ...wideCases,
  ...softmaxCases,
];
