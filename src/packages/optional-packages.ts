import { FaceparseError } from '../text/errors.ts';
import { installedPackage } from './installed-package.ts';
import { packageRanges } from './own-package.ts';

/** The packages that faceparse runs without, until something that needs them is asked for. */
const optionalPackages = [
  '@expo-google-fonts/arimo',
  '@myriaddreamin/typst-ts-node-compiler',
  'echarts',
  'onnxruntime-node',
  'yauzl',
] as const;

export type OptionalPackage = (typeof optionalPackages)[number];

/** Whether faceparse runs without a package. */
export function isOptional(name: string): name is OptionalPackage {
  return (optionalPackages as readonly string[]).includes(name);
}

/** Those that typeset a report. */
export const typesettingPackages = ['@myriaddreamin/typst-ts-node-compiler', '@expo-google-fonts/arimo'] as const;

/** The words that install packages, in the versions that faceparse works with: `npm install echarts@6`. */
export function installCommand(names: readonly OptionalPackage[]): string {
  const ranges = packageRanges();
  return ['npm install', ...names.map((name) => `${name}@${ranges[name]}`)].join(' ');
}

/**
 * Checks that optional packages are installed; to be called before work that would be lost without them.
 *
 * @param user what needs them, as the error begins: `a report`
 * @throws FaceparseError (exit code 1) that names all that are missing and the command that installs them
 */
export function requirePackages(user: string, names: readonly OptionalPackage[]): void {
  const missing = names.filter((name) => installedPackage(name) === undefined);
  if (missing.length === 0) return;
  const what = missing.length === 1 ? 'a package that is' : 'packages that are';
  throw new FaceparseError(`${user} needs ${what} not installed; run: ${installCommand(missing)}`);
}
