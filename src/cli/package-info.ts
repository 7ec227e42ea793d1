import { readFileSync } from 'node:fs';

/** The fields of the own package.json that the command line shows. */
export interface PackageInfo {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The own package.json; it lies two folders up both in src/ and in dist/. */
export function readPackageInfo(): PackageInfo {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as PackageInfo;
}
