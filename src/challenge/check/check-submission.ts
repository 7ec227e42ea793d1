import { stat } from 'node:fs/promises';
import { findTestPhotos, type PhotoFile } from '../../data/dataset/find-photos.ts';
import { leftAloneNotes } from '../../data/dataset/list-images.ts';
import { openZip, type ZipArchive } from '../../formats/zip-reader.ts';
import type { LabelMap } from '../../image/image.ts';
import { requirePackages } from '../../packages/optional-packages.ts';
import { FaceparseError } from '../../text/errors.ts';
import { formatBytes } from '../../text/format-bytes.ts';
import { checkCheckpoint } from './checkpoint.ts';
import { type Fault, groupFaults, nameFirst } from './fault.ts';
import { extraWeights, inspectLayout, type Layout, type PlacedFile } from './layout.ts';
import { inspectMask, maxMaskBytes, onlyClass } from './masks.ts';
import { packedFormat } from './packed-weights.ts';
import { runSolution, type SolutionFile, type SolutionResult } from './run-solution.ts';

export type { Fault } from './fault.ts';

/** What to check, and how. */
export interface SubmissionCheckOptions {
  /** Path of the zip. */
  readonly zip: string;
  /** Folder of the test images, or one that contains them in `images/`. */
  readonly test: string;
  /** Whether to run the code in the zip; default false, because this executes code from others. */
  readonly run?: boolean;
  /** Number of test images to run it on, evenly spaced; default 3. */
  readonly images?: number;
  /** Python executable; default `python3`. If the default is not installed, nothing is run. */
  readonly python?: string;
  /** Modules that must be installed to run it; default `torch`, `PIL` and `numpy`. */
  readonly modules?: readonly string[];
  /** Time limit per image; default 300. */
  readonly seconds?: number;
  readonly signal?: AbortSignal;
}

/** The result of a check; a submission without faults can be uploaded. */
export interface SubmissionCheck {
  readonly faults: readonly Fault[];
  /** Remarks that are not faults. */
  readonly notes: readonly string[];
  /** Test images that have a mask in the zip. */
  readonly masks: number;
  /** Trainable parameters, if the checkpoint can be read. */
  readonly parameters?: number;
  /** Images for which run.py wrote a mask, if it was run. */
  readonly ran?: number;
}

/** Size limits of a zip. */
export const submissionLimits = { fileBytes: 2 ** 29, entries: 20_000, entryBytes: 2 ** 29, totalBytes: 2 ** 30 };

/**
 * Checks a leaderboard zip as the organisers use it: layout, every mask, the checkpoint, the number of parameters and,
 * if `run` is true, that `run.py` reproduces the masks. The zip may be untrusted. All faults are reported.
 *
 * @throws FaceparseError (exit code 2) if the zip, the folder of test images or the given Python does not exist
 * @example
 * const { faults } = await checkSubmission({ zip: 'submission.zip', test: 'data/test', run: true });
 * for (const { where, message } of faults) console.log(`${where}: ${message}`);
 */
export async function checkSubmission(options: SubmissionCheckOptions): Promise<SubmissionCheck> {
  const { zip, test, images: wanted = 3 } = options;
  if (!Number.isInteger(wanted) || wanted < 1) {
    throw new FaceparseError(`${wanted} is not a valid number of images to run; pass a whole number of at least 1`, {
      exitCode: 2,
    });
  }
  requirePackages('checking a zip', ['yauzl']);
  await requireFile(zip);
  const { photos: images, leftAlone } = await findTestPhotos(test);
  let archive: ZipArchive;
  try {
    archive = await openZip(zip, submissionLimits);
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    return { faults: [{ check: 'zip-unreadable', where: zip, message: error.message }], notes: [], masks: 0 };
  }
  try {
    const result = await new SubmissionInspection(archive, images, options).inspect();
    return { ...result, notes: [...result.notes, ...leftAloneNotes(leftAlone)] };
  } finally {
    archive.close();
  }
}

async function requireFile(zip: string): Promise<void> {
  const info = await stat(zip).catch(() => undefined);
  if (info?.isFile()) return;
  const problem = info?.isDirectory()
    ? `${zip} is a folder, not a zip; to pack a run, use faceparse submit ${zip} --test FOLDER`
    : `the zip ${zip} does not exist; check the path`;
  throw new FaceparseError(problem, { exitCode: 2 });
}

/** One check of an opened zip. */
class SubmissionInspection {
  private readonly archive: ZipArchive;
  private readonly images: readonly PhotoFile[];
  private readonly options: SubmissionCheckOptions;
  private readonly layout: Layout;
  private readonly sizes: ReadonlyMap<string, number>;
  private readonly damaged: Fault[] = [];
  private readonly read = new Set<string>();

  constructor(archive: ZipArchive, images: readonly PhotoFile[], options: SubmissionCheckOptions) {
    this.archive = archive;
    this.images = images;
    this.options = options;
    this.sizes = new Map(archive.entries.map(({ name, size }) => [name, size]));
    this.layout = inspectLayout(
      [...this.sizes.keys()],
      images.map(({ stem }) => stem),
    );
  }

