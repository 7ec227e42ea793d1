import { pytorchCheckpoint } from '../export/pytorch/pytorch.ts';
import { getLabelSet } from '../labels/registry.ts';
import { modelOf } from '../models/weights-graph.ts';
import type { Entry } from './entry.ts';
import { requirements, runScript } from './run-script.ts';

/** The files that the organisers run, by name: run.py with the network in PyTorch, the checkpoint and requirements.txt. */
export function solutionFiles({
  weights,
  file,
  averaging,
}: Pick<Entry, 'weights' | 'file' | 'averaging'>): Map<string, Uint8Array | string> {
  const labelSet = getLabelSet(weights.labels);
  const model = modelOf(weights);
  const { preprocessing } = weights;
  const script = runScript(model, { preprocessing, labelSet, ...(averaging && { averaging }) });
  return new Map<string, Uint8Array | string>([
    ['run.py', script],
    ['ckpt.pth', pytorchCheckpoint(weights, file)],
    ['requirements.txt', requirements],
  ]);
}
