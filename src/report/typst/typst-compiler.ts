import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { NodeCompiler, NodeError, NodeTypstDocument } from '@myriaddreamin/typst-ts-node-compiler';
import { FaceparseError } from '../../text/errors.ts';

/** A compiled document whose contents can be queried. */
export interface CompiledDocument {
  readonly pages: number;
  readonly pdf: () => Uint8Array;
  /** Compiler warnings, such as a missing font, each with its location. */
  readonly warnings: readonly string[];
  readonly compiler: NodeCompiler;
}

const styles = ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'] as const;

/** Arimo is metric-compatible with Arial. It is installed as a package, so a report looks the same on every machine. */
export function readFont(style: (typeof styles)[number]): Buffer {
  const require = createRequire(import.meta.url);
  return readFileSync(require.resolve(`@expo-google-fonts/arimo/${style}/Arimo_${style}.ttf`));
}

/** Folder of additional fonts, inside the folder of a report. */
export const fontsFolder = 'fonts';

function ownFonts(folder: string): Buffer[] {
  try {
    const names = readdirSync(join(folder, fontsFolder)).sort();
    return names.filter((name) => /\.[ot]tf$/i.test(name)).map((name) => readFileSync(join(folder, fontsFolder, name)));
  } catch {
    return [];
  }
}

interface Diagnostic {
  readonly message: string;
  readonly path: string;
  readonly range: { readonly start: { readonly line: number } } | null;
}

/** Further warnings are dropped. */
const mostWarnings = 20;

function diagnosticsOf(compiler: NodeCompiler, found: NodeError | null): Diagnostic[] {
  return found ? (compiler.fetchDiagnostics(found) as Diagnostic[]) : [];
}

/** `FILE:LINE`, or `FILE` if the line is unknown. */
function placeOf(diagnostic: Diagnostic | undefined, file: string): string {
  const path = diagnostic?.path || file;
  return diagnostic?.range ? `${path}:${diagnostic.range.start.line + 1}` : path;
}

/** The first error as `FILE:LINE: message`. */
function explain(compiler: NodeCompiler, error: NodeError | null, file: string): FaceparseError {
  const [first] = diagnosticsOf(compiler, error);
  return new FaceparseError(
    `${placeOf(first, file)}: ${first?.message ?? 'Typst cannot compile it'}; fix the line and compile again`,
  );
}

/** Compiles a file in the compiler's folder. @throws FaceparseError that names file, line and problem */
export function compileFile(
  compiler: NodeCompiler,
  file: string,
): { readonly document: NodeTypstDocument; readonly warnings: readonly string[] } {
  const compiled = compiler.compile({ mainFilePath: file, resetRead: true });
  const document = compiled.result;
  if (!document || compiled.hasError()) throw explain(compiler, compiled.takeDiagnostics(), file);
  const warnings = diagnosticsOf(compiler, compiled.takeWarnings()).map(
    (warning) => `${placeOf(warning, file)}: ${warning.message}`,
  );
  return { document, warnings: [...new Set(warnings)].slice(0, mostWarnings) };
}

/** The PDF of a document, which a damaged font or picture prevents. */
function writePdf(compiler: NodeCompiler, document: NodeTypstDocument, file: string): Uint8Array {
  try {
    return compiler.pdf(document);
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const message = /message: "((?:[^"\\]|\\.){1,300})"/.exec(text)?.[1]?.replace(/\\(.)/g, '$1') ?? text.slice(0, 300);
    throw new FaceparseError(`${file} cannot be written as a PDF: ${message}; replace that font or picture`, { cause });
  }
}

/**
 * Compiles a Typst file. It may read only files in its folder; the PDF does not depend on date or machine.
 *
 * @throws FaceparseError (exit code 1) that names file, line and problem
 */
export async function compileDocument(folder: string, name: string): Promise<CompiledDocument> {
  const { NodeCompiler } = await import('@myriaddreamin/typst-ts-node-compiler');
  const compiler = NodeCompiler.create({
    workspace: folder,
    fontArgs: [{ fontBlobs: [...styles.map(readFont), ...ownFonts(folder)] }],
  });
  // Files may have changed since this process last compiled them.
  compiler.evictCache(0);
  const { document, warnings } = compileFile(compiler, join(folder, name));
  return { pages: document.numOfPages, pdf: () => writePdf(compiler, document, name), warnings, compiler };
}
