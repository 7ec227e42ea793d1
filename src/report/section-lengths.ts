import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CompiledDocument, compileFile } from './typst/typst-compiler.ts';

/** A section and its length in pages. */
export interface SectionLength {
  readonly title: string;
  readonly pages: number;
}

interface SectionStart {
  readonly body: unknown;
  readonly page: number;
  /** Distance from the top of the page, 0 to 1. */
  readonly y: number;
}

const label = 'faceparse-sections';
const end = 'faceparse-end';

/** Typst code that queries where sections and text end; page settings apply only within the report, so it is appended there. */
const query = `

#metadata(none) <${end}>
#context [#metadata(query(heading.where(level: 1).or(<${end}>)).map(it => {
  let place = it.location().position()
  (body: it.at("body", default: none), page: place.page, y: place.y / page.height)
})) <${label}>]
`;

/** The text of Typst content in the result of a query. */
function textOf(content: unknown): string {
  if (typeof content !== 'object' || content === null) return '';
  const { text, body, children, func } = content as Record<string, unknown>;
  if (typeof text === 'string') return text;
  if (Array.isArray(children)) return children.map(textOf).join('');
  return func === 'space' ? ' ' : textOf(body);
}

/** Where sections begin, in order, and the end of the text. */
function placesOf({ compiler }: CompiledDocument, folder: string, name: string): SectionStart[] {
  const file = join(folder, `.${name}.sections`);
  compiler.addSource(file, readFileSync(join(folder, name), 'utf8') + query);
  const { document } = compileFile(compiler, file);
  const [places = []] = compiler.query(document, { selector: `<${label}>`, field: 'value' }) as SectionStart[][];
  return places;
}

/** Lengths of the sections (level-1 headings) of a document; the last one extends to the end of the text. */
export function sectionLengths(document: CompiledDocument, folder: string, name: string): SectionLength[] {
  const starts = placesOf(document, folder, name);
  const begin = ({ page, y }: SectionStart) => page - 1 + y;
  const ends = starts.slice(1);
  return ends.map((next, index) => {
    const start = starts[index];
    return { title: textOf(start.body), pages: begin(next) - begin(start) };
  });
}

/** How far down the last page the text ends, 0 to 1. */
export function lastPageFill(document: CompiledDocument, folder: string, name: string): number {
  return placesOf(document, folder, name).at(-1)?.y ?? 0;
}
