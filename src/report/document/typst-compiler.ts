import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { NodeCompiler, NodeError, NodeTypstDocument } from '@myriaddreamin/typst-ts-node-compiler';
import { FaceparseError } from '../../errors.ts';

/** A compiled document, which can be asked for what it holds. */
export interface CompiledDocument {
  readonly pages: number;
  readonly pdf: () => Uint8Array;
  readonly compiler: NodeCompiler;
}

const styles = ['400Regular', '400Regular_Italic', '700Bold', '700Bold_Italic'];

/** Arimo has the widths of Arial; it comes as a package, so that a report looks the same on every machine. */
function readFonts(): Buffer[] {
  const require = createRequire(import.meta.url);
  return styles.map((style) => readFileSync(require.resolve(`@expo-google-fonts/arimo/${style}/Arimo_${style}.ttf`)));
}

interface Diagnostic {
  readonly message: string;
  readonly path: string;
  readonly range: { readonly start: { readonly line: number } } | null;
}

/** The first error as `FILE:LINE: message`. */
function explain(compiler: NodeCompiler, error: NodeError | null, file: string): FaceparseError {
  const [first] = error ? (compiler.fetchDiagnostics(error) as Diagnostic[]) : [];
  const path = first?.path || file;
  const place = first?.range ? `${path}:${first.range.start.line + 1}` : path;
  return new FaceparseError(`${place}: ${first?.message ?? 'typst cannot compile it'}; mend the line and build again`);
}

/** Compiles one file of the compiler's folder. @throws FaceparseError that says file, line and what is wrong */
export function compileFile(compiler: NodeCompiler, file: string): NodeTypstDocument {
  const compiled = compiler.compile({ mainFilePath: file, resetRead: true });
  const document = compiled.result;
  if (!document || compiled.hasError()) throw explain(compiler, compiled.takeDiagnostics(), file);
  return document;
}

/**
 * Compiles a typst file, which may read what lies in its folder and nothing else; neither date nor machine show in the PDF.
 *
 * @throws FaceparseError (exit code 1) that says file, line and what is wrong
 */
export async function compileDocument(folder: string, name: string): Promise<CompiledDocument> {
  const { NodeCompiler } = await import('@myriaddreamin/typst-ts-node-compiler');
  const compiler = NodeCompiler.create({ workspace: folder, fontArgs: [{ fontBlobs: readFonts() }] });
  // Files may have changed since this process compiled them last.
  compiler.evictCache(0);
  const document = compileFile(compiler, join(folder, name));
  return { pages: document.numOfPages, pdf: () => compiler.pdf(document), compiler };
}
