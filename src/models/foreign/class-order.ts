import { classOrderTable, getClassOrder } from '../../labels/class-orders.ts';
import { type LabelSetChoice, labelSetName } from '../../labels/label-table.ts';
import { FaceparseError } from '../../text/errors.ts';
import type { Model } from '../model.ts';
import { headNames } from './network-names.ts';

/**
 * Sorts the classes of a network's head into the order of celebamask-19.
 *
 * @param order name of the class order of the given weights
 * @throws FaceparseError (exit code 2) if the order is unknown, or does not have each class of celebamask-19 once
 */
export function sortClasses(
  states: ReadonlyMap<string, Float32Array>,
  model: Model,
  { order: given, labels }: { order: string; labels: LabelSetChoice },
): Map<string, Float32Array> {
  const order = getClassOrder(given);
  const table = classOrderTable(order);
  const targets = order.classes.map((_, id) => table[id]);
  const isComplete = targets.length === model.classes && new Set(targets).size === model.classes;
  if (labels !== 'celebamask-19' || !isComplete || Math.max(...targets) >= model.classes) {
    throw new FaceparseError(
      `the class order ${order.name} cannot be sorted into ${labelSetName(labels)}: both must have the 19 classes of celebamask-19; leave the class order out`,
      { exitCode: 2 },
    );
  }
  const head = headNames(model);
  return new Map(
    [...states].map(([name, values]) => [name, head.has(name) ? permuted(values, targets) : values] as const),
  );
}

/** Moves row `id` of the first axis to row `targets[id]`. */
function permuted(values: Float32Array, targets: readonly number[]): Float32Array {
  const row = values.length / targets.length;
  const sorted = new Float32Array(values.length);
  for (const [id, target] of targets.entries()) sorted.set(values.subarray(id * row, (id + 1) * row), target * row);
  return sorted;
}
