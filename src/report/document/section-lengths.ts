import { join } from 'node:path';
import { type CompiledDocument, compileFile } from './typst-compiler.ts';

/** A section and how long it is, in pages. */
export interface SectionLength {
  readonly title: string;
  readonly pages: number;
}

interface SectionStart {
  readonly body: unknown;
  readonly page: number;
  /** From the top of the page, 0 to 1. */
  readonly y: number;
}

const label = 'faceparse-sections';

/** A document of its own that includes the report, so that the report need not hold the query. */
const query = (name: string) => `#include "${name}"
#context [#metadata(query(heading.where(level: 1)).map(it => {
  let place = it.location().position()
  (body: it.body, page: place.page, y: place.y / page.height)
})) <${label}>]
`;

/** The text of typst content as a query gives it. */
function textOf(content: unknown): string {
  if (typeof content !== 'object' || content === null) return '';
  const { text, body, children, func } = content as Record<string, unknown>;
  if (typeof text === 'string') return text;
  if (Array.isArray(children)) return children.map(textOf).join('');
  return func === 'space' ? ' ' : textOf(body);
}

/** How long the sections (headings of level 1) of a document are; the last one lasts until the end of the last page. */
export function sectionLengths({ compiler, pages }: CompiledDocument, folder: string, name: string): SectionLength[] {
  const file = join(folder, `.${name}.sections`);
  compiler.addSource(file, query(name));
  const document = compileFile(compiler, file);
  const [starts = []] = compiler.query(document, { selector: `<${label}>`, field: 'value' }) as SectionStart[][];
  const begin = ({ page, y }: SectionStart) => page - 1 + y;
  return starts.map((start, index) => {
    const next = starts[index + 1];
    return { title: textOf(start.body), pages: (next ? begin(next) : pages) - begin(start) };
  });
}
