import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { makeFolder } from '../../files/make-folder.ts';
import { FaceparseError } from '../../text/errors.ts';
import { runFolder } from '../../training/record/run-folder.ts';
import type { MeasuredCost } from '../comparison.ts';
import type { RunResult } from '../runs/run-result.ts';

/** Training steps that are timed, after a warm-up. */
const steps = 5;
/** A network that takes longer than this is not worth waiting for. */
const mostMilliseconds = 15 * 60_000;

const benchSchema = z.object({
  stepMilliseconds: z.number().positive().optional(),
  inferenceMilliseconds: z.number().positive().optional(),
  peakMebibytes: z.number().positive(),
});

const storedSchema = z.object({
  key: z.string(),
  measured: z.object({
    stepMilliseconds: z.number().positive(),
    inferenceMilliseconds: z.number().positive(),
    trainingMebibytes: z.number().positive(),
    inferenceMebibytes: z.number().positive(),
  }),
});

export interface CostMeasurement {
  /** The program of the command line, whose `bench` measures. */
  readonly program: string;
  /** File that keeps the measurement. */
  readonly file: string;
  /** Further arguments of `bench`, such as `--engine onnx`. */
  readonly engine: readonly string[];
  readonly signal?: AbortSignal;
}

/**
 * Measures a run's network in processes of its own: a training step of its batches and its memory, and the parsing of one image
 * and its memory. The measurement is kept for the same network on the same processor.
 *
 * @throws FaceparseError with the error of the process if it fails
 */
export async function measureCost({ run, folder }: RunResult, options: CostMeasurement): Promise<MeasuredCost> {
  const { program, file, engine, signal } = options;
  const { model, loss, train, data } = run.config;
  const facts = JSON.stringify([1, model, loss, train, data.labels, engine, cpus()[0]?.model]);
  const key = createHash('sha256').update(facts).digest('hex');
  const stored = await readStored(file, key);
  if (stored) return stored;
  const bench = async (...options: string[]) => {
    const args = [program, 'bench', runFolder(folder).config, ...options, ...engine, '--json'];
    return benchSchema.parse(JSON.parse(await runProgram(args, run.name, signal)));
  };
  const training = await bench('--steps', String(steps), '--inference-size', '0');
  const inference = await bench('--steps', '0', '--inference-size', String(train.size));
  const measured = {
    stepMilliseconds: training.stepMilliseconds!,
    inferenceMilliseconds: inference.inferenceMilliseconds!,
    trainingMebibytes: training.peakMebibytes,
    inferenceMebibytes: inference.peakMebibytes,
  };
  await makeFolder(dirname(file));
  await writeFileAtomic(file, `${JSON.stringify({ key, measured })}\n`);
  return measured;
}

async function readStored(file: string, key: string): Promise<MeasuredCost | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  try {
    const stored = storedSchema.safeParse(JSON.parse(text));
    return stored.success && stored.data.key === key ? stored.data.measured : undefined;
  } catch {
    return undefined;
  }
}

function runProgram(args: readonly string[], name: string, signal: AbortSignal | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { maxBuffer: 2 ** 20, timeout: mostMilliseconds, ...(signal && { signal }) };
    execFile(process.execPath, [...process.execArgv, ...args], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      if (signal?.aborted) return reject(signal.reason);
      const reason = stderr.trim().split('\n').at(-1) ?? error.message;
      reject(new FaceparseError(`cannot measure ${name}: ${reason}`, { cause: error }));
    });
  });
}
