import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exists } from '../files/path-kind.ts';

/** The folder of the package, two folders up both from src/challenge/ and from dist/challenge/. */
const packageFolder = fileURLToPath(new URL('../../', import.meta.url));

/** The parts of the code; an installed package has `dist/` instead of `src/`. */
const parts = [
  'package.json',
  'package-lock.json',
  '.npmrc',
  'tsconfig.json',
  'tsconfig.build.json',
  'vitest.config.ts',
  'biome.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  'configs',
  'docs',
  'examples',
  'scripts',
  'src',
  'test',
  'bench',
  'native/binding.gyp',
  'native/install.mjs',
  'native/src',
] as const;

async function addFiles(files: Map<string, Uint8Array>, root: string, path: string): Promise<void> {
  const full = join(root, path);
  if ((await stat(full)).isFile()) {
    files.set(path, await readFile(full));
    return;
  }
  for (const name of (await readdir(full)).sort()) {
    // The packages of a workspace are installed inside it.
    if (!name.startsWith('.') && name !== 'node_modules') await addFiles(files, root, `${path}/${name}`);
  }
}

/** The code of faceparse itself, by path with forward slashes: its TypeScript and C++ sources, tests, settings and documents. */
export async function sourceFiles(root = packageFolder): Promise<Map<string, Uint8Array>> {
  const hasSources = await exists(join(root, 'src'));
  const wanted = hasSources ? parts : [...parts, 'dist'];
  const files = new Map<string, Uint8Array>();
  for (const part of wanted) {
    if (await exists(join(root, part))) await addFiles(files, root, part);
  }
  return files;
}
