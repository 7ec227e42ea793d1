import type { TensorDescription } from '../../formats/pytorch/tensor-record.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { challengeRules } from '../rules.ts';
import { groupBy } from './group-by.ts';

interface Part {
  readonly prefix: string;
  readonly tensors: [name: string, tensor: TensorDescription][];
}

const maxDepth = 4;
const memberNames = /^(models?|nets?|networks?|members?|ensembles?|folds?|teacher|student|ema)[-_]?\d*$/i;
/** Parts named like ensemble members must contain nearly all weights, because a network may have two small `net`s. */
const wholeShare = 0.9;

/**
 * Finds the prefixes in a state dict that each contain a complete network of the same structure, as in an ensemble saved as
 * one module (`models.0`, `models.1`). Empty if there is one network.
 *
 * Equal parts are common within a network (residual blocks). They count as networks only if each takes three channels and
 * returns all classes, or if they are named like ensemble members and contain nearly all weights. Networks of different
 * structure are not found.
 */
export function findSeveralNetworks(tensors: ReadonlyMap<string, TensorDescription>): string[] {
  const total = elementsOf([...tensors]);
  for (let depth = 1; depth <= maxDepth; depth++) {
    const siblings = groupBy(partsAt(tensors, depth), (part) => JSON.stringify([parentOf(part), structureOf(part)]));
    for (const group of siblings.values()) {
      const different = [...new Map(group.map((part) => [dataOf(part), part])).values()];
      if (different.length < 2) continue;
      const held = different.reduce((sum, { tensors: own }) => sum + elementsOf(own), 0);
      const members = different.every(isNamedMember) && held >= wholeShare * total;
      if (members || isComplete(different[0])) return different.map(({ prefix }) => prefix);
    }
  }
  return [];
}

function partsAt(tensors: ReadonlyMap<string, TensorDescription>, depth: number): Part[] {
  const parts = new Map<string, Part>();
  for (const [name, tensor] of tensors) {
    const segments = name.split('.', depth + 1);
    if (segments.length <= depth) continue;
    const prefix = segments.slice(0, depth).join('.');
    const part = parts.get(prefix) ?? { prefix, tensors: [] };
    part.tensors.push([name.slice(prefix.length + 1), tensor]);
    parts.set(prefix, part);
  }
  return [...parts.values()];
}

function parentOf({ prefix }: Part): string {
  return prefix.slice(0, Math.max(0, prefix.lastIndexOf('.')));
}

function structureOf({ tensors }: Part): string {
  return JSON.stringify(tensors.map(([name, { dtype, shape }]) => [name, dtype, shape]).sort());
}

/** Location of the values, which is the same for one module under two names. */
function dataOf({ tensors }: Part): string {
  return JSON.stringify(tensors.map(([name, { storage, offset }]) => [name, storage, offset]).sort());
}

function isNamedMember({ prefix }: Part): boolean {
  const [last = '', beforeLast = ''] = prefix.split('.').reverse();
  return memberNames.test(/^\d+$/.test(last) ? beforeLast : last);
}

function isComplete({ tensors }: Part): boolean {
  const classes = getLabelSet(challengeRules.labelSet).classes.length;
  const takesImage = tensors.some(([, { shape }]) => shape.length === 4 && shape[1] === 3);
  return takesImage && tensors.some(([, { shape }]) => shape.length >= 2 && shape[0] === classes);
}

function elementsOf(tensors: readonly (readonly [string, TensorDescription])[]): number {
  return tensors.reduce((sum, [, { shape }]) => sum + shape.reduce((product, extent) => product * extent, 1), 0);
}
