import { FaceparseError } from '../../text/errors.ts';
import { type FallbackFont, hasGlyph } from './font-coverage.ts';
import { typstString } from './typst-text.ts';

/**
 * Checks that Typst can typeset the characters of a text that fallback fonts have; a damaged font would leave boxes.
 *
 * @throws FaceparseError (exit code 2) that names the font
 * @example await requireUsableFonts(fallbackFonts({ author }), author)
 */
export async function requireUsableFonts(fonts: readonly FallbackFont[], text: string): Promise<void> {
  if (fonts.length === 0) return;
  const { NodeCompiler } = await import('@myriaddreamin/typst-ts-node-compiler');
  for (const { family, bytes } of fonts) {
    const characters = [...new Set(text)].filter((character) => hasGlyph(bytes, character.codePointAt(0) ?? 0));
    const compiler = NodeCompiler.create({ fontArgs: [{ fontBlobs: [bytes] }] });
    const mainFileContent = `#set text(font: ${typstString(family)}, fallback: false)\n#${typstString(characters.join(''))}`;
    let cause: unknown;
    try {
      const compiled = compiler.compile({ mainFileContent });
      const { result } = compiled;
      cause = compiled.takeDiagnostics() ?? compiled.takeWarnings();
      if (result && !cause) {
        compiler.pdf(result);
        continue;
      }
    } catch (error) {
      cause = error;
    }
    throw new FaceparseError(
      `the font ${JSON.stringify(family)} is damaged or Typst does not support it; pass another font: --font FILE.ttf`,
      { exitCode: 2, cause },
    );
  }
}
