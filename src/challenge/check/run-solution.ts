import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { PhotoFile } from '../../data/dataset/find-photos.ts';
import type { LabelMap } from '../../image/image.ts';
import { challengeRules } from '../rules.ts';
import { type Fault, groupFaults } from './fault.ts';
import { inspectMask, maxMaskBytes } from './masks.ts';
import { type ProcessResult, requireProgram, runProcess } from './run-process.ts';

/** One file to unpack: its path in the submission (`solution/run.py`), checked by the zip reader, and its bytes. */
export interface SolutionFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The code to run and the images to run it on. */
export interface SolutionRun {
  readonly files: AsyncIterable<SolutionFile>;
  readonly images: readonly PhotoFile[];
  /** The mask of an image in the submission; undefined if it is missing or unreadable. */
  readonly maskOf: (image: PhotoFile) => Promise<LabelMap | undefined>;
  /** Python executable; default `python3`. If the default is not installed, nothing is run. */
  readonly python?: string;
  /** Modules that must be installed to run it; default `torch`, `PIL` and `numpy`. */
  readonly modules?: readonly string[];
  /** Time limit per image; default 300. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

const { script, solution } = challengeRules.zip;
const checkpointName = basename(challengeRules.zip.checkpoint);
/** Share of a mask's pixels that the run must reproduce; machines round slightly differently. */
const agreementShare = 0.999;

/** The result of running the script. */
export interface SolutionResult {
  readonly faults: readonly Fault[];
  readonly notes: readonly string[];
  /** Number of images for which the script exited with code 0 and wrote a file. */
  readonly ran: number;
}

interface Session {
  readonly python: string;
  readonly seconds: number;
  readonly folder: string;
  readonly temporary: string;
  readonly output: string;
  readonly signal?: AbortSignal;
}

/**
 * Unpacks a solution to a temporary folder and runs it on some images as the challenge does: `python3 run.py --input IMG
 * --output PNG --weights ckpt.pth`. It stops at the first crash or time-out. This executes the code of the submission.
 *
 * The folder is always removed. Missing Python or modules are a note, not a fault.
 *
 * @throws FaceparseError (exit code 2) if the given Python cannot be started
 */
export async function runSolution(run: SolutionRun): Promise<SolutionResult> {
  if (run.python !== undefined) await requireProgram(run.python, run.signal);
  const temporary = await mkdtemp(join(tmpdir(), 'faceparse-submission-'));
  try {
    const { python = 'python3', seconds = 300, signal } = run;
    const folder = join(temporary, solution);
    const output = join(temporary, 'output');
    await mkdir(folder);
    await mkdir(output);
    const session = { python, seconds, folder, temporary, output, signal };
    const obstacle = await probe(session, run.modules ?? ['torch', 'PIL', 'numpy']);
    if (obstacle) return { faults: [], notes: [`not run: ${obstacle}`], ran: 0 };
    const unpacking = await unpack(run.files, temporary);
    if (unpacking) return { faults: [unpacking], notes: [], ran: 0 };
    return await runOnImages(session, run);
  } finally {
    await rm(temporary, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Why the script cannot be run here; undefined if it can. */
async function probe(session: Session, modules: readonly string[]): Promise<string | undefined> {
  const { python, temporary, seconds, signal } = session;
  const imports = modules.map((name) => `import ${name}`).join('\n');
  const result = await runProcess(python, ['-c', imports], { folder: temporary, temporary, seconds, signal });
  if (result.ending === 'missing') return `${python} was not found; install Python, or pass --python`;
  if (result.ending === 'timed-out') return `${python} did not import ${modules.join(', ')} within ${seconds} s`;
  if (result.code === 0) return undefined;
  return `${python} cannot import ${modules.join(', ')} (${result.errorTail.split('\n').at(-1)}); install them, or pass another --python`;
}

async function unpack(files: AsyncIterable<SolutionFile>, temporary: string): Promise<Fault | undefined> {
  for await (const { path, bytes } of files) {
    try {
      const target = join(temporary, path);
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, bytes, { flag: 'wx' });
    } catch (error) {
      const message = `cannot be unpacked (${(error as Error).message.split(',', 1)[0]}); rename it`;
      return { check: 'solution-unpack', where: path, message };
    }
  }
  return undefined;
}

async function runOnImages(session: Session, { images, maskOf }: SolutionRun): Promise<SolutionResult> {
  const faults: Fault[] = [];
  let ran = 0;
  for (const image of images) {
    const target = join(session.output, `${image.stem}.png`);
    const args = ['--input', resolve(image.path), '--output', target, '--weights', checkpointName];
    const result = await runProcess(session.python, [basename(script), ...args], session);
    const failure = failureOf(result, session.seconds);
    const { found, written } = failure ? { found: [failure], written: false } : await checkOutput(target);
    const where = `${script} on ${basename(image.path)}`;
    faults.push(...found.map((one) => ({ ...one, where })));
    if (failure) break;
    if (!written) continue;
    ran++;
    const disagreement = await compare(target, await maskOf(image));
    if (disagreement) faults.push({ ...disagreement, where });
  }
  return { faults: groupFaults(faults), notes: [], ran };
}

function failureOf(result: ProcessResult, seconds: number): Omit<Fault, 'where'> | undefined {
  if (result.ending === 'timed-out') {
    return { check: 'solution-timeout', message: `did not finish within ${seconds} s; make it faster` };
  }
  if (result.code === 0) return undefined;
  const how = result.killedBy ? `was killed by ${result.killedBy}` : `exited with code ${result.code}`;
  const said = result.errorTail ? `; its output:\n${result.errorTail}` : ', without a message';
  return { check: 'solution-failed', message: `${how}${said}` };
}

async function checkOutput(target: string): Promise<{ found: Omit<Fault, 'where'>[]; written: boolean }> {
  const info = await lstat(target).catch(() => undefined);
  const fault = (check: string, message: string) => ({ found: [{ check, message }], written: false });
  if (!info?.isFile()) return fault('solution-output', 'exited with code 0 but wrote no file to --output');
  if (info.size > maxMaskBytes) return fault('solution-output', `wrote ${info.size} bytes, too many for a mask`);
  const { faults } = inspectMask(await readFile(target));
  const found = faults.map(({ message }) => ({ check: 'solution-output', message: `its mask ${message}` }));
  return { found, written: true };
}

/** Compares the mask of a run with the one in the zip; wrong sizes are reported elsewhere. */
async function compare(target: string, mask: LabelMap | undefined): Promise<Omit<Fault, 'where'> | undefined> {
  const made = inspectMask(await readFile(target)).mask;
  if (!made || !mask || made.width !== mask.width || made.height !== mask.height) return undefined;
  const equal = made.data.reduce((sum, id, pixel) => sum + (id === mask.data[pixel] ? 1 : 0), 0);
  const share = equal / made.data.length;
  if (share >= agreementShare) return undefined;
  const percent = (Math.floor(share * 1000) / 10).toFixed(1);
  const message = `predicts a different mask from the one in the zip (${percent} % of the pixels agree; at least ${100 * agreementShare} % must); create the masks with this script and these weights`;
  return { check: 'solution-disagrees', message };
}
