import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  visit,
} from 'yaml';
import { FaceparseError } from '../text/errors.ts';

/** Gives the position of a key in the source, e.g. `configs/demo.yaml:3`. */
export type Locate = (path: readonly PropertyKey[]) => string;

const yamlOptions = {
  schema: 'core',
  // The library compares each key with all others; see `duplicateKey`.
  uniqueKeys: false,
  stringKeys: true,
  prettyErrors: false,
  logLevel: 'error',
} as const;

function fail(message: string, cause?: unknown): never {
  throw new FaceparseError(message, { exitCode: 2, cause });
}

/** Offset of the first key that a map has twice. */
function duplicateKey(document: Document.Parsed): number | undefined {
  let offset: number | undefined;
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) {
          offset = key.range?.[0] ?? 0;
          return visit.BREAK;
        }
        seen.add(name);
      }
      return undefined;
    },
  });
  return offset;
}

/** Parses YAML without custom tags. Errors and warnings both fail, with their line. */
export function parseYaml(
  text: string,
  place: (line: number) => string,
): { document: Document.Parsed; lines: LineCounter } {
  const lines = new LineCounter();
  let document: Document.Parsed;
  try {
    document = parseDocument<ParsedNode, true>(text, { ...yamlOptions, lineCounter: lines });
  } catch (error) {
    // The parser is recursive: thousands of brackets exhaust the stack.
    if (error instanceof RangeError) return fail(`${place(1)}: the YAML is nested too deeply`, error);
    throw error;
  }
  const problem = document.errors[0] ?? document.warnings[0];
  const duplicate = problem ? undefined : duplicateKey(document);
  if (duplicate !== undefined) fail(`${place(lines.linePos(duplicate).line)}: duplicate key; remove one`);
  if (problem) {
    const line = lines.linePos(problem.pos[0]).line || 1;
    const known: Record<string, string> = {
      TAG_RESOLVE_FAILED: 'YAML tags (!…) are not allowed',
      MULTIPLE_DOCS: 'a configuration is one YAML document; remove the line ---',
    };
    fail(`${place(line)}: ${known[problem.code] ?? `not valid YAML: ${problem.message.replace(/\s*\n[\s\S]*/, '')}`}`);
  }
  return { document, lines };
}

/** The plain value of a document; the number of aliases is limited. */
export function toValue(document: Document.Parsed, place: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return fail(`${place}: not valid YAML: ${(error as Error).message}`, error);
  }
}

/** Finds keys and list entries by walking the document; those behind an alias have no line. */
export function locator(document: Document.Parsed, lines: LineCounter, source: string): Locate {
  return (path) => {
    let node: unknown = document.contents;
    let offset: number | undefined;
    for (const name of path) {
      if (isSeq(node) && typeof name === 'number') {
        node = node.items[name];
        if (!isNode(node)) break;
        offset = node.range?.[0];
        continue;
      }
      if (!isMap(node)) break;
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === name);
      if (!pair) break;
      offset = isScalar(pair.key) ? pair.key.range?.[0] : undefined;
      node = pair.value;
    }
    return offset === undefined ? source : `${source}:${lines.linePos(offset).line}`;
  };
}

/** The value at a path; undefined if the path does not exist. */
export function valueAt(config: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, part) => (value as Record<PropertyKey, unknown> | undefined)?.[part], config);
}

/** Faults that begin with `FILE:LINE: ` in the order of their lines, then those of other files. */
export function sortByLine(faults: Iterable<string>, file: string): string[] {
  const lineOf = (fault: string): number => {
    if (!fault.startsWith(`${file}:`)) return Number.POSITIVE_INFINITY;
    return Number(/^:(\d+): /.exec(fault.slice(file.length))?.[1] ?? 0);
  };
  const placed = [...faults].map((fault) => ({ fault, line: lineOf(fault) }));
  return placed.sort((a, b) => (a.line === b.line ? 0 : a.line - b.line)).map(({ fault }) => fault);
}
