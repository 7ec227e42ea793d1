import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Fields of an installed package's package.json. */
export interface InstalledPackage {
  readonly name: string;
  readonly version?: string;
  readonly license?: string;
}

/** Finds a file of an installed package, such as `@expo-google-fonts/arimo/…`; throws if it is not installed. */
export type ResolvePackageFile = (file: string) => string;

/** Resolves next to faceparse. */
const resolveNearFaceparse: ResolvePackageFile = createRequire(import.meta.url).resolve;

/** Resolves a file of a package that only has data, such as a font: next to faceparse, otherwise from the working folder. */
export function resolveDataFile(file: string): string {
  try {
    return resolveNearFaceparse(file);
  } catch {
    return createRequire(join(process.cwd(), 'package.json')).resolve(file);
  }
}

/**
 * Reads the package.json of an installed package; undefined if it is not installed. `exports` may hide this file, so it is
 * searched upwards from the package's entry.
 */
export function installedPackage(
  name: string,
  resolve: ResolvePackageFile = resolveNearFaceparse,
): InstalledPackage | undefined {
  try {
    let folder = dirname(resolve(name));
    while (folder !== dirname(folder)) {
      try {
        const info = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as InstalledPackage;
        if (info.name === name) return info;
      } catch {
        // This folder has no package.json.
      }
      folder = dirname(folder);
    }
  } catch {
    // Not installed.
  }
  return undefined;
}
