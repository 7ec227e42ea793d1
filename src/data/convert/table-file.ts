import { readFile, stat } from 'node:fs/promises';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { findClass } from '../../labels/find-class.ts';
import { ignoreLabel } from '../../labels/label-set.ts';
import { FaceparseError } from '../../text/errors.ts';
import { quote } from '../../text/quoted-text.ts';

const mostBytes = 2 ** 20;

/** Colours of masks and their celebamask-19 ids. */
export interface Palette {
  /** Path, for messages. */
  readonly file: string;
  /** `red << 16 | green << 8 | blue` → class id. */
  readonly ids: ReadonlyMap<number, number>;
  /** Id of every other colour, from a line with `*`; without it other colours are errors. */
  readonly other?: number;
}

/** Ids of masks and their celebamask-19 ids. */
export interface IdTable {
  /** Path of the file or name of the order, for messages. */
  readonly name: string;
  readonly ids: ReadonlyMap<number, number>;
  /** Id of every other id, from a line with `*`. */
  readonly other?: number;
}

interface Line {
  readonly number: number;
  readonly text: string;
  readonly words: readonly string[];
}

/** The lines of a table without comments and a heading; words are separated by spaces, tabs, commas or semicolons. */
async function readLines(file: string): Promise<Line[]> {
  let text: string;
  try {
    const info = await stat(file);
    if (!info.isFile()) throw new Error('it is a folder or device');
    const { size } = info;
    if (size > mostBytes) throw new Error(`it has ${size} bytes; the limit is ${mostBytes}`);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? 'not found; check the path' : `cannot be read (${message})`;
    throw new FaceparseError(`${file}: ${reason}`, { exitCode: 2, cause });
  }
  const lines = text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .map((line, index) => ({
      number: index + 1,
      text: line.trim(),
      words: line.split(/[\s,;]+/).filter((word) => word !== ''),
    }));
  const filled = lines.filter(({ text: line }) => line !== '' && !line.startsWith('#'));
  if (/^(id|from|class|label)$/i.test(filled[0]?.words[0] ?? '')) filled.shift();
  if (filled.length === 0) throw new FaceparseError(`${file} is empty`, { exitCode: 2 });
  return filled;
}

function wrongLine(file: string, { number, text }: Line, expected: string): FaceparseError {
  return new FaceparseError(`${file}, line ${number}: ${quote(text)} is not ${expected}`, { exitCode: 2 });
}

function byteOf(word: string | undefined): number | undefined {
  return word !== undefined && /^\d{1,3}$/.test(word) && Number(word) < 256 ? Number(word) : undefined;
}

/** The celebamask-19 id of a class id, a class name or `ignore`. */
function targetOf(word: string, file: string, line: Line): number {
  if (word === 'ignore' || word === `${ignoreLabel}`) return ignoreLabel;
  const id = byteOf(word);
  if (id !== undefined && id < celebamask19.classes.length) return id;
  if (/^\d+$/.test(word)) {
    throw wrongLine(file, line, `valid: the ids of celebamask-19 are 0 to 18, and 255 for ignored pixels`);
  }
  try {
    return findClass(celebamask19, word).id;
  } catch (cause) {
    throw new FaceparseError(`${file}, line ${line.number}: ${(cause as Error).message}`, { exitCode: 2, cause });
  }
}

/** Adds an entry unless the same key has another id already. */
function enter(ids: Map<number, number>, key: number, id: number, file: string, line: Line, what: string): void {
  const known = ids.get(key);
  if (known !== undefined && known !== id) {
    throw new FaceparseError(`${file}, line ${line.number}: ${what} is listed twice, for ${known} and for ${id}`, {
      exitCode: 2,
    });
  }
  ids.set(key, id);
}

/**
 * Reads a palette: a line per colour with the class, then red, green and blue from 0 to 255 or `#rrggbb`, then any text. The
 * class is an id of celebamask-19, its name or `ignore`. A class may have several colours. `*` as the colour stands for all
 * other colours.
 *
 * @throws FaceparseError (exit code 2) that names the line
 * @example await readPalette('palette.txt') // with the lines "hair 255 0 0" and "1 #cc0000 skin"
 */
export async function readPalette(file: string): Promise<Palette> {
  const ids = new Map<number, number>();
  let other: number | undefined;
  for (const line of await readLines(file)) {
    const [target, first, green, blue] = line.words;
    if (first === '*') {
      other = targetOf(target, file, line);
      continue;
    }
    const hex = /^#([0-9a-f]{6})$/i.exec(first ?? '')?.[1];
    const [r, g, b] = [byteOf(first), byteOf(green), byteOf(blue)];
    const color =
      hex !== undefined
        ? Number.parseInt(hex, 16)
        : r === undefined || g === undefined || b === undefined
          ? undefined
          : (r << 16) | (g << 8) | b;
    if (color === undefined) throw wrongLine(file, line, '"class red green blue" or "class #rrggbb"');
    enter(ids, color, targetOf(target, file, line), file, line, `the colour ${formatColor(color)}`);
  }
  return { file, ids, ...(other !== undefined && { other }) };
}

/**
 * Reads a table of ids: a line per id of the masks with that id, then the class of celebamask-19 as id, name or `ignore`, then
 * any text. `*` stands for all other ids.
 *
 * @throws FaceparseError (exit code 2) that names the line
 * @example await readIdTable('table.txt') // with the lines "0 background" and "7 13 hair"
 */
export async function readIdTable(file: string): Promise<IdTable> {
  const ids = new Map<number, number>();
  let other: number | undefined;
  for (const line of await readLines(file)) {
    const [from, to] = line.words;
    const id = byteOf(from);
    if (to === undefined || (id === undefined && from !== '*')) {
      throw wrongLine(file, line, '"id class", such as "7 hair"');
    }
    const target = targetOf(to, file, line);
    if (id === undefined) other = target;
    else enter(ids, id, target, file, line, `the id ${id}`);
  }
  return { name: file, ids, ...(other !== undefined && { other }) };
}

/** Formats a colour for messages: `255,0,128`. */
export function formatColor(color: number): string {
  return `${color >> 16},${(color >> 8) & 255},${color & 255}`;
}
