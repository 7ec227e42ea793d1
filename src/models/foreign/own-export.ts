import type { StateDict } from '../../formats/state-dict/read-state-dict.ts';
import { resizeRuleOf } from '../../image/preprocessing.ts';
import { listLabelSets } from '../../labels/registry.ts';
import { listModels } from '../registry.ts';
import type { ModelSettings } from '../settings.ts';
import { decodeDescription, descriptionFormat, formerNames } from '../weights-file.ts';
import type { ForeignNetwork } from './foreign-network.ts';

/** What a file of `faceparse export --format pytorch` says about its network. */
export interface ExportedNetwork {
  readonly network: Partial<ForeignNetwork> & ModelSettings & Pick<ForeignNetwork, 'model'>;
  /** A line for the user if the description is incomplete. */
  readonly notice?: string;
}

/**
 * Reads the description of the network in a PyTorch file that faceparse exported; undefined for all other files.
 *
 * @param name how messages name the file
 * @throws FaceparseError if the description is damaged or of a newer version
 */
export function exportedNetwork(
  { origin: { format, metadata } }: Pick<StateDict, 'origin'>,
  name: string,
): ExportedNetwork | undefined {
  if (format !== 'pytorch') return undefined;
  if (metadata.format !== descriptionFormat) return earlierExport(metadata);
  const { model, settings, labels, preprocessing } = decodeDescription(metadata, name);
  const { resize, size, mean, std } = preprocessing;
  const rule = resize === resizeRuleOf.letterbox ? 'letterbox' : 'stretch';
  return { network: { model, ...settings, labels, size, resize: rule, mean, std } };
}

/** Exports of former versions contain the names of network and label set, and the size. */
function earlierExport(metadata: Readonly<Record<string, string>>): ExportedNetwork | undefined {
  const { model: given = '', labels = '', size, classes } = metadata;
  const model = formerNames.get(given) ?? given;
  if (!listModels().includes(model) || !listLabelSets().includes(labels) || !size || !classes) return undefined;
  const notice =
    'the version of faceparse that exported the file did not store how photos are resized and normalized; the defaults of the network are used';
  return { network: { model, labels, size: Number(size) }, notice };
}
