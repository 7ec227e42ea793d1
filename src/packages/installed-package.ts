import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What an installed package says of itself. */
export interface InstalledPackage {
  readonly name: string;
  readonly version?: string;
  readonly license?: string;
}

/**
 * The package.json of an installed package, undefined where it is not installed. Packages may hide it behind `exports`, so
 * it is looked for upwards from their entry.
 */
export function installedPackage(name: string): InstalledPackage | undefined {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    while (folder !== dirname(folder)) {
      try {
        const info = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as InstalledPackage;
        if (info.name === name) return info;
      } catch {
        // A folder without a package.json of its own.
      }
      folder = dirname(folder);
    }
  } catch {
    // Not installed.
  }
  return undefined;
}
