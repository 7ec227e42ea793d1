import { FaceparseError } from '../text/errors.ts';
import { installedPackage } from './installed-package.ts';
import { packageRanges } from './own-package.ts';

/** The packages that only some features need. */
const optionalPackages = [
  '@expo-google-fonts/arimo',
  '@expo-google-fonts/noto-sans-arabic',
  '@expo-google-fonts/noto-sans-devanagari',
  '@expo-google-fonts/noto-sans-jp',
  '@expo-google-fonts/noto-sans-kr',
  '@expo-google-fonts/noto-sans-sc',
  '@expo-google-fonts/noto-sans-thai',
  '@myriaddreamin/typst-ts-node-compiler',
  'echarts',
  'onnxruntime-node',
  'yauzl',
] as const;

export type OptionalPackage = (typeof optionalPackages)[number];

/** Whether a package is optional. */
export function isOptional(name: string): name is OptionalPackage {
  return (optionalPackages as readonly string[]).includes(name);
}

/** The packages that typeset a report. */
export const typesettingPackages = ['@myriaddreamin/typst-ts-node-compiler', '@expo-google-fonts/arimo'] as const;

/** Whether a package is a font for a script that the report's own font lacks; it may also be installed in the working folder. */
export function isFallbackFont(name: string): boolean {
  return name.startsWith('@expo-google-fonts/noto-');
}

/** Returns the command that installs packages in supported versions: `npm install echarts@6`. */
export function installCommand(names: readonly OptionalPackage[]): string {
  const ranges = packageRanges();
  // In a clone of faceparse, npm ignores a plain request for an optional peer. The other packages are installed there anyway.
  const command = names.some(isFallbackFont) ? 'npm install --save-dev' : 'npm install';
  return [command, ...names.map((name) => `${name}@${ranges[name]}`)].join(' ');
}

/**
 * Checks that optional packages are installed. Call it before any work that would be lost without them.
 *
 * @param user the feature that needs them, as the start of the error: `a report`
 * @throws FaceparseError (exit code 1) that lists the missing packages and the command to install them
 */
export function requirePackages(user: string, names: readonly OptionalPackage[]): void {
  const missing = names.filter((name) => installedPackage(name) === undefined);
  if (missing.length === 0) return;
  const what = missing.length === 1 ? 'a package that is' : 'packages that are';
  // Its install script downloads CUDA libraries, which the CPU does not need and which fails without access to nuget.org.
  const skip = missing.includes('onnxruntime-node')
    ? ' (with ONNXRUNTIME_NODE_INSTALL=skip in the environment, without CUDA libraries)'
    : '';
  throw new FaceparseError(`${user} needs ${what} not installed; run: ${installCommand(missing)}${skip}`);
}
