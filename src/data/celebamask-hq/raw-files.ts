import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openZip, type ZipArchive } from '../../formats/zip-reader.ts';
import type { Photo } from '../../image/image.ts';
import { decodePhoto, ImageError, maxFileBytes, readPhoto } from '../../image/read-image.ts';
import { FaceparseError } from '../../text/errors.ts';

/** The files of a download, in a folder or in a zip. Paths have forward slashes; the top folder is ''. */
export interface RawFiles {
  /** Path of the folder or zip, for messages. */
  readonly source: string;
  /** Folder → names of its files. */
  readonly folders: ReadonlyMap<string, readonly string[]>;
  /** Folders that cannot be listed, with the reason. */
  readonly unreadable: readonly string[];
  /** The path of a file, for messages. */
  locate(path: string): string;
  /** Reads an image like `readPhoto`. @throws ImageError that names the file */
  readImage(path: string): Promise<Photo>;
  /** Reads a text file of at most 64 MiB. @throws FaceparseError that names the file */
  readText(path: string): Promise<string>;
  close(): void;
}

/** How deep the photos may lie in a folder; enough for a folder above the download. */
const deepest = 4;
const mostFolders = 5000;
const mostTextBytes = 2 ** 26;

/** Limits for the zip, which has 450,000 entries and 3 GB. */
const zipLimits = {
  fileBytes: 2 ** 36,
  entries: 2_000_000,
  entryBytes: maxFileBytes,
  totalBytes: 2 ** 37,
  // Photos and PNG files are compressed already.
  ratio: 200,
};

/**
 * Lists the files of a folder or a zip.
 *
 * @throws FaceparseError if the path does not exist, is neither a folder nor a zip, the zip is damaged or exceeds the
 * limits, or the folder has more than 5,000 subfolders
 */
export async function openRawFiles(source: string): Promise<RawFiles> {
  const info = await stat(source).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'not found' : `cannot be read (${cause.message})`;
    throw new FaceparseError(`${source}: ${reason}; check the path`, { exitCode: 2, cause });
  });
  if (info.isDirectory()) return openFolder(source);
  if (!info.isFile()) throw new FaceparseError(`${source} is neither a folder nor a file`, { exitCode: 2 });
  return openZipSource(source);
}

async function openFolder(source: string): Promise<RawFiles> {
  const folders = new Map<string, string[]>();
  const unreadable: string[] = [];
  let level = [''];
  for (let depth = 0; depth <= deepest && level.length > 0; depth++) {
    const next: string[] = [];
    for (const folder of level) {
      const entries = await readdir(join(source, folder), { withFileTypes: true }).catch((cause: Error) => {
        if (folder === '') throw new FaceparseError(`${source} cannot be listed (${cause.message})`, { cause });
        unreadable.push(`${join(source, folder)} cannot be listed (${cause.message})`);
        return [] as Dirent[];
      });
      const files: string[] = [];
      for (const entry of entries) {
        if (await isFolder(entry, join(source, folder)))
          next.push(folder === '' ? entry.name : `${folder}/${entry.name}`);
        else files.push(entry.name);
      }
      folders.set(folder, files);
      if (folders.size + next.length > mostFolders) {
        throw new FaceparseError(
          `${source} has more than ${mostFolders} folders; use the folder of the download, CelebAMask-HQ`,
          { exitCode: 2 },
        );
      }
    }
    level = next;
  }
  return {
    source,
    folders,
    unreadable,
    locate: (path) => join(source, path),
    readImage: (path) => readPhoto(join(source, path)),
    readText: async (path) => {
      const file = join(source, path);
      try {
        if ((await stat(file)).size > mostTextBytes) throw new Error(`it has more than ${mostTextBytes} bytes`);
        return await readFile(file, 'utf8');
      } catch (cause) {
        throw new FaceparseError(`${file} cannot be read (${(cause as Error).message})`, { cause });
      }
    },
    close: () => {},
  };
}

/** Whether an entry is a folder; links are followed, and dangling ones are files that cannot be read. */
async function isFolder(entry: Dirent, parent: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  return stat(join(parent, entry.name)).then(
    (info) => info.isDirectory(),
    () => false,
  );
}

async function openZipSource(source: string): Promise<RawFiles> {
  let zip: ZipArchive;
  try {
    zip = await openZip(source, zipLimits);
  } catch (cause) {
    if (!(cause instanceof FaceparseError)) throw cause;
    throw new FaceparseError(`${source}: ${cause.message}`, { exitCode: cause.exitCode, cause });
  }
  const folders = new Map<string, string[]>();
  for (const { name } of zip.entries) {
    const slash = name.lastIndexOf('/');
    const folder = slash < 0 ? '' : name.slice(0, slash);
    const names = folders.get(folder) ?? [];
    names.push(name.slice(slash + 1));
    folders.set(folder, names);
  }
  const locate = (path: string): string => `${source}: ${path}`;
  const read = async (path: string): Promise<Uint8Array> => {
    try {
      return await zip.read(path);
    } catch (cause) {
      if (!(cause instanceof FaceparseError)) throw cause;
      throw new ImageError(locate(path), 'is damaged in the zip', 'download the zip again', cause);
    }
  };
  return {
    source,
    folders,
    unreadable: [],
    locate,
    readImage: async (path) => decodePhoto(await read(path), locate(path)),
    readText: async (path) => new TextDecoder().decode(await read(path)),
    close: () => zip.close(),
  };
}
