import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { NodeCompiler, NodeError, NodeTypstDocument } from '@myriaddreamin/typst-ts-node-compiler';
import { FaceparseError } from '../../text/errors.ts';

/** A compiled document, which can be asked for what it holds. */
export interface CompiledDocument {
  readonly pages: number;
  readonly pdf: () => Uint8Array;
  /** What the compiler says of a document that it could compile, such as a font that is not there, each with its place. */
  readonly warnings: readonly string[];
  readonly compiler: NodeCompiler;
}

const styles = ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'] as const;

/** Arimo has the widths of Arial; it comes as a package, so that a report looks the same on every machine. */
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

/** More say no more. */
const mostWarnings = 20;

function diagnosticsOf(compiler: NodeCompiler, found: NodeError | null): Diagnostic[] {
  return found ? (compiler.fetchDiagnostics(found) as Diagnostic[]) : [];
}

/** `FILE:LINE`, as far as it is known. */
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

/** A file of the compiler's folder, compiled. @throws FaceparseError that says file, line and what is wrong */
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
 * @throws FaceparseError (exit code 1) that says file, line and what is wrong
 */
export async function compileDocument(folder: string, name: string): Promise<CompiledDocument> {
  const { NodeCompiler } = await import('@myriaddreamin/typst-ts-node-compiler');
  const compiler = NodeCompiler.create({
    workspace: folder,
    fontArgs: [{ fontBlobs: [...styles.map(readFont), ...ownFonts(folder)] }],
  });
  // Files may have changed since this process compiled them last.
  compiler.evictCache(0);
  const { document, warnings } = compileFile(compiler, join(folder, name));
  return { pages: document.numOfPages, pdf: () => writePdf(compiler, document, name), warnings, compiler };
}
