/** How `nextPlateau` reduces the learning rate. */
export interface PlateauOptions {
  /** Whether a higher value is better, as for a score; false for a loss. */
  readonly higherIsBetter: boolean;
  readonly factor: number;
  /** Values without improvement that are tolerated; the next one reduces the rate. */
  readonly patience: number;
  /** Smallest relative improvement that counts. */
  readonly threshold: number;
  /** Values after a reduction that are not counted. */
  readonly cooldown: number;
  /** Lower bound of the reduction. */
  readonly floor: number;
}

/** What `nextPlateau` knows of the values so far. */
export interface PlateauState {
  /** Product of all reductions: the learning rate as a share of the peak. */
  readonly reduction: number;
  /** Best value so far; absent before the first. */
  readonly best?: number | undefined;
  /** Values since the last improvement or reduction. */
  readonly bad: number;
  /** Values of the cooldown that are left. */
  readonly cooldown: number;
}

export const initialPlateau: PlateauState = { reduction: 1, bad: 0, cooldown: 0 };

/** Whether a value improves on the best so far by more than a relative threshold. NaN and infinity never do. */
function improves(value: number, best: number | undefined, { higherIsBetter, threshold }: PlateauOptions): boolean {
  if (!Number.isFinite(value)) return false;
  if (best === undefined) return true;
  return higherIsBetter ? value > best * (1 + threshold) : value < best * (1 - threshold);
}

/**
 * Reduces the learning rate when a value stops improving (ReduceLROnPlateau of PyTorch, relative threshold).
 *
 * @example nextPlateau(initialPlateau, 0.8, options).best // 0.8
 */
export function nextPlateau(state: PlateauState, value: number, options: PlateauOptions): PlateauState {
  const better = improves(value, state.best, options);
  const best = better ? value : state.best;
  const cooling = state.cooldown > 0;
  const bad = better || cooling ? 0 : state.bad + 1;
  const cooldown = cooling ? state.cooldown - 1 : 0;
  const kept = { ...(best !== undefined && { best }) };
  if (bad <= options.patience) return { reduction: state.reduction, ...kept, bad, cooldown };
  const reduction = Math.max(options.floor, state.reduction * options.factor);
  return { reduction, ...kept, bad: 0, cooldown: options.cooldown };
}
