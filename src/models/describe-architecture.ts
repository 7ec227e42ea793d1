import { Graph } from '../graph/graph.ts';
import type { Model } from './model.ts';
import { createModel, getArchitecture } from './registry.ts';
import type { SettingRules } from './settings.ts';

/** What a user has to know about an architecture before choosing it. */
export interface ArchitectureFacts {
  readonly name: string;
  /** One sentence for lists. */
  readonly summary: string;
  /** Both sides of an image must be multiples of this, with the default settings. */
  readonly multiple: number;
  /** Stride of the logits relative to the image. */
  readonly logitsStride: number;
  /** Number of auxiliary heads; 0 if it has none. */
  readonly auxiliaryHeads: number;
  /** Its settings, each with its default. */
  readonly settings: SettingRules;
}

/** Networks are measured on images of about this side, which every architecture can take. */
const usualSide = 256;

/**
 * The facts of an architecture with its default settings.
 *
 * @throws FaceparseError (exit code 2) if the architecture does not exist
 *
 * @example describeArchitecture('bisenet').auxiliaryHeads // 2
 */
export function describeArchitecture(name: string): ArchitectureFacts {
  const { summary, settings = {} } = getArchitecture(name);
  return { name, summary, ...describeModel(createModel(name, { classes: 2 })), settings };
}

/**
 * The facts of a model that depend on its settings.
 *
 * @example describeModel(createModel('compact', { classes: 19 })) // { multiple: 32, logitsStride: 2, auxiliaryHeads: 3 }
 */
export function describeModel(model: Model): Pick<ArchitectureFacts, 'multiple' | 'logitsStride' | 'auxiliaryHeads'> {
  const { multiple } = model;
  const { image, logits, auxiliary } = trainingNetwork(model, multiple * Math.ceil(usualSide / multiple));
  return { multiple, logitsStride: image.shape[2] / logits.shape[2], auxiliaryHeads: auxiliary.length };
}

/**
 * The graph of a model as it is trained with `loss.auxiliary`: its parameters include those of the auxiliary heads.
 *
 * @param side side of the image in pixels
 *
 * @example countParameters(trainingGraph(createModel('compact', { classes: 19 }), 256)) // 1,794,940
 */
export function trainingGraph(model: Model, side: number): Graph {
  return trainingNetwork(model, side).image.graph;
}

function trainingNetwork(model: Model, side: number) {
  const image = new Graph().input('image', [1, 3, side, side]);
  const { logits, auxiliary = [] } = model.build(image, { training: true, auxiliary: true });
  return { image, logits, auxiliary };
}
