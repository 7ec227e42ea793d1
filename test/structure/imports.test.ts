import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { findCircles, importsOf, reachableFrom, readImportGraph } from './import-graph.ts';

const source = fileURLToPath(new URL('../../src', import.meta.url));
const graph = readImportGraph(source);

const scratch = mkdtempSync(join(tmpdir(), 'faceparse-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** The circles in a folder of these modules, each with its imports. */
function circlesOf(name: string, modules: Readonly<Record<string, readonly string[]>>): string[] {
  for (const [path, imports] of Object.entries(modules)) {
    const file = join(scratch, name, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, imports.map((target) => `import '${target}';\n`).join(''));
  }
  return findCircles(readImportGraph(join(scratch, name)));
}

describe('the import graph of src/', () => {
  it('holds every import of a module that exists', () => {
    expect(graph.size).toBeGreaterThan(250);
    for (const [from, targets] of graph) {
      for (const target of targets)
        if (target.endsWith('.ts')) expect(graph.has(target), `${from} → ${target}`).toBe(true);
    }
  });

  it('has no circle, neither among files nor among folders, at any depth', () => {
    expect(findCircles(graph)).toEqual([]);
  });

  it('gets a circle when one import is planted', () => {
    const copy = join(scratch, 'planted');
    cpSync(source, copy, { recursive: true });
    const file = join(copy, 'image', 'image.ts');
    writeFileSync(file, `import '../parser/argmax.ts';\n${readFileSync(file, 'utf8')}`);
    expect(findCircles(readImportGraph(copy)).join('\n')).toMatch(/^(?=.*\bimage\b)(?=.*\bparser\b).* → /);
  });

  it('keeps Node out of what runs in browsers', () => {
    const nodeOnly = /(?:\bfrom|\bimport)\s*\(?\s*['"](node:[^'"]+|sharp|onnxruntime-node)['"]/;
    for (const module of reachableFrom(graph, ['index.ts', 'browser.ts', 'config/index.ts'])) {
      const text = readFileSync(join(source, module), 'utf8');
      expect(nodeOnly.exec(text)?.[1], module).toBeUndefined();
    }
  });
});

describe('findCircles', () => {
  it.each<[string, Record<string, string[]>, string[]]>([
    ['two files', { 'a.ts': ['./b.ts'], 'b.ts': ['./a.ts'] }, ['a.ts → b.ts → a.ts']],
    [
      'two folders, though no file imports itself',
      { 'a/x.ts': ['../b/y.ts'], 'a/z.ts': [], 'b/y.ts': ['../a/z.ts'] },
      ['a → b → a'],
    ],
    [
      'folders inside of a folder',
      { 'r/a/x.ts': ['../b/y.ts'], 'r/a/z.ts': [], 'r/b/y.ts': ['../a/z.ts'] },
      ['r/a → r/b → r/a'],
    ],
    ['a folder and a file beside it', { 'a/x.ts': ['../y.ts'], 'a/z.ts': [], 'y.ts': ['./a/z.ts'] }, ['a → y.ts → a']],
    ['nothing where imports go one way', { 'a/x.ts': ['../b/y.ts', '../c.ts'], 'b/y.ts': ['../c.ts'], 'c.ts': [] }, []],
  ])('finds %s', (name, modules, circles) => {
    expect(circlesOf(name, modules)).toEqual(circles);
  });
});

describe('importsOf', () => {
  it('reads static and dynamic imports, re-exports and types, but no comments', () => {
    const text = `import { a } from './a.ts';
import type { B } from "../b.ts";
export * from '../../src/index.ts';
import '../../src/node.ts';
const e = await import('../../src/browser.ts');
type F = import('../../src/config/index.ts').F;
// import './g.ts';
/** @example import { h } from './h.ts'; */
import { readFileSync } from 'node:fs';`;
    expect(importsOf(text)).toEqual([
      './a.ts',
      '../b.ts',
      '../../src/index.ts',
      '../../src/node.ts',
      '../../src/browser.ts',
      '../../src/config/index.ts',
    ]);
  });
});
