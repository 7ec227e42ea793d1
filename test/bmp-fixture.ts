/** How `bmpBytes` stores pixels. */
export interface BmpForm {
  readonly bits: 1 | 4 | 8 | 16 | 24 | 32;
  readonly topDown?: boolean;
  /** Bit masks of red, green, blue and alpha; with them the file uses bit fields and a header of 108 bytes. */
  readonly masks?: readonly [number, number, number, number];
  readonly palette?: readonly (readonly [number, number, number])[];
  /** Pixels already encoded, such as run lengths, with their compression. */
  readonly encoded?: { readonly compression: number; readonly bytes: Uint8Array };
}

/** Writes a BMP file whose pixel at (x, y) has the value `value(x, y)`: an index, or the bits of the color. */
export function bmpBytes(
  width: number,
  height: number,
  form: BmpForm,
  value: (x: number, y: number) => number = () => 0,
): Buffer {
  const { bits, topDown = false, masks, palette = [], encoded } = form;
  const headerBytes = masks ? 108 : 40;
  const start = 14 + headerBytes + 4 * palette.length;
  const rowBytes = Math.ceil((width * bits) / 32) * 4;
  const pixels = encoded ? Buffer.from(encoded.bytes) : Buffer.alloc(rowBytes * height);
  if (!encoded) {
    for (let y = 0; y < height; y++) {
      const row = (topDown ? y : height - 1 - y) * rowBytes;
      for (let x = 0; x < width; x++) {
        if (bits >= 8) pixels.writeUIntLE(value(x, y) >>> 0, row + (x * bits) / 8, bits / 8);
        else pixels[row + Math.floor((x * bits) / 8)] |= value(x, y) << (8 - bits - ((x * bits) % 8));
      }
    }
  }
  const header = Buffer.alloc(start);
  header.write('BM', 0, 'latin1');
  header.writeUInt32LE(start + pixels.length, 2);
  header.writeUInt32LE(start, 10);
  header.writeUInt32LE(headerBytes, 14);
  header.writeInt32LE(width, 18);
  header.writeInt32LE(topDown ? -height : height, 22);
  header.writeUInt16LE(1, 26);
  header.writeUInt16LE(bits, 28);
  header.writeUInt32LE(encoded?.compression ?? (masks ? 3 : 0), 30);
  header.writeUInt32LE(palette.length, 46);
  for (const [i, mask] of (masks ?? []).entries()) header.writeUInt32LE(mask >>> 0, 54 + 4 * i);
  for (const [i, [red, green, blue]] of palette.entries()) header.set([blue, green, red, 0], 14 + headerBytes + 4 * i);
  return Buffer.concat([header, pixels]);
}
