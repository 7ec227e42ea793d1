import type { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import type { LabelSet } from '../labels/label-set.ts';

/** The report's text about a loss, as typst markup. */
export interface LossText {
  /** The rest of the sentence after the title: the domain of the loss and the meaning of the symbols. */
  readonly over: string;
  /** The right-hand side of its equation in typst's math syntax, with the full stop. */
  readonly formula: string;
  /** Sentences after the formula; `false` entries are omitted. */
  readonly remarks?: readonly (string | false)[];
}

/** Settings of a configuration that several losses use. */
export interface SharedLossSettings {
  /** One weight per class, for losses that are means over pixels. */
  readonly classWeights?: readonly number[] | undefined;
}

/** The values of a loss's own settings and the shared ones. */
type ValuesOf<Settings extends z.ZodRawShape> = SharedLossSettings &
  (keyof Settings extends never ? unknown : z.output<z.ZodObject<Settings>>);

/** The definition of a loss: all that other modules need. */
export interface LossDefinition<Name extends string, Settings extends z.ZodRawShape> {
  /** Key of its weight in the configuration, and its column of metrics.csv. */
  readonly name: Name;
  /** Its name within a sentence. */
  readonly title: string;
  /** Completes "Weight of …" in the configuration reference. */
  readonly summary: string;
  readonly defaultWeight: number;
  /** Its configuration keys other than the weight. */
  readonly settings: Settings;
  /** Whether its value is a mean over the batch's non-ignored pixels, weighted by `loss.classWeights`, or over its images. */
  readonly mean: 'pixels' | 'images';
  /**
   * Whether the native engine fuses its gradient with the gradients of other losses. Fused losses are built last: their
   * gradients are then summed before any other is added.
   */
  readonly fused: boolean;
  /** The subscript of its L in equations. */
  readonly symbol: string;
  /** BibTeX key of the main cited work. */
  readonly reference?: string;
  /** BibTeX entries of the cited works, by key. */
  readonly works: Readonly<Record<string, string>>;
  readonly text: (settings: ValuesOf<Settings>) => LossText;
  /** Returns what is wrong with the settings for a label set, or undefined. Names the keys as users write them. */
  readonly check?: (settings: ValuesOf<Settings>, labelSet: LabelSet) => string | undefined;
  /** Builds the loss, a scalar. Logits N×C×H×W, labels int32 N×H×W; a label outside 0 … C−1 is ignored. */
  readonly build: (logits: Tensor, labels: Tensor, settings: ValuesOf<Settings>) => Tensor;
}

/** Types a loss definition by its name and settings. */
export function defineLoss<const Name extends string, Settings extends z.ZodRawShape>(
  definition: LossDefinition<Name, Settings>,
): LossDefinition<Name, Settings> {
  return definition;
}
