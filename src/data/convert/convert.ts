import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { buildFolder } from '../../files/build-folder.ts';
import { isFolder } from '../../files/path-kind.ts';
import type { LabelMap } from '../../image/image.ts';
import { encodeLabelPng } from '../../image/label-png.ts';
import { ImageError, readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import type { ClassOrder } from '../../labels/class-orders.ts';
import { classOrderTable } from '../../labels/class-orders.ts';
import { ignoreLabel } from '../../labels/label-set.ts';
import { mirrorTable } from '../../labels/mirror.ts';
import { countOf } from '../../text/counts.ts';
import { FaceparseError } from '../../text/errors.ts';
import { firstFaults } from '../../text/first-faults.ts';
import { nameSome } from '../../text/name-some.ts';
import { contradictsFace, detectClassOrder, type IdMeasurements, measureIds } from '../dataset/class-order.ts';
import { listDatasetFiles } from '../dataset/dataset.ts';
import { detectSwap } from '../dataset/left-right.ts';
import type { LeftAlone } from '../dataset/list-images.ts';
import { type RunOptions, runConcurrently } from '../dataset/run-concurrently.ts';
import { convertIds, readColorMask } from './convert-mask.ts';
import type { IdTable, Palette } from './table-file.ts';

/** Options of `convertDataset`. At least one of `palette`, `order` and `table` is needed. */
export interface ConvertOptions extends RunOptions {
  /** A dataset folder, or a data folder with splits. */
  folder: string;
  /** A new or empty folder for the result, with the same splits. */
  out: string;
  /** The class order of the masks. */
  order?: ClassOrder;
  /** Their ids, for an order that is not known. */
  table?: IdTable;
  /** Their colours; `order` or `table` then applies to the ids of the palette. */
  palette?: Palette;
  /** Exchanges left and right eyes, brows and ears. */
  swapSides?: boolean;
  /** Writes the result even if `order` or `table` is evidently wrong. */
  force?: boolean;
}

/** Result of `convertDataset`. */
export interface ConvertResult {
  readonly pairs: number;
  /** Masks that were left out, with the file and the reason. */
  readonly failures: readonly { readonly file: string; readonly message: string }[];
  /** Number of photos without a mask, which are not copied. */
  readonly photosWithoutMask: number;
  /** Number of masks without a photo, which are not converted. */
  readonly masksWithoutPhoto: number;
  /** Other files in the folders of photos and masks. */
  readonly leftAlone: readonly LeftAlone[];
  /** Pixels of every class of celebamask-19 that occurs in the result, by name; 255 as `ignore`. */
  readonly pixels: Readonly<Record<string, number>>;
  /** Masks with left and right exchanged, of those in which this can be judged. */
  readonly sides: { readonly judged: number; readonly exchanged: number };
  /** Masks whose parts are not where those of a face are, of those in which this can be judged. */
  readonly implausible: { readonly judged: number; readonly count: number };
  /** The order that the masks seem to have, if the result is implausible; `celebamask-19` if they need no conversion. */
  readonly looksLike?: string;
}

interface Converted {
  readonly after: IdMeasurements;
  readonly exchanged: boolean | undefined;
}

/** The splits of a data folder as relative paths; the folder itself is ''. */
async function splitsIn(folder: string): Promise<string[]> {
  if ((await isFolder(join(folder, 'images'))) || !(await isFolder(folder))) return [''];
  const splits: string[] = [];
  for (const name of (await readdir(folder)).sort()) if (await isFolder(join(folder, name, 'masks'))) splits.push(name);
  return splits.length > 0 ? splits : [''];
}

interface Pair {
  readonly split: string;
  readonly stem: string;
  readonly imagePath: string;
  readonly maskPath: string;
}

type Listing = Pick<ConvertResult, 'photosWithoutMask' | 'masksWithoutPhoto' | 'leftAlone'> & {
  readonly items: Pair[];
  readonly failures: { file: string; message: string }[];
  /** Names of the photos and masks, for messages. */
  readonly names: { readonly photos: string[]; readonly masks: string[] };
};

/** The pairs of a dataset folder or of all its splits, and what is not among them. */
async function listPairs(folder: string): Promise<Listing> {
  const items: Pair[] = [];
  const failures: { file: string; message: string }[] = [];
  const leftAlone: LeftAlone[] = [];
  const names = { photos: [] as string[], masks: [] as string[] };
  let photosWithoutMask = 0;
  let masksWithoutPhoto = 0;
  for (const split of await splitsIn(folder)) {
    const files = await listDatasetFiles(join(folder, split));
    leftAlone.push(...files.leftAlone);
    names.photos.push(...[...files.photos.values()].map(([path]) => basename(path)));
    names.masks.push(...[...files.masks.values()].map((path) => basename(path)));
    failures.push(...files.problems.map(({ file, message }) => ({ file, message })));
    for (const file of files.unusableMasks) {
      failures.push({
        file,
        message: `${file}: is not a PNG, and other formats can change class ids; save the masks as PNG`,
      });
    }
    const doubled = new Map(files.doubledMasks.map((paths) => [paths[0], paths]));
    for (const [stem, paths] of files.photos) {
      const maskPath = files.masks.get(stem);
      const namesakes = doubled.get(maskPath ?? '');
      if (maskPath === undefined) photosWithoutMask++;
      else if (namesakes) failures.push({ file: maskPath, message: sameName(namesakes) });
      else if (paths.length === 1) items.push({ split, stem, imagePath: paths[0], maskPath });
      else failures.push({ file: maskPath, message: sameName(paths) });
    }
    for (const stem of files.masks.keys()) if (!files.photos.has(stem)) masksWithoutPhoto++;
  }
  return { items, failures, names, leftAlone, photosWithoutMask, masksWithoutPhoto };
}

/** The error for a folder in which no photo has a mask. */
function noPairs(folder: string, failures: Listing['failures'], { photos, masks }: Listing['names']): FaceparseError {
  const faults = firstFaults(failures.map(({ message }) => message));
  const remedy =
    photos.length > 0 && masks.length > 0
      ? `images/ contains ${nameSome(photos)}, masks/ contains ${nameSome(masks)}; name each mask like its photo, or give all masks the same suffix, such as _mask`
      : `put one PNG for each photo into ${join(folder, 'masks')}, with the name of the photo`;
  return new FaceparseError(`${folder} has no photo with a mask; ${remedy}`, { exitCode: 2, faults });
}

function sameName(paths: readonly string[]): string {
  return `${paths.join(' and ')} have one name; keep one of them`;
}

/** Whether left and right are exchanged; undefined if no pair of eyes or brows is visible. */
function sidesExchanged(mask: LabelMap): boolean | undefined {
  const { swapped, evidence } = detectSwap(mask, celebamask19);
  return evidence.some(({ by, part }) => by === 'order' && part !== 'ear') ? swapped : undefined;
}

function tableOf(order: ClassOrder): IdTable {
  const table = classOrderTable(order);
  return { name: `the class order ${order.name}`, ids: new Map(order.classes.map((_, id) => [id, table[id]])) };
}

/**
 * Converts the masks of a dataset to celebamask-19 ids and writes a complete dataset: masks as 8-bit palette PNG, photos copied
 * byte for byte. Masks that cannot be converted are left out and reported in `failures`. `out` appears only when it is
 * complete.
 *
 * The result is compared with the anatomy of a face, see `detectClassOrder`: `implausible` tells a wrong order, `sides` a
 * source that calls the viewer's left "left". If most results do not look like a face and the masks look like another order or
 * like celebamask-19 already, nothing is written unless `force` is set.
 *
 * @throws FaceparseError if the folder has no pairs, no mask can be converted, or the order is evidently wrong
 * @example await convertDataset({ folder: 'lapa', out: 'data', order: getClassOrder('lapa') });
 */
export async function convertDataset(options: ConvertOptions): Promise<ConvertResult> {
  const { folder, out, order, palette, swapSides = false, force = false } = options;
  const table = order ? tableOf(order) : options.table;
  const mirror = mirrorTable(celebamask19);
  const given: IdMeasurements[] = [];
  const readConverted = async (path: string): Promise<LabelMap> => {
    const read = palette ? await readColorMask(path, palette) : await readMask(path).catch(needsPalette);
    given.push(measureIds(read));
    const mask = table ? convertIds(read, table, path) : read;
    return swapSides ? { ...mask, data: mask.data.map((id) => mirror[id]) } : mask;
  };

  const { items, failures, names, ...others } = await listPairs(folder);
  if (items.length === 0) throw noPairs(folder, failures, names);
  const convertOne = async (item: Pair, aside: string): Promise<Converted | undefined> => {
    const { split, stem, imagePath, maskPath } = item;
    const mask = await readConverted(maskPath).catch((error: unknown) => {
      if (!(error instanceof FaceparseError)) throw error;
      failures.push({ file: maskPath, message: error.message });
    });
    if (!mask) return undefined;
    const target = join(aside, split);
    // Copied, not linked: an edited copy must not change the original. A file system that can share blocks does so.
    const copy = copyFile(
      imagePath,
      join(target, 'images', `${stem}${extname(imagePath)}`),
      constants.COPYFILE_FICLONE,
    );
    const problem = await copy.then(() => undefined, unreadablePhoto);
    if (problem !== undefined) {
      failures.push({ file: imagePath, message: `${imagePath}: ${problem}` });
      return undefined;
    }
    await writeFile(join(target, 'masks', `${stem}.png`), encodeLabelPng(mask, celebamask19));
    return { after: measureIds(mask), exchanged: sidesExchanged(mask) };
  };
  const converted = await buildFolder(out, async (aside) => {
    for (const split of new Set(items.map((item) => item.split))) {
      await mkdir(join(aside, split, 'images'), { recursive: true });
      await mkdir(join(aside, split, 'masks'));
    }
    const results = await runConcurrently(items, (item) => convertOne(item, aside), options);
    failures.sort((a, b) => (a.file < b.file ? -1 : 1));
    if (results.every((result) => result === undefined)) throw nothingConverted(folder, failures, orderOf(given));
    const written = results.filter((result) => result !== undefined);
    const summary = summarize(written, given);
    if (!force) refuseWrongOrder(folder, summary);
    return { pairs: written.length, ...summary };
  });
  return { ...converted, failures, ...others };
}

/** Describes why a photo cannot be copied; rethrows what is no problem of the photo. */
function unreadablePhoto(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT' || error.code === 'ELOOP') return 'is missing or a broken link; restore it';
  if (error.code === 'EACCES' || error.code === 'EPERM')
    return 'cannot be read (permission denied); check its permissions';
  throw error;
}

/** Names the way out for a mask that holds colours instead of ids. */
function needsPalette(error: unknown): never {
  if (!(error instanceof ImageError) || !/\bRGBA? PNG/.test(error.reason)) throw error;
  throw new ImageError(error.file, error.reason, 'list its colours and their classes in a file for --palette', error);
}

/** The order that masks seem to have, as the name for `--from` or `celebamask-19`. */
function orderOf(given: readonly IdMeasurements[]): string | undefined {
  const verdicts = given.flatMap((one) => contradictsFace(one) ?? []);
  // A few masks of unusual faces contradict every order.
  if (verdicts.length > 0 && verdicts.filter(Boolean).length < verdicts.length / 4) return celebamask19.name;
  return detectClassOrder(given)?.order.name;
}

function summarize(
  converted: readonly Converted[],
  given: readonly IdMeasurements[],
): Pick<ConvertResult, 'pixels' | 'sides' | 'implausible' | 'looksLike'> {
  const pixels: Record<string, number> = {};
  for (const { id, name } of [...celebamask19.classes, { id: ignoreLabel, name: 'ignore' }]) {
    const sum = converted.reduce((total, { after }) => total + after.count[id], 0);
    if (sum > 0) pixels[name] = sum;
  }
  const sides = converted.flatMap(({ exchanged }) => exchanged ?? []);
  const verdicts = converted.flatMap(({ after }) => contradictsFace(after) ?? []);
  const implausible = { judged: verdicts.length, count: verdicts.filter(Boolean).length };
  const looksLike = implausible.count > implausible.judged / 2 ? orderOf(given) : undefined;
  return {
    pixels,
    sides: { judged: sides.length, exchanged: sides.filter(Boolean).length },
    implausible,
    ...(looksLike !== undefined && { looksLike }),
  };
}

/** Stops a conversion with an order that is evidently wrong, before the result is written. */
function refuseWrongOrder(
  folder: string,
  { implausible, looksLike }: Pick<ConvertResult, 'implausible' | 'looksLike'>,
): void {
  if (looksLike === undefined) return;
  const remedy =
    looksLike === celebamask19.name
      ? 'the masks already have celebamask-19 ids and need no conversion'
      : `the masks look like ${looksLike}; try --from ${looksLike}`;
  throw new FaceparseError(
    `${folder}: ${implausible.count} of ${countOf(implausible.judged, 'converted mask')} would not look like a face, for example eyes above brows; ${remedy}; to convert anyway, add --force`,
    { exitCode: 2 },
  );
}

function nothingConverted(
  folder: string,
  failures: readonly { message: string }[],
  looksLike: string | undefined,
): FaceparseError {
  const faults = firstFaults(failures.map(({ message }) => message));
  if (looksLike === celebamask19.name) faults.push('The masks already have celebamask-19 ids and need no conversion.');
  else if (looksLike !== undefined) faults.push(`The masks look like ${looksLike}; try --from ${looksLike}.`);
  return new FaceparseError(`none of the ${failures.length} masks in ${folder} can be converted:`, { faults });
}
