import { ImageError, readMask } from '../../image/read-image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { isKnownId } from '../../labels/known-id.ts';
import { ignoreLabel, type LabelSet } from '../../labels/label-set.ts';
import { mergeTable } from '../../labels/merge.ts';
import { median } from '../../metrics/median.ts';
import { countOf } from '../../text/counts.ts';
import { contradictsFace, detectClassOrder, type IdMeasurements, measureIds } from './class-order.ts';
import { type Dataset, openDataset } from './dataset.ts';
import { type RunOptions, runConcurrently } from './run-concurrently.ts';

/** Statistics of one class in a dataset. */
export interface ClassStatistics {
  readonly id: number;
  readonly name: string;
  readonly color: readonly [number, number, number];
  /** Number of pixels in all images. */
  readonly pixels: number;
  /** Share of all pixels that are not ignored, 0–1. */
  readonly share: number;
  /** Number of images that contain the class. */
  readonly images: number;
  /** Mean share of an image's pixels that are not ignored, over the images with the class, 0–1; 0 if there are none. */
  readonly meanShareWherePresent: number;
  /** Median pixel count over the images with the class; 0 if there are none. */
  readonly medianPixels: number;
}

/** Result of `datasetStatistics`. */
export interface DatasetStatistics {
  readonly folder: string;
  readonly labelSet: string;
  readonly images: number;
  /** Number of pixels that are not ignored. */
  readonly pixels: number;
  /** Number of ignored pixels (255). They count in no share. */
  readonly ignoredPixels: number;
  readonly meanClassesPerImage: number;
  readonly classes: ClassStatistics[];
  /** What suggests that the masks are wrong, such as the class order of another program; undefined if nothing does. */
  readonly doubt?: string;
}

/**
 * Counts the classes in all masks of a dataset folder. Ignored pixels (255) are counted separately.
 *
 * `doubt` names masks that are evidently wrong: all ignored, of two classes only, or with another class order. `checkDataset`
 * finds more.
 *
 * With `merge` the masks contain celebamask-19 ids, which are merged into `set` before counting; pixels of dropped classes count as ignored.
 * With `items`, only these pairs of the folder are counted.
 *
 * @throws FaceparseError if photos and masks do not match, a mask is unreadable, or it has labels outside the label set
 *
 * @example (await datasetStatistics('data/train', celebamask19)).classes[13].share // hair: 0.31
 */
export async function datasetStatistics(
  folder: string,
  set: LabelSet,
  options: RunOptions & { merge?: boolean; items?: Dataset['items'] } = {},
): Promise<DatasetStatistics> {
  const items = options.items ?? (await openDataset(folder)).items;
  const fileSet = options.merge ? celebamask19 : set;
  const table = options.merge ? mergeTable(set) : Uint8Array.from({ length: 256 }, (_, id) => id);
  // Some of the masks tell the order; measurements of all would need too much memory.
  const step = Math.ceil(items.length / mostJudged);
  const judged = new Set(
    fileSet === celebamask19 ? items.flatMap(({ maskPath }, i) => (i % step === 0 ? maskPath! : [])) : [],
  );
  const counted = await runConcurrently(
    items,
    async ({ maskPath }) => {
      const mask = await readMask(maskPath!);
      const { data } = mask;
      const fileCounts = new Uint32Array(256);
      for (const id of data) fileCounts[id]++;
      const stray = fileCounts.findIndex((pixels, id) => pixels > 0 && !isKnownId(id, fileSet));
      if (stray >= 0) {
        throw new ImageError(
          maskPath!,
          `has label ${stray} (${countOf(fileCounts[stray], 'pixel')}), which is not in ${fileSet.name}`,
          set.mergeFrom && !options.merge
            ? `add --merge if the masks contain ids of ${celebamask19.name}`
            : `run faceparse data check ${folder}`,
        );
      }
      const counts = new Uint32Array(set.classes.length);
      let ignored = 0;
      for (const [id, pixels] of fileCounts.entries()) {
        // A label set can drop classes, too.
        if (table[id] === ignoreLabel) ignored += pixels;
        else if (pixels > 0) counts[table[id]] += pixels;
      }
      return {
        counts,
        pixels: data.length - ignored,
        ignored,
        measured: judged.has(maskPath!) ? measureIds(mask) : undefined,
      };
    },
    options,
  );
  const pixels = counted.reduce((sum, image) => sum + image.pixels, 0);
  const classes = set.classes.map(({ id, name, color }): ClassStatistics => {
    const present = counted.filter(({ counts }) => counts[id] > 0);
    const own = present.reduce((sum, { counts }) => sum + counts[id], 0);
    const shares = present.reduce((sum, image) => sum + image.counts[id] / image.pixels, 0);
    return {
      id,
      name,
      color,
      pixels: own,
      share: pixels === 0 ? 0 : own / pixels,
      images: present.length,
      meanShareWherePresent: present.length === 0 ? 0 : shares / present.length,
      medianPixels: present.length === 0 ? 0 : median(present.map(({ counts }) => counts[id])),
    };
  });
  const doubt = findDoubt(counted, set);
  const presences = classes.reduce((sum, entry) => sum + entry.images, 0);
  return {
    folder,
    labelSet: set.name,
    images: items.length,
    pixels,
    ignoredPixels: counted.reduce((sum, image) => sum + image.ignored, 0),
    meanClassesPerImage: presences / items.length,
    classes,
    ...(doubt !== undefined && { doubt }),
  };
}

