import { pytorchCheckpoint } from '../export/pytorch/pytorch.ts';
import { getLabelSet } from '../labels/registry.ts';
import { createModel } from '../models/registry.ts';
import type { Entry } from './entry.ts';
import { requirements, runScript } from './run-script.ts';

/** What the organisers run, by file name: the network as PyTorch code, its weights, and what it needs. */
export function solutionFiles({
  weights,
  file,
  averaging,
}: Pick<Entry, 'weights' | 'file' | 'averaging'>): Map<string, Uint8Array | string> {
  const labelSet = getLabelSet(weights.labels);
  const model = createModel(weights.model, { classes: labelSet.classes.length });
  const { preprocessing } = weights;
  const script = runScript(model, { preprocessing, labelSet, ...(averaging && { averaging }) });
  return new Map<string, Uint8Array | string>([
    ['run.py', script],
    ['ckpt.pth', pytorchCheckpoint(weights, file)],
    ['requirements.txt', requirements],
  ]);
}
