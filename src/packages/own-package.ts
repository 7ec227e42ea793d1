import { readFileSync } from 'node:fs';

/** The fields of faceparse's package.json that are read at run time. */
export interface OwnPackage {
  readonly version: string;
  /** Always installed; version ranges by package name, as below. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Installed if npm can; a missing one is reported when it is used. */
  readonly optionalDependencies: Readonly<Record<string, string>>;
  /** Optional peers, installed by users who need them. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** Reads faceparse's package.json, two folders up from here in both src/ and dist/. */
export function readOwnPackage(): OwnPackage {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as OwnPackage;
}

/** Returns the version ranges of all packages that faceparse uses, including optional ones, sorted by name. */
export function packageRanges(): Record<string, string> {
  const { dependencies, optionalDependencies, peerDependencies } = readOwnPackage();
  const ranges = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  return Object.fromEntries(Object.entries(ranges).sort(([a], [b]) => (a < b ? -1 : 1)));
}