  async inspect(): Promise<SubmissionCheck> {
    const masks = await this.checkMasks();
    const checkpoint = await this.checkCheckpoint();
    const packed = await this.readTheRest();
    const run = this.options.run ? await this.runSolution() : undefined;
    return {
      faults: [
        ...this.damaged,
        ...this.layout.faults,
        ...packed,
        ...masks.faults,
        ...checkpoint.faults,
        ...(run?.faults ?? []),
      ],
      notes: [this.sizeNote(), ...masks.notes, ...checkpoint.notes, ...(run?.notes ?? [])],
      masks: this.layout.masks.size,
      ...(checkpoint.parameters !== undefined && { parameters: checkpoint.parameters }),
      ...(run && { ran: run.ran }),
    };
  }

  /** The bytes of an entry; undefined if it is damaged, which is reported once. */
  private async bytesOf(name: string): Promise<Uint8Array | undefined> {
    this.options.signal?.throwIfAborted();
    const known = this.read.has(name);
    this.read.add(name);
    try {
      return await this.archive.read(name);
    } catch (error) {
      if (!(error instanceof FaceparseError)) throw error;
      if (!known) this.damaged.push({ check: 'zip-damaged', where: name, message: error.message });
      return undefined;
    }
  }

  private async checkMasks(): Promise<{ faults: Fault[]; notes: string[] }> {
    const faults: Fault[] = [];
    const monotonous: string[] = [];
    for (const { name: where } of this.layout.masks.values()) {
      const size = this.sizes.get(where)!;
      if (size > maxMaskBytes) {
        const message = `is too large for a mask (more than ${maxMaskBytes} bytes), so it was not checked`;
        faults.push({ check: 'mask-unreadable', where, message });
        continue;
      }
      const bytes = await this.bytesOf(where);
      if (!bytes) continue;
      const { faults: found, mask } = inspectMask(bytes);
      faults.push(...found.map((fault) => ({ ...fault, where })));
      if (mask && onlyClass(mask) !== undefined) monotonous.push(where);
    }
    return { faults: groupFaults(faults), notes: monotonous.length > 0 ? [onlyClassNote(monotonous)] : [] };
  }

  private async checkCheckpoint(): Promise<{ faults: Fault[]; notes: string[]; parameters?: number }> {
    const { checkpoint } = this.layout;
    const bytes = checkpoint && (await this.bytesOf(checkpoint.name));
    return bytes ? checkCheckpoint(bytes, checkpoint.name) : { faults: [], notes: [] };
  }

  /** Reads the remaining entries, to verify checksums and to find renamed weights among the code. */
  private async readTheRest(): Promise<Fault[]> {
    const code = new Set(this.layout.code.map(({ name }) => name));
    const faults: Fault[] = [];
    for (const where of this.sizes.keys()) {
      const bytes = this.read.has(where) ? undefined : await this.bytesOf(where);
      const format = bytes && code.has(where) ? packedFormat(bytes) : undefined;
      if (format) faults.push({ check: 'extra-weights', where, message: `is ${format}; ${extraWeights}` });
    }
    return groupFaults(faults);
  }

  private async runSolution(): Promise<SolutionResult> {
    const obstacle = this.obstacle();
    if (obstacle) return { faults: [], notes: [`not run: ${obstacle}`], ran: 0 };
    const { images: count = 3, python, modules, seconds, signal } = this.options;
    return runSolution({
      files: this.solutionFiles(),
      images: spread(this.images, count),
      maskOf: (image) => this.maskOf(image),
      python,
      modules,
      seconds,
      signal,
    });
  }

  private obstacle(): string | undefined {
    if (!this.layout.runnable) return 'the script or the weights are misplaced';
    const damaged = new Set(this.damaged.map(({ where }) => where));
    const hit = this.layout.solution.find(({ name }) => damaged.has(name));
    return hit && `${hit.name} is damaged`;
  }

  private async *solutionFiles(): AsyncGenerator<SolutionFile> {
    for (const { name, path } of this.layout.solution) yield { path, bytes: (await this.bytesOf(name))! };
  }

  private async maskOf({ stem }: PhotoFile): Promise<LabelMap | undefined> {
    const file: PlacedFile | undefined = this.layout.masks.get(stem);
    if (!file || this.sizes.get(file.name)! > maxMaskBytes) return undefined;
    const bytes = await this.bytesOf(file.name);
    return bytes && inspectMask(bytes).mask;
  }

  private sizeNote(): string {
    const files = this.archive.entries.length;
    return `the zip contains ${files} ${files === 1 ? 'file' : 'files'} (${formatBytes(this.archive.fileBytes)})`;
  }
}

function onlyClassNote(masks: readonly string[]): string {
  return `${nameFirst(masks)}: all pixels have the same class; check that this is intended`;
}

/** Evenly spaced items: the middle of each of `count` equal parts. */
function spread<Item>(items: readonly Item[], count: number): Item[] {
  const taken = Math.min(count, items.length);
  return Array.from({ length: taken }, (_, index) => items[Math.floor(((index + 0.5) * items.length) / taken)]);
}
