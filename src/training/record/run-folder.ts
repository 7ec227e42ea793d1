import { open, readFile, stat, truncate } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { writeError, writeFileAtomic } from '../../files/atomic-write.ts';
import { exists } from '../../files/path-kind.ts';
import { requireWritable } from '../../files/require-writable.ts';
import { encodeFileVersionEvent, encodeScalarEvent } from '../../formats/tensorboard-events.ts';
import { type LossName, losses } from '../../losses/registry.ts';
import { FaceparseError } from '../../text/errors.ts';

/** The files of a run. */
export interface RunFolder {
  readonly path: string;
  readonly name: string;
  readonly config: string;
  readonly environment: string;
  readonly metrics: string;
  readonly events: string;
  readonly checkpoint: string;
  readonly bestWeights: string;
  readonly lastWeights: string;
  readonly curves: string;
  readonly batchImage: string;
  readonly validationImage: string;
}

/** The paths of a run's files. */
export function runFolder(path: string): RunFolder {
  return {
    path,
    // The path may be `.`.
    name: basename(resolve(path)),
    config: join(path, 'config.yaml'),
    environment: join(path, 'environment.json'),
    metrics: join(path, 'metrics.csv'),
    events: join(path, 'events.out.tfevents.faceparse'),
    checkpoint: join(path, 'checkpoint.safetensors'),
    bestWeights: join(path, 'weights', 'best.safetensors'),
    lastWeights: join(path, 'weights', 'last.safetensors'),
    curves: join(path, 'curves.svg'),
    batchImage: join(path, 'batch.png'),
    validationImage: join(path, 'validation.png'),
  };
}

/** Checks that the folder of a new run is free. @throws FaceparseError if it exists, or cannot be created */
export async function requireNewRun(path: string): Promise<void> {
  if (!(await exists(path))) return requireWritable(path, { createsFolders: true });
  const remedy = (await exists(runFolder(path).config)) ? `Resume it with --resume ${path}, or choose` : 'Choose';
  throw new FaceparseError(`the run folder ${path} already exists. ${remedy} another name with --name.`, {
    exitCode: 2,
  });
}

/** One line of metrics.csv; missing fields are empty. */
export interface MetricsLine extends Readonly<Partial<Record<LossName, number>>> {
  readonly step: number;
  readonly epoch: number;
  /** Training time in seconds, without loading. */
  readonly seconds: number;
  readonly loss?: number;
  /** Sum of the losses at the auxiliary heads, before it is weighted by `loss.auxiliary`. */
  readonly auxiliary?: number;
  readonly gradientNorm?: number;
  readonly learningRate?: number;
  readonly imagesPerSecond?: number;
  /** F (per image) on the validation images. */
  readonly valF?: number;
  /** Mean pooled F1 (Dice) of the classes, with and without background. */
  readonly valMacroF1?: number;
  readonly valMacroF1NoBackground?: number;
  /** Mean pooled IoU of the classes. */
  readonly valMacroIou?: number;
  readonly valPixelAccuracy?: number;
  /** Loss on the validation images, without auxiliary heads. */
  readonly valLoss?: number;
  /** F (per image) on a fixed subset of the training images, without augmentation. */
  readonly trainF?: number;
  /** With early stopping: validations since the watched score last improved. */
  readonly staleValidations?: number;
}

/** The columns of every metrics.csv, in their original order. */
const firstColumns: readonly (keyof MetricsLine)[] = [
  'step',
  'epoch',
  'seconds',
  'loss',
  'crossEntropy',
  'dice',
  'lovasz',
  'gradientNorm',
  'learningRate',
  'imagesPerSecond',
  'valF',
  'valMacroIou',
  'valPixelAccuracy',
];

