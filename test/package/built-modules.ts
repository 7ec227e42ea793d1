import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built package; `npm test` builds it first. */
export const dist = fileURLToPath(new URL('../../dist', import.meta.url));

/** In JavaScript there are no imports of types left. */
const staticPattern = /^(?:import|export)\b(?:[^;'"=]*\bfrom)?\s*['"]([^'"]+)['"]/gm;
const dynamicPattern = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;

function specifiers(text: string, pattern: RegExp): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(pattern)].map(([, name]) => name);
}

/**
 * The packages, and the modules of Node, that built modules import, directly or not, without paths inside of them: `echarts`,
 * `node:fs`.
 *
 * @param lazily whether imports that are made while the code runs count, or only those that are made when it is loaded
 */
export function packagesBehind(modules: readonly string[], lazily: boolean): Set<string> {
  const packages = new Set<string>();
  const seen = new Set<string>();
  const waiting = modules.map((module) => join(dist, module));
  for (let module = waiting.pop(); module !== undefined; module = waiting.pop()) {
    if (seen.has(module)) continue;
    seen.add(module);
    const text = readFileSync(module, 'utf8');
    for (const name of [...specifiers(text, staticPattern), ...(lazily ? specifiers(text, dynamicPattern) : [])]) {
      if (name.startsWith('.')) waiting.push(join(dirname(module), name));
      else packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(name)![0]);
    }
  }
  return packages;
}
