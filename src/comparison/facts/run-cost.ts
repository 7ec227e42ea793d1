import { gigaMultiplyAccumulates } from '../../graph/cost.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { inferenceGraph } from '../../models/model.ts';
import { configuredModel } from '../../training/plan.ts';
import type { RunCost } from '../comparison.ts';
import type { RunResult } from '../runs/run-result.ts';

/** Size and cost of a run's network; `parameters` are those of its environment.json. */
export function runCost({ run, steps, epochs, seconds }: RunResult, parameters: number): RunCost {
  const { data, train } = run.config;
  const model = configuredModel(run.config, getLabelSet(data.labels));
  const { size } = train;
  return {
    model: model.name,
    ...(model.settings.encoder !== undefined && { encoder: model.settings.encoder }),
    size,
    parameters,
    gigaMultiplyAccumulates: gigaMultiplyAccumulates(inferenceGraph(model, { batch: 1, height: size, width: size })),
    epochs,
    steps,
    secondsPerEpoch: epochs > 0 ? seconds / epochs : 0,
  };
}
