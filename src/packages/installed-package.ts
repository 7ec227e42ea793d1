import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Fields of an installed package's package.json. */
export interface InstalledPackage {
  readonly name: string;
  readonly version?: string;
  readonly license?: string;
}

/**
 * Reads the package.json of an installed package; undefined if it is not installed. `exports` may hide this file, so it is
 * searched upwards from the package's entry.
 */
export function installedPackage(name: string): InstalledPackage | undefined {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve(name));
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
