import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { writeFileAtomic } from '../files/atomic-write.ts';
import { makeFolder } from '../files/make-folder.ts';
import { cutOut } from '../image/cut-out.ts';
import type { LabelMap, Photo } from '../image/image.ts';
import { mapLabels } from '../image/map-labels.ts';
import { blendOverlay } from '../image/overlay.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { cropFace } from '../parser/result/crop-face.ts';
import type { ParseResult } from '../parser/result/parse-result.ts';
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
  /** Whether each face is written by itself, with its mask. */
  readonly crop?: boolean;
}

/** The outputs besides the mask; each has a folder of its name. */
export const extraOutputs = ['overlay', 'probabilities', 'only', 'cutout', 'crop'] as const;

/** The paths written for one photo. */
export type PredictionPaths = { readonly mask: string } & {
  readonly [extra in (typeof extraOutputs)[number]]?: string;
};

/**
 * The paths written for a photo: `STEM.png`, `overlay/STEM.png`, `only/STEM.png`, `cutout/STEM.png`, and
 * `probabilities/STEM.npy` or, for PNGs, the folder `probabilities/STEM`. Of the crops, the photo of the first face
 * (`crop/images/STEM-1.png`) stands for all.
 */
export function predictionPaths(
  folder: string,
  stem: string,
  outputs: { readonly [output in keyof PredictionOutputs]?: unknown },
): PredictionPaths {
  const extras = extraOutputs.flatMap((name) => {
    const value = outputs[name];
    if (value === undefined || value === false) return [];
    if (name === 'crop') return [[name, cropPaths(folder, stem, 0).image]];
    const ending = name !== 'probabilities' ? '.png' : value === 'png' ? '' : '.npy';
    return [[name, join(folder, name, `${stem}${ending}`)]];
  });
  return { mask: join(folder, `${stem}.png`), ...Object.fromEntries(extras) };
}

/** A face by itself: its photo and its mask. */
export interface CropPaths {
  readonly image: string;
  readonly mask: string;
}

function cropPaths(folder: string, stem: string, face: number): CropPaths {
  const at = (kind: string) => join(folder, 'crop', kind, `${stem}-${face + 1}.png`);
  return { image: at('images'), mask: at('masks') };
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
  /** The label set of masks and overlays, if it is not that of the network. */
  readonly target?: LabelSet | undefined;
}

/** The files of a photo, and how long they took in milliseconds. */
export interface SavedPrediction {
  readonly paths: PredictionPaths;
  /** One per face, if they were asked for. */
  readonly crops: readonly CropPaths[];
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
  { folder, stem, photo, result, labelSet, target }: Prediction,
  outputs: PredictionOutputs = {},
): Promise<SavedPrediction> {
  const paths = predictionPaths(folder, stem, outputs);
  const shownSet = target ?? labelSet;
  const shownLabels = (labels: LabelMap) => (target ? mapLabels(labels, labelSet) : labels);
  const shown = shownLabels(result.labelMap);
  const start = performance.now();
  let write = 0;
  const save = async (path: string, content: Uint8Array): Promise<void> => {
    const begun = performance.now();
    await makeFolder(dirname(path));
    await writeFileAtomic(path, content);
    write += performance.now() - begun;
  };
  await save(paths.mask, await deflateLabelPng(shown, shownSet));
  if (paths.overlay) await save(paths.overlay, await pngOf(blendOverlay(photo, shown, shownSet), 3));
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
  const crops: CropPaths[] = [];
  if (outputs.crop) {
    for (const [index, face] of result.faces.entries()) {
      const crop = await cropFace(photo, face);
      const own = cropPaths(folder, stem, index);
      await save(own.image, await pngOf(crop.photo, 3));
      await save(own.mask, await deflateLabelPng(shownLabels(crop.labels), shownSet));
      crops.push(own);
    }
  }
  return { paths, crops, encode: performance.now() - start - write, write };
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
