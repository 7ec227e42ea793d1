import { parseConfig } from '../src/config/parse-config.ts';
import { defaultPreprocessing } from '../src/image/preprocessing.ts';
import { inferenceGraph } from '../src/models/model.ts';
import { createModel } from '../src/models/registry.ts';
import { networkParts } from '../src/report/facts/network-parts.ts';
import type { ReportFacts } from '../src/report/facts/report-facts.ts';

const metrics = [
  { step: 10, epoch: 1, seconds: 5, loss: 2, learningRate: 1e-3, valF: 0.5 },
  { step: 100, epoch: 10, seconds: 50, loss: 1, learningRate: 1e-4, valF: 0.7 },
];

/** A semicolon after an expression in Typst markup, which is not printed: `#raw("x"); text`. */
export const endedBySemicolon = /#[a-z][\w.]*(?:\((?:[^()"]|"(?:[^"\\]|\\.)*")*\)|\[[^\]]*\])+\s*;/;

/** What a report is made of, for a run of 10 epochs that was not scored. */
export function reportFacts(
  overrides: readonly string[],
  head: Partial<ReportFacts> = {},
): Omit<ReportFacts, 'figures'> {
  const config = parseConfig('', '', ['train.epochs=10', ...overrides]);
  const graph = inferenceGraph(createModel(config.model.name, { classes: 19 }), { batch: 1, height: 64, width: 64 });
  const environment = { faceparse: '0', cpu: 'a #cpu', engine: { name: 'native', device: 'cpu', threads: 2 } };
  return {
    title: 'A title',
    run: { folder: 'runs/x', name: 'x', config, environment, metrics },
    network: {
      file: 'x.safetensors',
      weightsAre: 'best',
      model: config.model.name,
      preprocessing: { ...defaultPreprocessing, size: 64 },
      network: networkParts(graph),
      logitsSide: 32,
      coordinates: config.model.name !== 'mobile-unet',
      batchNormalization: true,
    },
    parameters: 1000,
    hasOwnData: false,
    ...head,
  };
}
