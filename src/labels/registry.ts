import { FaceparseError } from '../text/errors.ts';
import { ofSameNumbers, suggestName } from '../text/similar-names.ts';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import { ignoreLabel, type LabelSet } from './label-set.ts';
import type { LabelSetChoice, LabelTable } from './label-table.ts';
import { parseLabelTable, sentence } from './parse-label-table.ts';

const labelSets: readonly LabelSet[] = [celebamask19, face8];

/** Names of all label sets, e.g. `['celebamask-19', 'face-8']`. */
export function listLabelSets(): string[] {
  return labelSets.map((set) => set.name);
}

/**
 * Returns the label set with that name, or the one that a table of a configuration defines.
 *
 * @throws FaceparseError (exit code 2) that lists the valid names, or the faults of the table
 *
 * @example getLabelSet('face-8').classes.length // 8
 * @example getLabelSet(config.data.labels).mirrorPairs
 */
export function getLabelSet(labels: LabelSetChoice): LabelSet {
  if (typeof labels === 'object' && labels !== null) return labelSetOf(requireTable(labels));
  const found = labelSets.find((set) => set.name === labels);
  if (!found) {
    const name = String(labels).slice(0, 80);
    const otherwise = `the label sets are ${listLabelSets().join(', ')}, and a configuration can define its own (data.labels)`;
    throw new FaceparseError(
      `unknown label set '${name}'; ${suggestName(name, ofSameNumbers(name, listLabelSets()), otherwise)}`,
      { exitCode: 2 },
    );
  }
  return found;
}

function requireTable(labels: LabelTable): LabelTable {
  const { table, faults } = parseLabelTable(labels);
  if (table) return table;
  const messages = faults.map(sentence);
  if (messages.length === 1) throw new FaceparseError(`the label set is wrong: ${messages[0]}`, { exitCode: 2 });
  throw new FaceparseError(`the label set has ${messages.length} errors:`, { exitCode: 2, faults: messages });
}

/** The label set of a table without faults. */
function labelSetOf({ name, classes, pairs }: LabelTable): LabelSet {
  const idOf = (wanted: string) => classes.findIndex((entry) => entry.name === wanted);
  const mergeFrom = celebamask19.classes.map((source) => {
    const id = classes.findIndex(({ from }) => from.includes(source.name));
    return id < 0 ? ignoreLabel : id;
  });
  return {
    name,
    classes: classes.map((entry, id) => ({ id, name: entry.name, color: entry.color })),
    mirrorPairs: pairs.map(([left, right]): [number, number] => [idOf(left), idOf(right)]),
    mergeFrom,
    representatives: classes.map(({ from }) => celebamask19.classes.findIndex((source) => source.name === from[0])),
  };
}
