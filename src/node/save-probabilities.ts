import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFilesAtomic } from '../files/atomic-write.ts';
import { toHalves } from '../formats/float16.ts';
import { npyHeader } from '../formats/npy.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { ParseResult } from '../parser/result/parse-result.ts';
import { Grey16PngEncoder } from './grey16-png.ts';

/** Writes probabilities as a NumPy array of float16, C×H×W. */
export async function saveProbabilityArray(path: string, result: ParseResult, labelSet: LabelSet): Promise<void> {
  const { width, height } = result;
  const classes = labelSet.classes.length;
  const header = npyHeader('<f2', [classes, height, width]);
  await writeFilesAtomic([path], async ([file]) => {
    await writeAt(file, header, 0);
    for await (const { y, rows, data } of result.probabilityBands()) {
      const halves = toHalves(data);
      const band = rows * width;
      for (let id = 0; id < classes; id++) {
        const part = littleEndian(halves.subarray(id * band, (id + 1) * band));
        await writeAt(file, part, header.length + 2 * (id * height + y) * width);
      }
    }
  });
}

/** Writes probabilities as 16-bit greyscale PNGs, `CLASS.png` in an existing folder: 0 for 0, 65535 for 1. */
export async function saveProbabilityImages(folder: string, result: ParseResult, { classes }: LabelSet): Promise<void> {
  const { width, height } = result;
  const paths = classes.map(({ name }) => join(folder, `${name}.png`));
  await writeFilesAtomic(paths, async (files) => {
    const encoders = files.map(() => new Grey16PngEncoder(width, height));
    const write = async (parts: (encoder: Grey16PngEncoder, id: number) => Uint8Array[] | Promise<Uint8Array[]>) => {
      // The classes are deflated on several threads at once.
      await Promise.all(
        encoders.map(async (encoder, id) => {
          for (const part of await parts(encoder, id)) await files[id].writeFile(part);
        }),
      );
    };
    await write((encoder) => encoder.start());
    for await (const { rows, data } of result.probabilityBands({ rows: 64 })) {
      await write((encoder, id) => {
        const probabilities = data.subarray(id * rows * width, (id + 1) * rows * width);
        return encoder.add(toLevels(probabilities));
      });
    }
    await write((encoder) => encoder.end());
  });
}

/** Probabilities in 65536 levels. */
function toLevels(probabilities: Float32Array): Uint16Array {
  const levels = new Uint16Array(probabilities.length);
  for (let i = 0; i < levels.length; i++) levels[i] = probabilities[i] * 65535 + 0.5;
  return levels;
}

async function writeAt(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function littleEndian(values: Uint16Array): Uint8Array {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return isLittleEndian ? bytes : Buffer.from(bytes).swap16();
}
