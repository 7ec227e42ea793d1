import { decodePalettePng } from '../../formats/png/palette-png.ts';
import type { LabelMap } from '../../image/image.ts';
import { getLabelSet } from '../../labels/registry.ts';
import { FaceparseError } from '../../text/errors.ts';
import { nameSome } from '../../text/name-some.ts';
import { challengeRules } from '../rules.ts';
import type { Fault } from './fault.ts';

/** The result of checking one mask. */
export interface MaskInspection {
  /** The caller adds `where`. */
  readonly faults: readonly Omit<Fault, 'where'>[];
  /** The class ids, if they are readable. */
  readonly mask?: LabelMap;
}

/** A 512×512 mask takes at most 0.25 MB; much larger files are not decoded. */
export const maxMaskBytes = 2 ** 22;
const maxMaskPixels = 2 ** 24;

const { maskSide, labelSet } = challengeRules;
const { classes } = getLabelSet(labelSet);
const last = classes.length - 1;
const wanted = `an 8-bit palette PNG of ${maskSide}×${maskSide} pixels, indices 0–${last}`;
const pngStart = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Signature, and the first chunk: length, type, 13 bytes of header. */
const headerEnd = 29;
const paletteType = 3;
const colorTypeNames: Readonly<Record<number, string>> = {
  0: 'grayscale',
  2: 'RGB',
  4: 'gray+alpha',
  6: 'RGBA',
};

/**
 * Checks that a mask has the format of the challenge: 8-bit palette PNG, not interlaced, 512×512, ids 0–18, the
 * standard palette in its first 19 entries. All faults are reported.
 *
 * @example inspectMask(bytes).faults // [{ check: 'mask-size', message: 'is 256×256 pixels, …' }]
 */
export function inspectMask(bytes: Uint8Array): MaskInspection {
  if (bytes.length < headerEnd || pngStart.some((byte, at) => bytes[at] !== byte)) {
    return { faults: [{ check: 'mask-format', message: `is ${describeForeign(bytes)}; save it as ${wanted}` }] };
  }
  const header = readHeader(bytes);
  const faults = headerFaults(header);
  const readable = header.colorType === paletteType || (header.colorType === 0 && header.bitDepth === 8);
  if (!readable) return { faults };
  const { mask, palette, fault } = decode(bytes);
  if (fault) return { faults: [...faults, fault] };
  faults.push(...labelFaults(mask!));
  if (header.colorType === paletteType) faults.push(...paletteFaults(palette!));
  return { faults, mask };
}

/** The class id of all pixels; undefined if they differ. */
export function onlyClass({ data }: LabelMap): number | undefined {
  return data.every((id) => id === data[0]) ? data[0] : undefined;
}

interface Header {
  readonly width: number;
  readonly height: number;
  readonly bitDepth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

/** The decoder cannot be used for this: it accepts every readable PNG, and reports only the first fault of the others. */
function readHeader(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    bitDepth: bytes[24],
    colorType: bytes[25],
    interlaced: bytes[28] !== 0,
  };
}

function headerFaults({ width, height, bitDepth, colorType, interlaced }: Header): Omit<Fault, 'where'>[] {
  const faults: Omit<Fault, 'where'>[] = [];
  if (colorType !== paletteType) {
    const name = colorTypeNames[colorType] ?? `colour type ${colorType}`;
    const message = `is a PNG with ${name} pixels, not palette indices; save the class ids as ${wanted}, with the standard palette`;
    faults.push({ check: 'mask-mode', message });
  }
  if (bitDepth !== 8) {
    const message = `has ${bitDepth} bits per pixel, not 8; save it with 8 bits (some programs do so only for a palette of more than 16 colours)`;
    faults.push({ check: 'mask-depth', message });
  }
  if (interlaced) {
    faults.push({ check: 'mask-interlaced', message: 'is an interlaced PNG; save it without interlacing' });
  }
  if (width !== maskSide || height !== maskSide) {
    const message = `is ${width}×${height} pixels, not ${maskSide}×${maskSide}; upsample the logits before the argmax, or resize the mask with nearest-neighbour interpolation`;
    faults.push({ check: 'mask-size', message });
  }
  return faults;
}

function decode(bytes: Uint8Array): {
  mask?: LabelMap;
  palette?: readonly (readonly number[])[];
  fault?: Omit<Fault, 'where'>;
} {
  try {
    const { palette, ...mask } = decodePalettePng(bytes, { maxPixels: maxMaskPixels });
    return { mask, palette };
  } catch (error) {
    if (!(error instanceof FaceparseError)) throw error;
    return { fault: { check: 'mask-unreadable', message: `cannot be read: ${error.message}` } };
  }
}

function labelFaults({ data }: LabelMap): Omit<Fault, 'where'>[] {
  const present = new Uint8Array(256);
  for (const id of data) present[id] = 1;
  const stray = [...present.keys()].filter((id) => id > last && present[id]);
  if (stray.length === 0) return [];
  const listed = nameSome(stray.map(String), 5);
  const message = `has the ${stray.length > 1 ? 'labels' : 'label'} ${listed}, but the labels are 0–${last}; write class ids, not colours`;
  return [{ check: 'mask-labels', message }];
}

function paletteFaults(palette: readonly (readonly number[])[]): Omit<Fault, 'where'>[] {
  const remedy = `write the standard palette, whose entry 1 (skin) is ${classes[1].color.join(',')}`;
  if (palette.length < classes.length) {
    const message = `has a palette of ${palette.length} colours, not ${classes.length}; ${remedy}`;
    return [{ check: 'mask-palette', message }];
  }
  const wrong = classes.find(({ color }, id) => color.some((value, channel) => palette[id][channel] !== value));
  if (!wrong) return [];
  const message = `has palette entry ${wrong.id} (${wrong.name}) = ${palette[wrong.id].join(',')}, not ${wrong.color.join(',')}; ${remedy}`;
  return [{ check: 'mask-palette', message }];
}

function describeForeign(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'empty';
  return bytes[0] === 0xff && bytes[1] === 0xd8 ? 'a JPEG, not a PNG' : 'not a PNG';
}
