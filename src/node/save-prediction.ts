import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { cutOut } from '../image/cut-out.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { encodeLabelPng } from '../image/label-png.ts';
import { blendOverlay } from '../image/overlay.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { ParseResult } from '../parser/parse-result.ts';
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

/**
 * Writes the palette PNG of a photo and its other outputs. Folders are created where they are missing.
 *
 * @throws FaceparseError if a file cannot be written
 */
export async function savePrediction(
  { folder, stem, photo, result, labelSet, mapped }: Prediction,
  outputs: PredictionOutputs = {},
): Promise<PredictionPaths> {
  const paths = predictionPaths(folder, stem, outputs);
  const shown = mapped ?? { labels: result.labelMap, labelSet };
  await makeFolder(dirname(paths.mask));
  await writeFileAtomic(paths.mask, encodeLabelPng(shown.labels, shown.labelSet));
  if (paths.overlay)
    await writePng(paths.overlay, { channels: 3, ...blendOverlay(photo, shown.labels, shown.labelSet) });
  if (paths.only && outputs.only) {
    await writePng(paths.only, await result.mask(outputs.only, { soft: outputs.soft ?? false }));
  }
  if (paths.cutout && outputs.cutout) {
    await writePng(paths.cutout, await cutOut(photo, await result.mask(outputs.cutout)));
  }
  if (paths.probabilities && outputs.probabilities === 'png') {
    await makeFolder(paths.probabilities);
    await saveProbabilityImages(paths.probabilities, result, labelSet);
  } else if (paths.probabilities) {
    await makeFolder(dirname(paths.probabilities));
    await saveProbabilityArray(paths.probabilities, result, labelSet);
  }
  return paths;
}

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  readonly data: Uint8Array | Uint8ClampedArray;
}

async function writePng(path: string, { width, height, channels, data }: Pixels): Promise<void> {
  await makeFolder(dirname(path));
  const pipeline = sharp(data, { raw: { width, height, channels } });
  await writeFileAtomic(path, await (channels === 1 ? pipeline.toColourspace('b-w') : pipeline).png().toBuffer());
}
