/** What a file contains, judged by its first bytes. */
export interface FileContent {
  /** The name with its article, such as `a JPEG image` or `an HTML page`. */
  readonly name: string;
  /**
   * `read`: decoded as a photo; `unsupported`: an image that is not decoded; `other`: no image.
   */
  readonly kind: 'read' | 'unsupported' | 'other';
  readonly format?: ImageFormat;
}

/** Image formats that are decoded. */
export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif' | 'heic' | 'bmp';

/** The formats in words, for messages. */
export const readableFormats = 'JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP';

/**
 * File extensions of photos, in lower case. A file with one of these is meant as a photo; others are judged by content.
 */
export const photoExtensions = [
  ...[
    '.jpg',
    '.jpeg',
    '.jfif',
    '.jpe',
    '.png',
    '.webp',
    '.avif',
    '.heic',
    '.heif',
    '.gif',
    '.tif',
    '.tiff',
    '.bmp',
    '.dib',
  ],
  ...['.jxl', '.jp2', '.cr2', '.nef', '.arw', '.dng', '.psd'],
];

/** Number of leading bytes that `contentOf` looks at. */
export const contentBytes = 64;

interface Signature {
  readonly at?: number;
  /** Bytes as Latin-1 text; `.` stands for any byte. */
  readonly text: string;
  readonly content: FileContent;
}

function image(name: string, format: ImageFormat): FileContent {
  return { name, kind: 'read', format };
}

function unsupported(name: string): FileContent {
  return { name, kind: 'unsupported' };
}

function other(name: string): FileContent {
  return { name, kind: 'other' };
}

const avif = image('an AVIF image', 'avif');
const heic = image('a HEIC image', 'heic');
const tiff = image('a TIFF image', 'tiff');

/** In this order: the first match counts. Brands of ISO media files: https://mp4ra.org/registered-types/brands */
const signatures: readonly Signature[] = [
  { text: '\xff\xd8\xff', content: image('a JPEG image', 'jpeg') },
  { text: '\x89PNG\r\n\x1a\n', content: image('a PNG image', 'png') },
  { text: 'RIFF....WEBP', content: image('a WebP image', 'webp') },
  { text: 'GIF8', content: image('a GIF image', 'gif') },
  { text: 'BM....\0\0\0\0', content: image('a BMP image', 'bmp') },
  { text: 'II*\0\x10\0\0\0CR', content: unsupported('a Canon raw photo') },
  { text: 'II*\0', content: tiff },
  { text: 'MM\0*', content: tiff },
  { text: 'II+\0', content: tiff },
  { text: 'MM\0+', content: tiff },
  ...['avif', 'avis'].map((brand) => ({ at: 4, text: `ftyp${brand}`, content: avif })),
  ...['heic', 'heix', 'hevc', 'hevx', 'heim', 'heis', 'hevm', 'hevs'].map((brand) => ({
    ...{ at: 4, text: `ftyp${brand}`, content: heic },
  })),
  { at: 4, text: 'ftypcrx ', content: unsupported('a Canon raw photo') },
  { at: 4, text: 'ftyp', content: other('a video or audio file') },
  { text: '\xff\x0a', content: unsupported('a JPEG XL image') },
  { text: '\0\0\0\x0cJXL ', content: unsupported('a JPEG XL image') },
  { text: '\0\0\0\x0cjP  ', content: unsupported('a JPEG 2000 image') },
  { text: '8BPS', content: unsupported('a Photoshop document') },
  { text: '\0\0\x01\0', content: unsupported('an icon') },
  { text: '%PDF-', content: other('a PDF document') },
  { text: 'PK\x03\x04', content: other('a zip file') },
  { text: '\x1f\x8b', content: other('a gzip file') },
];

/** ISO media files name their format in the major brand, or as one of the compatible brands after it. */
function brandOf(text: string): FileContent | undefined {
  if (!/^....ftyp(?:mif1|msf1)/s.test(text)) return undefined;
  const brands: readonly string[] = text.slice(16).match(/.{4}/gs) ?? [];
  if (brands.includes('avif')) return avif;
  return heic;
}

/**
 * Names what a file contains from its first `contentBytes` bytes, whatever its extension is.
 *
 * @example contentOf(bytes).name // 'a JPEG image'
 */
export function contentOf(bytes: Uint8Array): FileContent {
  if (bytes.length === 0) return other('an empty file');
  const text = String.fromCharCode(...bytes.subarray(0, contentBytes));
  const brand = brandOf(text);
  if (brand) return brand;
  const found = signatures.find(({ at = 0, text: wanted }) =>
    [...wanted].every((char, i) => char === '.' || text[at + i] === char),
  );
  if (found) return found.content;
  const start = text
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (/^<(?:!doctype html|html|head|body)/.test(start)) return other('an HTML page');
  if (/^<svg|^<\?xml[^>]*>\s*<svg/.test(start)) return unsupported('an SVG drawing');
  if (/^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(text)) return other('a text file');
  return other('a file of unknown format');
}
