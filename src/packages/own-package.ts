import { readFileSync } from 'node:fs';

/** The fields of the own package.json that are read while faceparse runs. */
export interface OwnPackage {
  readonly version: string;
  /** Always installed; version ranges by name, like those below. */
  readonly dependencies: Readonly<Record<string, string>>;
  /** Installed where npm can, and not missed until they are used. */
  readonly optionalDependencies: Readonly<Record<string, string>>;
  /** Optional peers: installed by those who need them. */
  readonly peerDependencies: Readonly<Record<string, string>>;
}

/** The own package.json; it lies two folders up both in src/ and in dist/. */
export function readOwnPackage(): OwnPackage {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as OwnPackage;
}

/** The version ranges of all packages that faceparse uses, the optional ones among them, in the order of their names. */
export function packageRanges(): Record<string, string> {
  const { dependencies, optionalDependencies, peerDependencies } = readOwnPackage();
  const ranges = { ...dependencies, ...optionalDependencies, ...peerDependencies };
  return Object.fromEntries(Object.entries(ranges).sort(([a], [b]) => (a < b ? -1 : 1)));
}
