import { appendFile, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeError, writeFileAtomic } from '../files/atomic-write.ts';
import { exists } from '../files/path-kind.ts';
import { encodeFileVersionEvent, encodeScalarEvent } from '../formats/tensorboard-events.ts';
import { FaceparseError } from '../text/errors.ts';

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

/** Where the files of a run are. */
export function runFolder(path: string): RunFolder {
  return {
    path,
    name: basename(path),
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

/** Checks that a new run may have this folder. @throws FaceparseError where there is one already */
export async function requireNewRun(path: string): Promise<void> {
  if (!(await exists(path))) return;
  const remedy = (await exists(runFolder(path).checkpoint)) ? `Continue it with --resume ${path}, or choose` : 'Choose';
  throw new FaceparseError(`the run folder ${path} exists already. ${remedy} another name with --name.`, {
    exitCode: 2,
  });
}

/** One line of metrics.csv; a field that a line does not have stays empty. */
export interface MetricsLine {
  readonly step: number;
  readonly epoch: number;
  /** Of training, without the time that loading took. */
  readonly seconds: number;
  readonly loss?: number;
  readonly crossEntropy?: number;
  readonly dice?: number;
  readonly lovasz?: number;
  readonly gradientNorm?: number;
  readonly learningRate?: number;
  readonly imagesPerSecond?: number;
  /** F (per image) on the validation images. */
  readonly valF?: number;
  readonly valMacroIou?: number;
  readonly valPixelAccuracy?: number;
}

const columns = [
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
] as const satisfies readonly (keyof MetricsLine)[];

/** Keeps metrics.csv and the TensorBoard events of a run. */
export class MetricsLog {
  readonly lines: MetricsLine[] = [];
  private pending: Uint8Array[] = [];

  private constructor(
    private readonly run: RunFolder,
    lines: readonly MetricsLine[],
  ) {
    this.lines.push(...lines);
  }

  static create(run: RunFolder): MetricsLog {
    const log = new MetricsLog(run, []);
    log.pending.push(encodeFileVersionEvent(Date.now() / 1000));
    return log;
  }

  /** The log of a run that is continued: lines after its checkpoint are dropped, since their steps are done again. */
  static async reopen(run: RunFolder, lastStep: number): Promise<MetricsLog> {
    // A crash between the first checkpoint and the first metrics leaves a run without them.
    const lines = (await exists(run.metrics)) ? await readMetrics(run.metrics) : [];
    return new MetricsLog(
      run,
      lines.filter((line) => line.step <= lastStep),
    );
  }

  add(line: MetricsLine): void {
    this.lines.push(line);
    const wallTime = Date.now() / 1000;
    for (const tag of columns.slice(3)) {
      const value = line[tag];
      if (value !== undefined) this.pending.push(encodeScalarEvent({ step: line.step, wallTime, tag, value }));
    }
  }

  /** Brings both files up to date. */
  async flush(): Promise<void> {
    const rows = this.lines.map((line) => columns.map((column) => formatNumber(line[column])).join(','));
    await writeFileAtomic(this.run.metrics, `${columns.join(',')}\n${rows.map((row) => `${row}\n`).join('')}`);
    if (this.pending.length === 0) return;
    await appendFile(this.run.events, Buffer.concat(this.pending)).catch((cause) => {
      throw writeError(this.run.events, cause);
    });
    this.pending = [];
  }
}

function formatNumber(value: number | undefined): string {
  return value === undefined ? '' : String(Number(value.toPrecision(7)));
}

/** The lines of a metrics.csv. */
export async function readMetrics(path: string): Promise<MetricsLine[]> {
  const [header, ...rows] = (await readFile(path, 'utf8')).trim().split('\n');
  const names = header.split(',');
  return rows.map((row) => {
    const line: Record<string, number> = {};
    row.split(',').forEach((value, index) => {
      if (value !== '') line[names[index]] = Number(value);
    });
    return line as unknown as MetricsLine;
  });
}