/** The columns of a metrics.csv: the common columns, then later additions that the run has. */
function columnsOf(lines: readonly MetricsLine[]): (keyof MetricsLine)[] {
  const laterLosses = losses.map(({ name }) => name).filter((name) => !firstColumns.includes(name));
  const later: readonly (keyof MetricsLine)[] = [
    'valLoss',
    'trainF',
    'staleValidations',
    ...laterLosses,
    'auxiliary',
    'valMacroF1',
    'valMacroF1NoBackground',
  ];
  return [...firstColumns, ...later.filter((name) => lines.some((line) => line[name] !== undefined))];
}

/** The part of a checkpoint about the run's metrics. */
export interface SavedMetrics {
  /** The text of metrics.csv. */
  readonly metrics: string;
  /** Length of the events file in bytes. */
  readonly eventBytes: number;
}

/** Keeps metrics.csv and the TensorBoard events of a run. */
export class MetricsLog {
  readonly lines: MetricsLine[];
  private pending: Uint8Array[] = [];

  private constructor(
    private readonly run: RunFolder,
    lines: readonly MetricsLine[],
    /** Length of the events file. */
    private eventBytes: number,
  ) {
    this.lines = [...lines];
    if (eventBytes === 0) this.pending.push(encodeFileVersionEvent(Date.now() / 1000));
  }

  static create(run: RunFolder): MetricsLog {
    return new MetricsLog(run, [], 0);
  }

  /**
   * The log of a resumed run: it keeps the lines and events in the checkpoint. Those that were written after
   * it are dropped, because their steps are repeated.
   */
  static async reopen(run: RunFolder, { metrics, eventBytes }: SavedMetrics): Promise<MetricsLog> {
    const size = (await exists(run.events)) ? (await stat(run.events)).size : 0;
    // A kill may have truncated the last record, which would hide all later ones.
    if (size > eventBytes) {
      await truncate(run.events, eventBytes).catch((cause) => {
        throw writeError(run.events, cause);
      });
    }
    return new MetricsLog(run, parseMetrics(metrics), Math.min(size, eventBytes));
  }

  add(line: MetricsLine): void {
    this.lines.push(line);
    const wallTime = Date.now() / 1000;
    for (const tag of columnsOf([line]).slice(3)) {
      const value = line[tag];
      if (value !== undefined) this.pending.push(encodeScalarEvent({ step: line.step, wallTime, tag, value }));
    }
  }

  /** Appends the new events to their file. @returns the part of a checkpoint about metrics */
  async saveEvents(): Promise<SavedMetrics> {
    if (this.pending.length > 0) {
      try {
        this.eventBytes = await appendSynced(this.run.events, Buffer.concat(this.pending));
      } catch (cause) {
        throw writeError(this.run.events, cause);
      }
      this.pending = [];
    }
    return { metrics: formatMetrics(this.lines), eventBytes: this.eventBytes };
  }

  /** Updates both files. */
  async save(): Promise<void> {
    const { metrics } = await this.saveEvents();
    await writeFileAtomic(this.run.metrics, metrics);
  }
}

/** Appends to a file. @returns its new length in bytes */
async function appendSynced(path: string, bytes: Uint8Array): Promise<number> {
  const file = await open(path, 'a');
  try {
    await file.writeFile(bytes);
    await file.sync();
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

function formatNumber(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toPrecision(7)));
}

/** The text of a metrics.csv. */
export function formatMetrics(lines: readonly MetricsLine[]): string {
  const columns = columnsOf(lines);
  const rows = lines.map((line) => columns.map((column) => formatNumber(line[column])).join(','));
  return `${columns.join(',')}\n${rows.map((row) => `${row}\n`).join('')}`;
}

/** The lines of the text of a metrics.csv. */
export function parseMetrics(text: string): MetricsLine[] {
  const [header, ...rows] = text.trim().split('\n');
  const names = header.split(',');
  return rows.map((row) => {
    const line: Record<string, number> = {};
    row.split(',').forEach((value, index) => {
      if (value !== '') line[names[index]] = Number(value);
    });
    return line as unknown as MetricsLine;
  });
}

/** The lines of a metrics.csv. */
export async function readMetrics(path: string): Promise<MetricsLine[]> {
  return parseMetrics(await readFile(path, 'utf8'));
}
