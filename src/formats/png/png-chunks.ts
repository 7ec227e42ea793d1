import { runSteps, type Steps } from '../../scheduling/steps.ts';
import { crc32 } from '../crc.ts';

/** The first bytes of every PNG file. */
export const pngSignature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);

/** Numbers of the colour types in a PNG's header. */
export const pngColorTypes = { grey: 0, rgb: 2, palette: 3, rgba: 6 } as const;

/** The header of an image of 8 or 16 bits per channel: deflate, adaptive filters, not interlaced. */
export function headerChunk(width: number, height: number, colorType: number, bitDepth: 8 | 16 = 8): Uint8Array {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([bitDepth, colorType, 0, 0, 0], 8);
  return chunk('IHDR', header);
}

/** One chunk of a PNG: length, type, body and checksum. */
export function chunk(type: string, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(body.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, body.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(body, 8);
  view.setUint32(body.length + 8, crc32(bytes.subarray(4, body.length + 8)));
  return bytes;
}

/** Joins arrays of bytes. */
export function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return runSteps(concatenateSteps(parts));
}

/** `concatenate` in steps of one array. */
export function* concatenateSteps(parts: readonly Uint8Array[]): Steps<Uint8Array<ArrayBuffer>> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
    yield;
  }
  return whole;
}
