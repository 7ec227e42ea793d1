import {
  countTrainableParameters,
  type PyTorchCheckpoint,
  readPyTorchCheckpoint,
} from '../../formats/pytorch/pytorch-checkpoint-reader.ts';
import type { TensorDescription } from '../../formats/pytorch/tensor-record.ts';
import { formatCount } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { nameSome } from '../../text/name-some.ts';
import { quote } from '../../text/quoted-text.ts';
import { challengeRules } from '../rules.ts';
import type { Fault } from './fault.ts';
import { findSeveralNetworks } from './several-networks.ts';

const { parameterLimit, weightsKey } = challengeRules;
const remedy = `save it with torch.save({'${weightsKey}': network.state_dict()}, 'ckpt.pth')`;

/**
 * Checks a checkpoint without running it: it is readable, has its weights under `state_dict`, contains one
 * network, and has fewer trainable parameters than the limit (`countTrainableParameters` describes how they are counted).
 *
 * @param where name of the file in faults
 */
export async function checkCheckpoint(
  bytes: Uint8Array,
  where: string,
): Promise<{ faults: Fault[]; notes: string[]; parameters?: number }> {
  let checkpoint: PyTorchCheckpoint;
  try {
    checkpoint = await readPyTorchCheckpoint(bytes);
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    return { faults: [{ check: 'checkpoint-unreadable', where, message: error.message }], notes: [] };
  }
  const { stateDict, tensors, otherValues, otherBytes } = checkpoint;
  const fault = stateDictFault(checkpoint);
  const weights = stateDict ?? tensors;
  const parameters = weights.size > 0 ? countTrainableParameters(weights) : undefined;
  const found = [...(fault ? [fault] : []), ...networkFaults(weights, parameters ?? 0)];
  return {
    faults: found.map((one) => ({ ...one, where })),
    notes: [
      ...(otherValues.length > 0 ? [otherValuesNote(where, otherValues)] : []),
      ...(otherBytes > 0 && weights.size > 0 ? [`${where} ${otherBytesText(checkpoint)}; ${otherRemark}`] : []),
    ],
    ...(parameters !== undefined && { parameters }),
  };
}

function stateDictFault({ keys, tensors, stateDict }: PyTorchCheckpoint): Omit<Fault, 'where'> | undefined {
  if (stateDict && stateDict.size > 0) return undefined;
  const message = (what: string) => `${what}; ${remedy}`;
  if (stateDict) return { check: 'checkpoint-empty', message: message(`its ${weightsKey} contains no tensors`) };
  const check = 'checkpoint-without-state-dict';
  if (keys.includes(weightsKey)) return { check, message: message(`its ${weightsKey} is not a dictionary of tensors`) };
  if (tensors.size > 0) {
    return { check, message: message(`its ${tensors.size} tensors are at the top level, not under ${weightsKey}`) };
  }
  const listed = keys.slice(0, 5).map((key) => quote(key));
  const what =
    keys.length > 0 ? `it contains ${listed.join(', ')}${keys.length > 5 ? ', …' : ''}` : 'it is not a dictionary';
  return { check, message: message(`it has no ${weightsKey}: ${what}`) };
}

function networkFaults(weights: ReadonlyMap<string, TensorDescription>, parameters: number): Omit<Fault, 'where'>[] {
  const faults: Omit<Fault, 'where'>[] = [];
  if (parameters >= parameterLimit) {
    const message = `has ${formatCount(parameters)} trainable parameters; fewer than ${formatCount(parameterLimit)} are allowed: make the network smaller (buffers and frozen weights in ${weightsKey} count too)`;
    faults.push({ check: 'too-many-parameters', message });
  }
  const networks = findSeveralNetworks(weights);
  if (networks.length > 0) {
    const listed = networks.slice(0, 5).map((prefix) => quote(prefix));
    const message = `contains ${networks.length} networks of the same structure, under ${listed.join(', ')}; ensembles are forbidden: save only the network that run.py uses`;
    faults.push({ check: 'several-networks', message });
  }
  return faults;
}

/** Optimiser state and averages are harmless, but they look like a second network. */
const otherRemark =
  'they are not counted, and run.py must not use them because only one network is allowed; consider removing other networks, averages and optimiser state';

function otherBytesText({ keys, stateDict, otherBytes, weightBytes }: PyTorchCheckpoint): string {
  const names = stateDict ? keys.filter((key) => key !== weightsKey) : [];
  const listed = names.slice(0, 5).map((key) => quote(key));
  const others = names.length > 0 ? ` (under ${listed.join(', ')}${names.length > 5 ? ', …' : ''})` : '';
  return `contains ${formatCount(otherBytes)} bytes in addition to the ${formatCount(weightBytes)} bytes of weights${others}`;
}

function otherValuesNote(where: string, names: readonly string[]): string {
  return `${where}: ${nameSome(names.map((name) => quote(name)))} in ${weightsKey} is not a readable tensor and is not counted`;
}
