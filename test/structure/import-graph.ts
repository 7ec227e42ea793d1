import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

/** Which modules each module imports, both as paths relative to the root, with `/`. Tests are left out: nothing imports them. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** Static and dynamic imports, re-exports and types that name another module of the project. */
const importPattern = /(?:\bfrom|\bimport)\s*\(?\s*(['"])(\.{1,2}\/[^'"]+)\1/g;

/** The relative imports of a module's text, as written. */
export function importsOf(text: string): string[] {
  // A comment may quote an import as an example.
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  return [...code.matchAll(importPattern)].map(([, , path]) => path);
}

/** Reads the import graph of all modules below a folder. */
export function readImportGraph(root: string): ImportGraph {
  const graph = new Map<string, string[]>();
  const paths = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  // The order decides at which of its entries a circle is said to begin.
  for (const path of paths.sort()) {
    const from = relative(root, path).replaceAll(sep, '/');
    const targets = importsOf(readFileSync(path, 'utf8')).map((target) =>
      posix.normalize(posix.join(dirname(from), target)),
    );
    graph.set(
      from,
      [...new Set(targets)].filter((target) => !target.startsWith('..')),
    );
  }
  return graph;
}

/**
 * Circles among the entries of any one folder, its files and its subfolders, each as a closed path: `data → parser → data`.
 *
 * A folder counts as one entry: it imports whatever a module in it imports. So a parent's file may use a subfolder, and a
 * subfolder a parent's file, as long as no chain of such steps comes back to where it began.
 */
export function findCircles(graph: ImportGraph): string[] {
  const circles: string[] = [];
  for (const [folder, entries] of entryGraphs(graph)) {
    const circle = findCircle(entries);
    if (circle) circles.push(circle.map((name) => posix.join(folder, name)).join(' → '));
  }
  return circles;
}

/** For each folder, which of its entries import which others. */
function entryGraphs(graph: ImportGraph): Map<string, Map<string, Set<string>>> {
  const folders = new Map<string, Map<string, Set<string>>>();
  for (const [from, targets] of graph) {
    for (const target of targets) {
      const fromParts = from.split('/');
      const targetParts = target.split('/');
      // Where the two paths part, both are entries of one folder.
      let depth = 0;
      while (fromParts[depth] === targetParts[depth] && depth < fromParts.length - 1) depth++;
      const [source, destination] = [fromParts[depth], targetParts[depth]];
      if (source === destination || destination === undefined) continue;
      const folder = fromParts.slice(0, depth).join('/');
      const entries = folders.get(folder) ?? new Map<string, Set<string>>();
      folders.set(folder, entries);
      entries.set(source, (entries.get(source) ?? new Set()).add(destination));
    }
  }
  return folders;
}

function findCircle(entries: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (name: string): string[] | undefined => {
    if (finished.has(name)) return undefined;
    const start = path.indexOf(name);
    if (start >= 0) return [...path.slice(start), name];
    path.push(name);
    for (const target of entries.get(name) ?? []) {
      const circle = visit(target);
      if (circle) return circle;
    }
    path.pop();
    finished.add(name);
    return undefined;
  };
  for (const name of entries.keys()) {
    const circle = visit(name);
    if (circle) return circle;
  }
  return undefined;
}

/** All modules that the given ones import, directly or not, themselves included. */
export function reachableFrom(graph: ImportGraph, starts: readonly string[]): Set<string> {
  const reached = new Set<string>();
  const visit = [...starts];
  for (let module = visit.pop(); module !== undefined; module = visit.pop()) {
    if (reached.has(module)) continue;
    reached.add(module);
    visit.push(...(graph.get(module) ?? []));
  }
  return reached;
}
