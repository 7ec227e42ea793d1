import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { cutOut } from '../image/cut-out.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { blendOverlay } from '../image/overlay.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { ParseResult } from '../parser/parse-result.ts';
import { deflateLabelPng } from './deflate-label-png.ts';
import { saveProbabilityArray, saveProbabilityImages } from './save-probabilities.ts';

/** Formats of probabilities; the first is the default. */
export const probabilityFormats = ['npy', 'png'] as const;

export type ProbabilityFormat = (typeof probabilityFormats)[number];

/** What is written for a photo besides its mask. */
export interface PredictionOutputs {
  readonly overlay?: boolean;
  readonly probabilities?: ProbabilityFormat;
  /** Ids of the classes of a black-and-white mask. */
  readonly only?: readonly number[];
  /** Whether that mask holds probabilities, 0 to 255, instead of 0 and 255. */
  readonly soft?: boolean;
  /** Ids of the classes of a cutout. */
  readonly cutout?: readonly number[];
}

/** The outputs besides the mask; each has a folder of its name. */
export const extraOutputs = ['overlay', 'probabilities', 'only', 'cutout'] as const;

/** The paths written for one photo. */
export type PredictionPaths = { readonly mask: string } & {
  readonly [extra in (typeof extraOutputs)[number]]?: string;
};

/**
 * The paths written for a photo: `STEM.png`, `overlay/STEM.png`, `only/STEM.png`, `cutout/STEM.png`, and
 * `probabilities/STEM.npy` or, for PNGs, the folder `probabilities/STEM`.
 */
export function predictionPaths(
  folder: string,
  stem: string,
  outputs: { readonly [output in keyof PredictionOutputs]?: unknown },
): PredictionPaths {
  const extras = extraOutputs.flatMap((name) => {
    const value = outputs[name];
    if (value === undefined || value === false) return [];
    const ending = name !== 'probabilities' ? '.png' : value === 'png' ? '' : '.npy';
    return [[name, join(folder, name, `${stem}${ending}`)]];
  });
  return { mask: join(folder, `${stem}.png`), ...Object.fromEntries(extras) };
}

/** A parsed photo and where its files go. */
export interface Prediction {
  readonly folder: string;
  /** Name of the files without their ending; may contain subfolders. */
  readonly stem: string;
  readonly photo: Photo;
  readonly result: ParseResult;
  /** The classes of the network. */
  readonly labelSet: LabelSet;
  /** The labels of the mask and the overlay, if they are not those of the result. */
  readonly mapped?: { readonly labels: LabelMap; readonly labelSet: LabelSet } | undefined;
}

/** The files of a photo, and how long they took in milliseconds. */
export interface SavedPrediction {
  readonly paths: PredictionPaths;
  /** Making the contents of the files; probabilities are written meanwhile. */
  readonly encode: number;
  /** Writing, syncing and renaming the files. */
  readonly write: number;
}

/**
 * Writes the palette PNG of a photo and its other outputs. Folders are created where they are missing.
 *
 * @throws FaceparseError if a file cannot be written
 */
export async function savePrediction(
  { folder, stem, photo, result, labelSet, mapped }: Prediction,
  outputs: PredictionOutputs = {},
): Promise<SavedPrediction> {
  const paths = predictionPaths(folder, stem, outputs);
  const shown = mapped ?? { labels: result.labelMap, labelSet };
  const start = performance.now();
  let write = 0;
  const save = async (path: string, content: Uint8Array): Promise<void> => {
    const begun = performance.now();
    await makeFolder(dirname(path));
    await writeFileAtomic(path, content);
    write += performance.now() - begun;
  };
  await save(paths.mask, await deflateLabelPng(shown.labels, shown.labelSet));
  if (paths.overlay) await save(paths.overlay, await pngOf(blendOverlay(photo, shown.labels, shown.labelSet), 3));
  if (paths.only && outputs.only) {
    await save(paths.only, await pngOf(await result.mask(outputs.only, { soft: outputs.soft ?? false }), 1));
  }
  if (paths.cutout && outputs.cutout) {
    await save(paths.cutout, await pngOf(await cutOut(photo, await result.mask(outputs.cutout)), 4));
  }
  if (paths.probabilities && outputs.probabilities === 'png') {
    await makeFolder(paths.probabilities);
    await saveProbabilityImages(paths.probabilities, result, labelSet);
  } else if (paths.probabilities) {
    await makeFolder(dirname(paths.probabilities));
    await saveProbabilityArray(paths.probabilities, result, labelSet);
  }
  return { paths, encode: performance.now() - start - write, write };
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

function pngOf({ width, height, data }: Pixels, channels: 1 | 3 | 4): Promise<Buffer> {
  const pipeline = sharp(data, { raw: { width, height, channels } });
  return (channels === 1 ? pipeline.toColourspace('b-w') : pipeline).png().toBuffer();
}
