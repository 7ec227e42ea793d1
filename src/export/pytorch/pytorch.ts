import { join } from 'node:path';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { type CheckpointTensor, encodePyTorchCheckpoint } from '../../formats/pytorch/pytorch-checkpoint.ts';
import type { Graph } from '../../graph/graph.ts';
import { encodeDescription, type Weights } from '../../models/weights-file.ts';
import { modelOf, weightsGraph } from '../../models/weights-graph.ts';
import { pytorchModule } from './pytorch-module.ts';

/**
 * Writes weights as a PyTorch checkpoint: the `state_dict` of the module that `pytorchModule` writes, and the description of
 * the network as in a weights file, from which `faceparse import` builds it again.
 *
 * @param name name of the weights in errors
 * @throws FaceparseError if the weights do not fit their network
 */
export function pytorchCheckpoint(weights: Weights, name = 'the weights'): Uint8Array {
  return encodePyTorchCheckpoint({
    state_dict: stateDictionary(weights, weightsGraph(weights, name)),
    ...encodeDescription(withoutHistory(weights)),
    classes: modelOf(weights).classes,
    size: weights.preprocessing.size,
  });
}

/**
 * Writes `model.py` (requires only PyTorch) and `ckpt.pth` (read by `torch.load`, also with `weights_only=True`) into a
 * folder, which is created if it does not exist.
 *
 * @param name name of the weights in errors
 * @returns the paths of the two files
 * @throws FaceparseError if the weights do not fit their network or a file cannot be written
 * @example await exportPyTorch((await loadWeights('runs/compact')).weights, 'export')
 */
export async function exportPyTorch(weights: Weights, folder: string, name = 'the weights'): Promise<string[]> {
  const checkpoint = pytorchCheckpoint(weights, name);
  const module = pytorchModule(modelOf(weights), weights.preprocessing);
  await makeFolder(folder);
  const [modulePath, checkpointPath] = [join(folder, 'model.py'), join(folder, 'ckpt.pth')];
  await writeFileAtomic(modulePath, module);
  await writeFileAtomic(checkpointPath, checkpoint);
  return [modulePath, checkpointPath];
}

/** Origin and notes are about a run. A checkpoint may have been trained on since. */
function withoutHistory({ origin: _, notes: __, ...weights }: Weights): Weights {
  return weights;
}

/** The states in network order, with the counter that PyTorch's batch normalisation stores after its statistics. */
function stateDictionary(weights: Weights, graph: Graph): Map<string, CheckpointTensor> {
  const tensors = new Map<string, CheckpointTensor>();
  const states = [...graph.states];
  states.forEach(([key, { shape, node }], index) => {
    tensors.set(key, { dtype: 'float32', shape, data: weights.states.get(key)! });
    const { module } = node;
    const isLast = states[index + 1]?.[1].node.module !== module;
    if (module?.kind !== 'BatchNorm2d' || !isLast) return;
    tensors.set(`${module.path}.num_batches_tracked`, { dtype: 'int64', shape: [], data: BigInt64Array.of(0n) });
  });
  return tensors;
}
