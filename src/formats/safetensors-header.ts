import { FaceparseError } from '../text/errors.ts';
import { escapeControls, quote } from '../text/quoted-text.ts';
import type { ByteSource } from './byte-source.ts';

/** The place of one tensor in a safetensors file. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Position in the file of its first byte. */
  readonly start: number;
  /** Position in the file after its last byte. */
  readonly end: number;
}

/** The header of a safetensors file: its tensors in the header's order, and its metadata. */
export interface SafetensorsHeader {
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: Record<string, string>;
}

/** Name that the format reserves for the metadata. */
export const metadataName = '__metadata__';
/** Headers of networks are far below 1 MiB; parsing a hostile one takes much more time and memory than its size. */
export const maxHeaderBytes = 4 * 2 ** 20;
/** The limit of PyTorch and NumPy. */
const maxDimensions = 64;
/** Longer values of a damaged header are cut in messages. */
const shownLength = 100;

/**
 * Reads the header of a safetensors file and checks it against the size of the file.
 *
 * @param elementBytes bytes of one element, by dtype; other dtypes are errors
 * @throws FaceparseError if the file is truncated, inconsistent or not a safetensors file; it does not name the file,
 * because the caller knows it
 * @see https://huggingface.co/docs/safetensors
 */
export function readSafetensorsHeader(
  source: ByteSource,
  elementBytes: Readonly<Record<string, number>>,
): SafetensorsHeader {
  if (source.size < 8) throw cutShort(8, source.size);
  const declared = new DataView(source.read(0, 8).buffer).getBigUint64(0, true);
  if (declared > BigInt(maxHeaderBytes)) {
    throw new FaceparseError(
      `not a safetensors file: its header would have ${declared} bytes; the limit is ${maxHeaderBytes}`,
    );
  }
  const dataStart = 8 + Number(declared);
  if (source.size < dataStart) throw cutShort(dataStart, source.size);
  let header: unknown;
  let names: string[];
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(source.read(8, dataStart));
    header = JSON.parse(text);
    names = namesInOrder(text);
  } catch (cause) {
    if (cause instanceof FaceparseError) throw cause;
    throw new FaceparseError(`not a safetensors file: its header is not JSON (${(cause as Error).message})`, { cause });
  }
  if (!isRecord(header)) throw new FaceparseError('not a safetensors file: its header is not a JSON object');
  const entries: SafetensorsEntry[] = [];
  for (const name of names) {
    if (name !== metadataName) entries.push(readEntry(name, header[name], elementBytes, dataStart));
  }
  checkLayout(entries, source.size, dataStart);
  return { entries, metadata: readMetadata(header[metadataName]) };
}

/**
 * Returns the keys of the outermost object of valid JSON, in the order of the text; `JSON.parse` loses this order for
 * integer-like keys. A duplicate key in any object is an error; `JSON.parse` would accept it.
 */
function namesInOrder(json: string): string[] {
  const open: Set<string>[] = [];
  let outermost: Set<string> | undefined;
  for (const [token, isName] of json.matchAll(/"(?:[^"\\]+|\\.)*"(\s*:)?|[{}]/gs)) {
    if (token === '{') {
      open.push(new Set());
      outermost ??= open[0];
    } else if (token === '}') open.pop();
    else if (isName) {
      const name: string = JSON.parse(token.slice(0, -isName.length));
      const names = open[open.length - 1];
      if (names.has(name)) throw damaged(`the name ${quote(name)} appears twice in the header`);
      names.add(name);
    }
  }
  return [...(outermost ?? [])];
}

function readEntry(
  name: string,
  value: unknown,
  elementBytes: Readonly<Record<string, number>>,
  dataStart: number,
): SafetensorsEntry {
  const what = `tensor ${quote(name)}`;
  if (!isRecord(value)) throw damaged(`${what} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(elementBytes, dtype)) {
    const known = Object.keys(elementBytes).join(', ');
    throw new FaceparseError(`${what} has dtype ${brief(dtype)}; only ${known} can be read here`);
  }
  if (Array.isArray(shape) && shape.length > maxDimensions) {
    throw damaged(`${what} has ${shape.length} dimensions; the limit is ${maxDimensions}`);
  }
  const elements = isSizes(shape) ? elementCount(shape) : undefined;
  if (!isSizes(shape) || elements === undefined) throw damaged(`${what} has the shape ${brief(shape)}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    throw damaged(`${what} has the data_offsets ${brief(offsets)}`);
  }
  const [begin, end] = offsets;
  const wanted = elements * elementBytes[dtype];
  if (end - begin !== wanted) {
    throw damaged(
      `${what}, ${dtype} [${shape.join(', ')}], requires ${wanted} bytes, but its data_offsets span ${end - begin}`,
    );
  }
  return { name, dtype, shape, start: dataStart + begin, end: dataStart + end };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || Object.values(value).some((text) => typeof text !== 'string')) {
    throw damaged(`${metadataName} must map names to strings`);
  }
  return value as Record<string, string>;
}

/** Checks that tensors cover the data area exactly once: no gaps, no overlaps, nothing after the last tensor. */
function checkLayout(entries: readonly SafetensorsEntry[], fileBytes: number, dataStart: number): void {
  const byPlace = [...entries].sort((a, b) => a.start - b.start || a.end - b.end);
  let promised = dataStart;
  for (const { name, start, end } of byPlace) {
    const [begin, covered] = [start - dataStart, promised - dataStart];
    if (begin < covered) throw damaged(`tensor ${quote(name)} overlaps the one before it at byte ${begin}`);
    if (begin > covered) throw damaged(`no tensor covers bytes ${covered} to ${begin}`);
    promised = end;
  }
  if (fileBytes < promised) throw cutShort(promised, fileBytes);
  if (fileBytes > promised) throw damaged(`${fileBytes - promised} bytes follow the last tensor`);
}

/** Product of the sizes, or undefined if it is not a safe integer. */
export function elementCount(shape: readonly number[]): number | undefined {
  const product = shape.reduce((total, size) => total * size, 1);
  return shape.every((size) => size >= 0) && Number.isSafeInteger(product * 8) ? product : undefined;
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value of the header as JSON, cut to a length that fits into a message. */
function brief(value: unknown): string {
  const json = escapeControls(JSON.stringify(value) ?? 'undefined');
  return json.length > shownLength ? `${json.slice(0, shownLength)}…` : json;
}

function cutShort(promised: number, there: number): FaceparseError {
  return new FaceparseError(
    `the file is truncated: the header declares ${promised} bytes, but only ${there} are present; download or write it again`,
  );
}

function damaged(what: string): FaceparseError {
  return new FaceparseError(`the safetensors file is damaged: ${what}`);
}
