import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { zipSync } from 'fflate';
import sharp from 'sharp';
import { jpegBytes } from './dataset-fixture.ts';

type Box = readonly [x: number, y: number, width: number, height: number];

/** White on black, as CelebAMask-HQ stores a part. */
export async function partBytes(size: number, box: Box, form: 'rgb' | 'grey' | 'palette' = 'rgb'): Promise<Buffer> {
  const data = new Uint8Array(size * size);
  for (let y = box[1]; y < box[1] + box[3]; y++) data.fill(255, y * size + box[0], y * size + box[0] + box[2]);
  const grey = sharp(data, { raw: { width: size, height: size, channels: 1 } });
  if (form === 'grey') return grey.toColourspace('b-w').png().toBuffer();
  return grey
    .toColourspace('srgb')
    .png({ palette: form === 'palette' })
    .toBuffer();
}

/** Writes a file and the folders above it. */
export async function put(folder: string, path: string, bytes: Uint8Array | string): Promise<void> {
  const file = join(folder, path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, bytes);
}

/** Paths in a raw download, so that tests can deviate from the usual ones. */
export interface RawNames {
  /** Folder of the photos; default `CelebA-HQ-img`, the real name. */
  readonly photos?: string;
  readonly parts?: string;
  readonly photo?: (number: number) => string;
  readonly part?: (number: number, name: string) => string;
}

/** Writes a raw download of three faces: 0 and 1 in folder 0, 2000 in folder 1; photos 32², parts 16². */
export async function writeRawDownload(folder: string, names: RawNames = {}): Promise<string> {
  const {
    photos = 'CelebA-HQ-img',
    parts = 'CelebAMask-HQ-mask-anno',
    photo = (number) => `${number}.jpg`,
    part = (number, name) => `${Math.floor(number / 2000)}/${String(number).padStart(5, '0')}_${name}.png`,
  } = names;
  const putPart = async (number: number, name: string, box: Box, form?: 'grey' | 'palette'): Promise<void> =>
    put(folder, join(parts, part(number, name)), await partBytes(16, box, form));
  for (const number of [0, 1, 2000]) await put(folder, join(photos, photo(number)), await jpegBytes(32, 32));
  await putPart(0, 'skin', [2, 2, 12, 12]);
  await putPart(0, 'hair', [0, 0, 16, 4], 'grey');
  await putPart(0, 'l_ear', [12, 3, 2, 4], 'palette');
  await putPart(0, 'neck', [4, 12, 8, 4]);
  await putPart(1, 'skin', [0, 0, 8, 8]);
  await putPart(2000, 'cloth', [0, 8, 16, 8]);
  return folder;
}

/** Zips a folder; names in the zip start with `prefix`. */
export async function zipFolder(folder: string, prefix = ''): Promise<Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[prefix + relative(folder, path).split(sep).join('/')] = await readFile(path);
  }
  return zipSync(files, { level: 0 });
}
