import { inflateSync } from 'node:zlib';

/** Facts recorded in a PDF. */
export interface PdfFacts {
  /** Undefined if no page is found, such as in an encrypted file. */
  readonly pages?: number;
  /** Keywords in the document information; empty if missing or not plain text. */
  readonly keywords: string;
}

/** Limits against hostile files. */
const bounds = {
  streams: 1000,
  streamBytes: 2 ** 27,
  unpackedBytes: 2 ** 25,
  pageNodes: 100,
  dictionaryCharacters: 2 ** 14,
};

/**
 * Counts the pages of a PDF and reads its keywords; time and memory are bounded, and nothing in the file is executed.
 *
 * @example readPdfFacts(bytes) // { pages: 5, keywords: 'matriculation number A12345678B' }
 */
export function readPdfFacts(bytes: Uint8Array): PdfFacts {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts = [file.toString('latin1')];
  texts.push(...objectStreams(file, texts.join('')));
  const counts = texts.flatMap(pageCounts);
  const single = texts.reduce((sum, text) => sum + countPages(text), 0);
  const pages = counts.length > 0 ? Math.max(...counts) : single;
  const keywords = texts.map((text) => /\/Keywords\s{0,9}\(([^()\\]{0,4000})\)/.exec(text)?.[1]).find(Boolean) ?? '';
  return { ...(pages > 0 && { pages }), keywords };
}

/** Since PDF 1.5, objects may be stored in compressed streams. */
function objectStreams(file: Buffer, text: string): string[] {
  const found: string[] = [];
  let room = bounds.unpackedBytes;
  let packed = bounds.streamBytes;
  const start = /\/Type\s{0,9}\/ObjStm\b/g;
  let at = start.exec(text);
  for (let seen = 0; at && seen < bounds.streams && room > 0 && packed > 0; seen++, at = start.exec(text)) {
    const head = text.slice(at.index, at.index + 2000);
    const data = /\bstream\r?\n/.exec(head);
    if (!data) continue;
    const begin = at.index + data.index + data[0].length;
    const end = text.indexOf('endstream', begin);
    if (end < 0) break;
    packed -= end - begin;
    try {
      const unpacked = inflateSync(file.subarray(begin, end), { maxOutputLength: room }).toString('latin1');
      room -= unpacked.length;
      found.push(unpacked);
    } catch (error) {
      // Encrypted or damaged; the pages of other streams still count. A stream that is too long has used all the room.
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') break;
    }
  }
  return found;
}

/** `/Count` of every node of the page tree; the root has the largest. */
function pageCounts(text: string): number[] {
  const counts: number[] = [];
  const node = /\/Type\s{0,9}\/Pages\b/g;
  for (let seen = 0, at = node.exec(text); at && seen < bounds.pageNodes; seen++, at = node.exec(text)) {
    const count = /\/Count\s{1,9}(\d{1,9})/.exec(dictionaryAround(text, at.index))?.[1];
    if (count !== undefined) counts.push(Number(count));
  }
  return counts;
}

function dictionaryAround(text: string, at: number): string {
  const begin = edge(text, at, -1);
  return text.slice(begin, edge(text, at, 1));
}

/** Finds the start (direction -1) or end (1) of the dictionary at a position. */
function edge(text: string, from: number, direction: -1 | 1): number {
  const [inner, outer] = direction < 0 ? ['>>', '<<'] : ['<<', '>>'];
  let depth = 0;
  for (let moved = 0, at = from; moved < bounds.dictionaryCharacters && at >= 0 && at < text.length; moved++) {
    if (text.startsWith(inner, at)) {
      depth++;
      at += 2 * direction;
    } else if (text.startsWith(outer, at)) {
      if (depth-- === 0) return at;
      at += 2 * direction;
    } else at += direction;
  }
  return from;
}

function countPages(text: string): number {
  return text.match(/\/Type\s{0,9}\/Page(?![A-Za-z])/g)?.length ?? 0;
}
