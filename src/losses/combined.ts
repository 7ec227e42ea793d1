import { z } from 'zod';
import { formatShape, type Tensor } from '../graph/graph.ts';
import { add, mul } from '../graph/ops/elementwise.ts';
import { scale } from '../graph/ops/reduction.ts';
import { describeValue } from '../text/describe-value.ts';
import { FaceparseError } from '../text/errors.ts';
import { type LossName, losses, lossKeys } from './registry.ts';

/** Created on demand: losses may have been registered. */
function lossSchema() {
  return z.object(lossKeys);
}

/** Loss weights and settings as in a configuration; a weight of 0 disables the loss. */
export type LossOptions = z.input<ReturnType<typeof lossSchema>>;

/** Loss weights and settings with all defaults filled in. */
export type LossSettings = z.output<ReturnType<typeof lossSchema>>;

/** A weighted sum of losses, with each loss before weighting. */
export interface CombinedLoss {
  readonly total: Tensor;
  readonly parts: ReadonlyMap<string, Tensor>;
}

/**
 * The share of a small batch in a large one, chosen so that the losses of the small batches add up to the loss of the large
 * one: the share of non-ignored pixels, by weight, for means over pixels; the share of images for means over images.
 */
export interface BatchShares {
  readonly pixels: Tensor;
  readonly images: number;
}

/**
 * Computes the weighted sum of the losses whose weight is above zero.
 *
 * @param shares the share in a larger batch; each loss is then this batch's contribution
 * @throws ZodError for invalid options; FaceparseError if a registered loss does not build a scalar
 */
export function combinedLoss(logits: Tensor, labels: Tensor, options: LossOptions, shares?: BatchShares): CombinedLoss {
  const settings = lossSchema().parse(options);
  const chosen = losses.filter(({ name }) => settings[name] > 0);
  if (chosen.length === 0) throw new Error('no loss has a weight above zero');
  const built = new Map<LossName, Tensor>();
  // Gradients are added from the last node to the first.
  for (const definition of chosen.toSorted((a, b) => Number(a.fused) - Number(b.fused))) {
    const part: unknown = definition.build(logits, labels, settings);
    built.set(definition.name, requireScalar(definition.name, part));
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

/** Checks what a loss built, which may be a user's own. */
function requireScalar(name: string, part: unknown): Tensor {
  const tensor = part as Partial<Tensor> | undefined;
  if (tensor?.shape?.length === 0) return tensor as Tensor;
  const found = tensor?.shape ? formatShape(tensor.shape) : describeValue(part);
  throw new FaceparseError(`the loss '${name}' must build a scalar tensor, not ${found}`, { exitCode: 2 });
}
