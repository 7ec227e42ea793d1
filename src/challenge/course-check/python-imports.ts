import { posix } from 'node:path';
import type { Fault } from '../check/fault.ts';
import { isLibrary } from './python-modules.ts';

/** A module that a Python file imports: `..blocks.conv` has level 2 and the parts `blocks`, `conv`. */
export interface PythonImport {
  /** Leading dots of a relative import; 0 if it is absolute. */
  readonly level: number;
  readonly parts: readonly string[];
  /** Names in `from x import a, b`, which may be modules too. */
  readonly names: readonly string[];
}

/**
 * The imports at the top level of a Python file. Indented imports are left out: they are often optional.
 *
 * @example pythonImports('from .losses import dice')[0] // { level: 1, parts: ['losses'], names: ['dice'] }
 */
export function pythonImports(source: string): PythonImport[] {
  const code = source.replace(/("""|''')[\s\S]*?\1/g, '').replace(/#.*$/gm, '');
  const imports: PythonImport[] = [];
  for (const [, dots = '', module = '', list = ''] of code.matchAll(
    // Without bounds, the time would grow with the square of a hostile line.
    /^from[ \t]{1,50}(\.{0,50})([\w.]{0,500})[ \t]{1,50}import[ \t]{0,50}(\([^)]{0,1000}\)|.*)$/gm,
  )) {
    const names = list.replace(/[()\\]/g, '').split(',');
    imports.push({ level: dots.length, parts: partsOf(module), names: names.map(firstWord).filter(Boolean) });
  }
  for (const [, list = ''] of code.matchAll(/^import[ \t]+(.*)$/gm)) {
    for (const name of list.split(/[,;]/, 100)) {
      if (/^\s*\w[\w.]*(\s+as\s+\w+)?\s*$/.test(name)) {
        imports.push({ level: 0, parts: partsOf(firstWord(name)), names: [] });
      }
    }
  }
  return imports;
}

function firstWord(text: string): string {
  return text.trim().split(/\s/, 1)[0] ?? '';
}

function partsOf(module: string): string[] {
  return module.split('.').filter(Boolean);
}

/** The files of a zip by folder, as Python looks for them. */
class ModuleTree {
  private readonly folders = new Set<string>();
  private readonly files: ReadonlySet<string>;

  constructor(files: ReadonlySet<string>) {
    this.files = files;
    for (const file of files) {
      if (!file.endsWith('.py')) continue;
      for (let folder = posix.dirname(file); folder !== '.'; folder = posix.dirname(folder)) this.folders.add(folder);
    }
  }

  /** The file of a module (undefined for a folder without `__init__.py`), or false if there is none. */
  find(folder: string, parts: readonly string[]): string | undefined | false {
    const path = posix.join(folder, ...parts);
    const file = [`${path}.py`, posix.join(path, '__init__.py')].find((name) => this.files.has(name));
    return file ?? (this.folders.has(path) || path === '.' ? undefined : false);
  }
}

export interface PythonImportOptions {
  /** Names of all files in the zip. */
  readonly files: ReadonlySet<string>;
  /** Reads a file of the zip as text; undefined if that fails. */
  readonly read: (name: string) => Promise<string | undefined>;
  /** Text that lists the third-party libraries. */
  readonly libraries: string;
}

/** Maximum number of files followed from one script; enough for course work. */
const mostFiles = 500;

/**
 * Checks that every Python module that scripts import, directly or indirectly, is in the zip, in the standard library or a
 * listed library. The code is read but not run.
 *
 * @param scripts names of the Python files that are run
 */
export async function checkPythonImports(scripts: readonly string[], options: PythonImportOptions): Promise<Fault[]> {
  const tree = new ModuleTree(options.files);
  const faults = new Map<string, Fault>();
  for (const script of scripts) {
    const root = posix.dirname(script);
    const queue = new Set([script]);
    for (const file of queue) {
      if (queue.size > mostFiles) break;
      for (const found of pythonImports((await options.read(file)) ?? '')) {
        const { missing, files } = resolve(found, file, root, tree, options.libraries);
        if (missing !== undefined) faults.set(`${file} ${missing}`, missingModule(file, missing, found));
        for (const next of files) queue.add(next);
      }
    }
  }
  return [...faults.values()];
}

function missingModule(where: string, module: string, { level, parts }: PythonImport): Fault {
  const rest =
    level > 0 || parts.length > 1
      ? 'which is not in the zip; add the file'
      : 'which is not in the zip and not listed as a library in Readme.txt or requirements.txt; add the file or list the library';
  return { check: 'code-incomplete', where, message: `imports ${module}, ${rest}` };
}

function resolve(
  { level, parts, names }: PythonImport,
  file: string,
  root: string,
  tree: ModuleTree,
  libraries: string,
): { readonly missing?: string; readonly files: string[] } {
  const [top = ''] = parts;
  let folder = level > 0 ? posix.join(posix.dirname(file), ...Array<string>(level - 1).fill('..')) : root;
  if (level === 0) {
    // A script may also be started from a folder above it.
    while (folder !== '.' && tree.find(folder, [top]) === false) folder = posix.dirname(folder);
    if (tree.find(folder, [top]) === false) {
      return isLibrary(top, libraries) ? { files: [] } : { missing: top, files: [] };
    }
  }
  const module = tree.find(folder, parts);
  if (module === false) {
    // A local folder may have the same name as a library, such as `datasets`.
    if (level === 0 && isLibrary(top, libraries)) return { files: [] };
    return { missing: '.'.repeat(level) + parts.join('.'), files: [] };
  }
  const found = [module, ...names.map((name) => tree.find(folder, [...parts, name]))];
  return { files: found.filter((name) => typeof name === 'string') };
}
