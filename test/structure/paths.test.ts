import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const places = ['src', 'test', 'docs', 'bench', 'scripts', 'configs', 'native/src', 'README.md', 'weights/README.md'];

/** Paths of the repository in comments, messages and documents, such as `src/data/augmentation/warp.ts`; `…/` is of another. */
const namedPath =
  /(?<![\w./@…-])(?:src|test|docs|bench|scripts|native\/src)\/[\w./-]*\w\.(?:ts|mjs|md|py|cc|h|inl|def)\b/g;
/** Modules of the build that scripts and tests load by their path. */
const builtModule = /\b(?:dist|new URL)\(\s*'(?:(?:\.\.\/)*dist\/)?((?!\.)[\w/-]+)\.js'/g;

function filesOf(place: string): string[] {
  if (!statSync(join(root, place)).isDirectory()) return [place];
  return readdirSync(join(root, place), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs|md|yaml|py|cc|h|inl|def)$/.test(name))
    .map((name) => `${place}/${name.replaceAll('\\', '/')}`);
}

it('files that comments, messages and documents name exist, and so do modules that are loaded by their path', () => {
  const missing = places.flatMap(filesOf).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    // NAME.ts stands for any name.
    const named = (text.match(namedPath) ?? []).filter((path) => !/\/[A-Z]+\.\w+$/.test(path));
    const loaded = [...text.matchAll(builtModule)].map(([, module]) => `src/${module}.ts`);
    return [...named, ...loaded].filter((path) => !existsSync(join(root, path))).map((path) => `${file}: ${path}`);
  });
  expect(missing).toEqual([]);
});
