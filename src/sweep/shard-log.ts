import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { claimFolder } from '../files/claim-folder.ts';
import { makeFolder } from '../files/make-folder.ts';
import { exists } from '../files/path-kind.ts';
import { listProcessFiles } from '../files/process-files.ts';
import { processState } from '../files/process-mark.ts';
import { FaceparseError } from '../text/errors.ts';
import type { Shard } from './shard.ts';
import { sweepFiles } from './sweep-folder.ts';

const logSchema = z.object({
  /** Seconds that the shard has worked, over all its parts. */
  seconds: z.number().min(0),
  jobs: z.array(z.object({ trial: z.number().int(), rung: z.number().int(), seconds: z.number() })),
});

/** When a trial reached a rung: seconds of the work of its shard. */
export interface LoggedJob {
  readonly trial: number;
  readonly rung: number;
  readonly seconds: number;
}

function shardFolder(out: string, { index, count }: Shard): string {
  return join(sweepFiles(out).shards, `${index}-of-${count}`);
}

async function readLog(folder: string): Promise<z.output<typeof logSchema>> {
  const path = join(folder, 'log.json');
  if (!(await exists(path))) return { seconds: 0, jobs: [] };
  try {
    return logSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new FaceparseError(`${path} is damaged; remove it. Only the times of the sweep are lost.`, { cause });
  }
}

/** When trials reached their rungs, over all shards. */
export async function readLoggedJobs(out: string): Promise<LoggedJob[]> {
  const { shards } = sweepFiles(out);
  const names = (await readdir(shards).catch(() => [])).filter((name) => /^\d+-of-\d+$/.test(name)).sort();
  const logs = await Promise.all(names.map((name) => readLog(join(shards, name))));
  return logs.flatMap(({ jobs }) => jobs);
}

/** Checks that no process works on the sweep as one of another number of shards, whose trials would be the same. */
async function requireSameCount(out: string, { count }: Shard): Promise<void> {
  const { shards } = sweepFiles(out);
  for (const name of await readdir(shards).catch(() => [])) {
    const other = /^\d+-of-(\d+)$/.exec(name);
    if (!other || Number(other[1]) === count) continue;
    const claims = await listProcessFiles(join(shards, name));
    if (!claims.some(({ kind, mark }) => kind === 'claim' && processState(mark) === 'alive')) continue;
    throw new FaceparseError(
      `shard ${name.replace('-of-', '/')} of ${out} is running, and all shards must have the same number; use --shard i/${other[1]}, or stop it first`,
      { exitCode: 2 },
    );
  }
}

/** The record of a shard's work, which only one process at a time has. */
export class ShardLog {
  private constructor(
    private readonly path: string,
    private readonly before: number,
    private readonly jobs: LoggedJob[],
    private readonly giveBack: () => Promise<void>,
    private readonly started = performance.now(),
  ) {}

  /** @throws FaceparseError if another process works on the shard */
  static async open(out: string, shard: Shard): Promise<ShardLog> {
    await requireSameCount(out, shard);
    const folder = shardFolder(out, shard);
    await makeFolder(folder);
    const release = await claimFolder(folder, 'is being worked on');
    try {
      const { seconds, jobs } = await readLog(folder);
      return new ShardLog(join(folder, 'log.json'), seconds, jobs, release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** Seconds that the shard has worked, over all its parts. */
  get seconds(): number {
    return this.before + (performance.now() - this.started) / 1000;
  }

  /** Records a finished job. A job of an earlier part that was killed before this is recorded now. */
  add(trial: number, rung: number): void {
    if (this.jobs.some((job) => job.trial === trial && job.rung === rung)) return;
    this.jobs.push({ trial, rung, seconds: this.seconds });
  }

  async save(): Promise<void> {
    await writeFileAtomic(this.path, `${JSON.stringify({ seconds: this.seconds, jobs: this.jobs })}\n`);
  }

  async close(): Promise<void> {
    await this.save().finally(this.giveBack);
  }
}
