import type { LabelMap } from '../image/image.ts';
import { RowUpsampler } from './row-upsampler.ts';

/**
 * The most likely class of every pixel at the size of the photo: logits C×h×w are upsampled bilinearly (half-pixel
 * centres) and then compared, never labels upsampled, which would cost 0.02 to 0.06 of F. Ties go to the lower id.
 */
export function upsampledArgmax(
  logits: Float32Array,
  [classes, height, width]: readonly [number, number, number],
  outputHeight: number,
  outputWidth: number,
): LabelMap {
  const upsampler = new RowUpsampler(height, width, outputHeight, outputWidth);
  const data = new Uint8Array(outputHeight * outputWidth);
  const values = new Float32Array(outputWidth);
  const best = new Float32Array(outputWidth);
  for (let y = 0; y < outputHeight; y++) {
    const start = y * outputWidth;
    upsampler.write(logits, 0, y, best);
    for (let c = 1; c < classes; c++) {
      upsampler.write(logits, c * height * width, y, values);
      for (let x = 0; x < outputWidth; x++) {
        if (values[x] > best[x]) {
          best[x] = values[x]!;
          data[start + x] = c;
        }
      }
    }
  }
  return { width: outputWidth, height: outputHeight, data };
}