/** The masks of a dataset that are compared with the anatomy of a face, at most. */
const mostJudged = 500;
/** Label sets with fewer classes may well have masks of two classes. */
const manyClasses = 8;

interface CountedMask {
  readonly counts: Uint32Array;
  readonly pixels: number;
  readonly measured: IdMeasurements | undefined;
}

/** Says what is evidently wrong with the masks. */
function findDoubt(masks: readonly CountedMask[], { classes }: LabelSet): string | undefined {
  const of = `of ${countOf(masks.length, 'mask')}`;
  const empty = masks.filter(({ pixels }) => pixels === 0).length;
  if (empty > masks.length / 2) return `all pixels are 255 (ignored) in ${empty} ${of}`;
  const few = masks.filter(({ counts }) => counts.filter((pixels) => pixels > 0).length <= 2).length;
  if (classes.length >= manyClasses && few > masks.length / 2) {
    return `at most two classes, as in a binary mask, in ${few} ${of}`;
  }
  const measured = masks.flatMap((mask) => mask.measured ?? []);
  const verdicts = measured.flatMap((one) => contradictsFace(one) ?? []);
  const wrong = verdicts.filter(Boolean).length;
  if (wrong <= verdicts.length / 2) return undefined;
  const order = detectClassOrder(measured)?.order.title;
  return order === undefined
    ? `parts are not where they are in a face in ${wrong} of ${countOf(verdicts.length, 'judged mask')}`
    : `the masks seem to have the class order of ${order}`;
}

/**
 * Formats a share as a percentage with significant digits: `31.2 %`, `4.08 %`, `0.013 %`, `0 %`.
 */
export function formatPercent(share: number): string {
  const percent = share * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  if (percent >= 10) return `${percent.toFixed(1)} %`;
  if (percent >= 1) return `${percent.toFixed(2)} %`;
  return percent < 0.0001 ? '<0.0001 %' : `${percent.toPrecision(2)} %`;
}

/** Formats the statistics as a text table with one class per line. */
export function formatStatisticsTable(statistics: DatasetStatistics): string {
  const { classes, images, pixels, ignoredPixels } = statistics;
  const mean = statistics.meanClassesPerImage.toFixed(1);
  const header = ['id', 'class', 'of pixels', 'images', 'of images', 'mean where present', 'median pixels'];
  const rows = classes.map((entry) => [
    `${entry.id}`,
    entry.name,
    formatPercent(entry.share),
    `${entry.images}`,
    formatPercent(entry.images / images),
    entry.images === 0 ? '–' : formatPercent(entry.meanShareWherePresent),
    entry.images === 0 ? '–' : `${Math.round(entry.medianPixels)}`,
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column].length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (column === 1 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ');
  return [
    `${statistics.folder}: ${countOf(images, 'mask')}, ${statistics.labelSet}, ${mean === '1.0' ? '1 class' : `${mean} classes`} per image`,
    ...(ignoredPixels > 0
      ? [
          `${formatPercent(ignoredPixels / (pixels + ignoredPixels))} of all pixels are ignored (255); shares are of the rest`,
        ]
      : []),
    '',
    line(header),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map(line),
  ].join('\n');
}
