import type { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import type { LabelSet } from '../labels/label-set.ts';

/** What a report says of a loss, as typst markup. */
export interface LossText {
  /** The rest of the sentence that begins with its title: over what it is computed, and what the symbols mean. */
  readonly over: string;
  /** The right side of its equation in typst's mathematics, with the full stop. */
  readonly formula: string;
  /** Sentences after the formula, but for those that do not hold. */
  readonly remarks?: readonly (string | false)[];
}

/** The values of the settings of a loss; unknown where it has none. */
type ValuesOf<Settings extends z.ZodRawShape> = keyof Settings extends never
  ? unknown
  : z.output<z.ZodObject<Settings>>;

/** All that the rest of the program knows of a loss. */
export interface LossDefinition<Name extends string, Settings extends z.ZodRawShape> {
  /** Key of its weight in the configuration, and its column of metrics.csv. */
  readonly name: Name;
  /** Its name in a sentence. */
  readonly title: string;
  /** What the weight is said to be the weight of in the reference of the configuration. */
  readonly summary: string;
  readonly defaultWeight: number;
  /** The keys of the configuration that it has besides its weight. */
  readonly settings: Settings;
  /** What its value is the mean over: all pixels of a batch that are not ignored, weighted by `loss.classWeights`, or its images. */
  readonly mean: 'pixels' | 'images';
  /**
   * Whether its gradient is one that the native engine computes in one go with those of others. Such losses are built last,
   * so that their gradients are added to each other before any other is.
   */
  readonly fused: boolean;
  /** The subscript of its L in equations. */
  readonly symbol: string;
  /** Key of the work that its text cites first. */
  readonly reference?: string;
  /** BibTeX of the works that its text cites, by key. */
  readonly works: Readonly<Record<string, string>>;
  readonly text: (settings: ValuesOf<Settings>) => LossText;
  /** What is wrong with its settings for a label set, if anything is, with the keys as users write them. */
  readonly check?: (settings: ValuesOf<Settings>, labelSet: LabelSet) => string | undefined;
  /** The loss, a scalar. Logits N×C×H×W, labels int32 N×H×W; a label outside of 0 … C−1 is ignored. */
  readonly build: (logits: Tensor, labels: Tensor, settings: ValuesOf<Settings>) => Tensor;
}

/** Gives a definition the types of its name and settings. */
export function defineLoss<const Name extends string, Settings extends z.ZodRawShape>(
  definition: LossDefinition<Name, Settings>,
): LossDefinition<Name, Settings> {
  return definition;
}
