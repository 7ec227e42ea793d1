import { FaceparseError } from '../../errors.ts';
import {
  countTrainableParameters,
  type PyTorchCheckpoint,
  readPyTorchCheckpoint,
  type TensorDescription,
} from '../../formats/pytorch-checkpoint-reader.ts';
import { challengeRules } from '../challenge-rules.ts';
import type { Fault } from './fault.ts';
import { findSeveralNetworks } from './several-networks.ts';

const { parameterLimit, weightsKey } = challengeRules;
const remedy = `save it by torch.save({'${weightsKey}': network.state_dict()}, 'ckpt.pth')`;

/**
 * Checks a checkpoint without running it: it can be read, has its weights under `state_dict`, holds one network, and has
 * fewer trainable parameters than the limit (see `countTrainableParameters` for how they are counted).
 *
 * @param where what faults call the file
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
  const { stateDict, tensors, otherValues } = checkpoint;
  const fault = stateDictFault(checkpoint);
  const weights = stateDict ?? tensors;
  const parameters = weights.size > 0 ? countTrainableParameters(weights) : undefined;
  const found = [...(fault ? [fault] : []), ...networkFaults(weights, parameters ?? 0)];
  return {
    faults: found.map((one) => ({ ...one, where })),
    notes: otherValues.length > 0 ? [otherValuesNote(where, otherValues)] : [],
    ...(parameters !== undefined && { parameters }),
  };
}

function stateDictFault({ keys, tensors, stateDict }: PyTorchCheckpoint): Omit<Fault, 'where'> | undefined {
  if (stateDict && stateDict.size > 0) return undefined;
  const message = (what: string) => `${what}; ${remedy}`;
  if (stateDict) return { check: 'checkpoint-empty', message: message(`its ${weightsKey} holds no tensors`) };
  const check = 'checkpoint-without-state-dict';
  if (keys.includes(weightsKey)) return { check, message: message(`its ${weightsKey} is no dictionary of tensors`) };
  if (tensors.size > 0) {
    return { check, message: message(`its ${tensors.size} tensors stand at the top, not under ${weightsKey}`) };
  }
  const listed = keys.slice(0, 5).map((key) => JSON.stringify(key.slice(0, 40)));
  const what = keys.length > 0 ? `it holds ${listed.join(', ')}${keys.length > 5 ? ', …' : ''}` : 'it is no dictionary';
  return { check, message: message(`it has no ${weightsKey}: ${what}`) };
}

function networkFaults(weights: ReadonlyMap<string, TensorDescription>, parameters: number): Omit<Fault, 'where'>[] {
  const faults: Omit<Fault, 'where'>[] = [];
  if (parameters >= parameterLimit) {
    const message = `has ${group(parameters)} trainable parameters; fewer than ${group(parameterLimit)} are allowed: make the network smaller (buffers and frozen weights in ${weightsKey} count here)`;
    faults.push({ check: 'too-many-parameters', message });
  }
  const networks = findSeveralNetworks(weights);
  if (networks.length > 0) {
    const listed = networks.slice(0, 5).map((prefix) => JSON.stringify(prefix.slice(0, 40)));
    const message = `holds ${networks.length} networks of equal structure, under ${listed.join(', ')}; only one network is allowed, no ensemble: save the one that run.py uses`;
    faults.push({ check: 'several-networks', message });
  }
  return faults;
}

function otherValuesNote(where: string, names: readonly string[]): string {
  const listed = names.slice(0, 3).map((name) => JSON.stringify(name.slice(0, 80)));
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return `${where}: ${listed.join(', ')}${more} in ${weightsKey} is no tensor that can be read here, and is not counted`;
}

function group(value: number): string {
  return value.toLocaleString('en-US');
}
