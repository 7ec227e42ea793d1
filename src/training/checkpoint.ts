import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '../formats/safetensors.ts';
import { type StateOwner, sizeOf } from '../graph/graph.ts';
import { averageState } from '../optim/moving-average.ts';
import { FaceparseError } from '../text/errors.ts';
import { watchStateSchema } from './score-watch.ts';
import { sumsPrefix } from './step/step-sums.ts';

const count = z.number().int().min(0);

/** The source of a run's other files, so that each can be restored to the checkpoint. */
const recordSchema = z.object({
  /** Step of the best weights, -1 before the first validation. */
  bestStep: z.number().int().min(-1),
  /** Index of the resolution at which the states were last trained. */
  resolution: count,
  /** As in `RunProgress`; absent in checkpoints of earlier versions, whose runs kept their batch size. */
  offset: z.number().int().optional(),
  stepsPerEpoch: z.number().int().positive().optional(),
  /** The text of metrics.csv. */
  metrics: z.string(),
  /** Length of the events file in bytes. */
  eventBytes: count,
  /** Absent if the run watches no score. */
  watch: watchStateSchema.optional(),
  /** Sums of the steps since the last line of metrics. */
  window: z.object({ count, read: count, images: count, seconds: z.number(), sums: z.record(z.string(), z.number()) }),
});

/** See `recordSchema`. */
export type RunRecord = Readonly<z.output<typeof recordSchema>>;

/** The state of a run: all that a resumed run needs besides its configuration. */
export interface Checkpoint {
  /** Completed steps. */
  readonly step: number;
  /** Seconds of training so far. */
  readonly seconds: number;
  readonly bestF: number;
  /** Checkpoints of version 1 have none. */
  readonly record?: RunRecord;
  /** Every state of the training program: weights, running statistics, moments, moving average. */
  readonly states: ReadonlyMap<string, Float32Array>;
  /** Set if the file lacked a sum of the steps since the last line of metrics, so that all of them start at 0. */
  readonly lacksSums?: true;
}

const format = 'faceparse-checkpoint';

/** Writes a checkpoint atomically: the previous one survives a full disk or a crash. */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint, owner: StateOwner): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, data] of checkpoint.states) {
    tensors.set(name, { dtype: 'F32', shape: [...owner.states.get(name)!.shape], data });
  }
  const { step, seconds, bestF, record } = checkpoint;
  await writeFileAtomic(
    path,
    encodeSafetensors(tensors, {
      format,
      version: record ? '2' : '1',
      step: String(step),
      seconds: String(seconds),
      bestF: String(bestF),
      ...(record && { record: JSON.stringify(record) }),
    }),
  );
}

/** Refuses states with NaN or infinity, so that they do not replace good ones. */
export function requireFinite(states: ReadonlyMap<string, Float32Array>, step: number): void {
  for (const [name, data] of states) {
    // x · 0 is 0 for finite numbers only; one pass without calls, because there are millions.
    let sum = 0;
    for (let i = 0; i < data.length; i++) sum += data[i] * 0;
    if (sum === 0) continue;
    throw new FaceparseError(
      `after step ${step} '${name}' is no longer finite. Lower train.lr or raise train.warmup; the last checkpoint is kept.`,
    );
  }
}

/**
 * Reads a checkpoint. The moving average is absent from its states if the run kept none so far.
 *
 * @throws FaceparseError if it is damaged or belongs to another configuration
 */
export async function loadCheckpoint(path: string, { states: wanted }: StateOwner): Promise<Checkpoint> {
  const bytes = await readFile(path).catch((cause) => {
    throw new FaceparseError(`no checkpoint to resume from at ${path}`, { exitCode: 2, cause });
  });
  let decoded: ReturnType<typeof decodeSafetensors>;
  let record: RunRecord | undefined;
  try {
    decoded = decodeSafetensors(bytes);
    const text = decoded.metadata.record;
    if (text !== undefined) record = recordSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new FaceparseError(`the checkpoint ${path} is damaged: ${(error as Error).message}`, { cause: error });
  }
  const { metadata, tensors } = decoded;
  if (metadata.format !== format) throw new FaceparseError(`${path} is not a faceparse checkpoint.`);
  const states = new Map<string, Float32Array>();
  let lacksSums = false;
  for (const [name, state] of wanted) {
    const tensor = tensors.get(name);
    // Earlier versions read every step, and had no sums. With other losses there are other sums.
    if (tensor?.data.length !== sizeOf(state.shape) && name.startsWith(sumsPrefix)) {
      lacksSums = true;
      continue;
    }
    // A resume may turn the average on.
    if (!tensor && name === averageState) continue;
    if (!(tensor?.data instanceof Float32Array) || tensor.data.length !== sizeOf(state.shape)) {
      throw new FaceparseError(
        `the checkpoint ${path} does not match this configuration: '${name}' is missing or has another size.`,
      );
    }
    states.set(name, tensor.data);
  }
  // All sums of a line of metrics start at the same step.
  if (lacksSums) {
    for (const [name, { shape }] of wanted)
      if (name.startsWith(sumsPrefix)) states.set(name, new Float32Array(sizeOf(shape)));
  }
  const [step, seconds, bestF] = [metadata.step, metadata.seconds, metadata.bestF].map(Number);
  return { step, seconds, bestF, ...(record && { record }), ...(lacksSums && { lacksSums: true as const }), states };
}
