import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { stemOf } from '../data/dataset/mask-names.ts';
import { isFolder } from '../files/path-kind.ts';
import { requireFolder } from '../files/require-folder.ts';
import { FaceparseError } from '../text/errors.ts';

/** The files of a folder of masks. */
export interface MaskFolder {
  /** Paths of the PNGs by their stem (see `stemOf`), in order of their names. */
  readonly masks: ReadonlyMap<string, string>;
  /** Names of the files that are no PNG by their ending. */
  readonly others: readonly string[];
}

/**
 * Lists a folder of masks.
 *
 * @throws FaceparseError if it is not a folder, contains no PNG, or contains two masks with the same stem
 */
export async function listMaskFolder(folder: string): Promise<MaskFolder> {
  await requireFolder(folder);
  const entries = await readdir(folder, { withFileTypes: true });
  // Names with a leading dot (._1.png) are created by desktops; they are never data.
  const names = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  const masks = new Map<string, string>();
  const others: string[] = [];
  for (const name of names.sort()) {
    if (extname(name).toLowerCase() !== '.png') {
      others.push(name);
      continue;
    }
    const key = stemOf(name);
    const other = masks.get(key);
    if (other) throw new FaceparseError(`${other} and ${join(folder, name)} are masks of the same name; keep one`);
    masks.set(key, join(folder, name));
  }
  if (masks.size === 0) throw await withoutMasks(folder, others);
  return { masks, others };
}

async function withoutMasks(folder: string, others: readonly string[]): Promise<FaceparseError> {
  const inner = join(folder, 'masks');
  const contents = others.length > 0 ? `contains no PNG, only files such as ${others[0]}` : 'contains no PNG';
  const remedy = (await isFolder(inner))
    ? `pass ${inner}`
    : 'masks are 8-bit palette or greyscale PNGs of class ids, named like the photos';
  return new FaceparseError(`${folder} ${contents}; ${remedy}`, { exitCode: 2 });
}
