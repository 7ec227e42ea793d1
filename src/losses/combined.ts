import { z } from 'zod';
import type { Tensor } from '../graph/graph.ts';
import { add, mul } from '../graph/ops/elementwise.ts';
import { scale } from '../graph/ops/reduction.ts';
import { type LossName, losses, lossKeys } from './registry.ts';

/** Made when it is needed: losses may have been registered. */
function lossSchema() {
  return z.object(lossKeys);
}

/** The weights and settings of the losses as a configuration has them; a weight of 0 leaves a loss out. */
export type LossOptions = z.input<ReturnType<typeof lossSchema>>;

/** Weights and settings with every default filled in. */
export type LossSettings = z.output<ReturnType<typeof lossSchema>>;

/** A weighted sum of losses, with each part as it stands before its weight. */
export interface CombinedLoss {
  readonly total: Tensor;
  readonly parts: ReadonlyMap<string, Tensor>;
}

/**
 * What part of a large batch a small one is, where the losses of the small ones add up to that of the large one: of the pixels
 * that are not ignored, by their weights, for losses that are means over pixels; of the images for losses that are means
 * over images.
 */
export interface BatchShares {
  readonly pixels: Tensor;
  readonly images: number;
}

/**
 * The weighted sum of the losses whose weight is above zero.
 *
 * @param shares where the batch is a part of a larger one: the parts are then what it contributes to those of the whole
 * @throws ZodError for options that a configuration could not have
 */
export function combinedLoss(logits: Tensor, labels: Tensor, options: LossOptions, shares?: BatchShares): CombinedLoss {
  const settings = lossSchema().parse(options);
  const chosen = losses.filter(({ name }) => settings[name] > 0);
  if (chosen.length === 0) throw new Error('the loss has no part with a weight above zero');
  const built = new Map<LossName, Tensor>();
  // Gradients are added from the last node to the first.
  for (const definition of chosen.toSorted((a, b) => Number(a.fused) - Number(b.fused))) {
    built.set(definition.name, definition.build(logits, labels, settings));
  }
  const parts = new Map<LossName, Tensor>();
  for (const { name, mean } of chosen) {
    const part = built.get(name)!;
    if (!shares) parts.set(name, part);
    else parts.set(name, mean === 'pixels' ? mul(part, shares.pixels) : scale(part, shares.images));
  }
  const weighted = [...parts].map(([name, part]) => scale(part, settings[name]));
  return { total: weighted.reduce((sum, part) => add(sum, part)), parts };
}
