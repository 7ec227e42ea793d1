import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/**
 * The version of an installed package, undefined where it is not installed. Packages may hide their package.json behind
 * `exports`, so it is looked for upwards from their entry.
 */
export function installedVersion(name: string): string | undefined {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    while (folder !== dirname(folder)) {
      try {
        const info = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
          name?: string;
          version?: string;
        };
        if (info.name === name) return info.version;
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
