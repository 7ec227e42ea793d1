import sharp, { type OverlayOptions } from 'sharp';
import type { Photo } from '../image/image.ts';
import type { LabelSet } from '../labels/label-set.ts';
import { fitText, strokeText, textWidth } from './stroke-font.ts';

export interface ImageGridOptions {
  /** Side of a cell in pixels, 16 to 1024; images keep their aspect ratio. */
  readonly cellSize?: number;
  /** Headings of the columns. */
  readonly captions?: readonly string[];
  /** Titles of the rows, to their left. */
  readonly rowCaptions?: readonly string[];
  /** Label set for a legend of classes and colours below the images. */
  readonly legend?: LabelSet;
}

const gap = 6;
const margin = 14;
const textHeight = 10;
const ink = '#2b2f36';
const mostPixels = 2 ** 27;

/** Checks an image's size against its bytes: sharp would read past the end of a short buffer. */
function requireImage(photo: Photo, place: string): void {
  const { width, height, data } = photo;
  if (!(width >= 1 && height >= 1) || data.length !== width * height * 3) {
    throw new RangeError(`the image at ${place} is ${width}×${height}, but has ${data.length} bytes of RGB`);
  }
}

/** Draws swatches with names, wrapped to the width. Returns the SVG fragment, its height and its width. */
function drawLegend(set: LabelSet, left: number, top: number, width: number) {
  const swatch = 12;
  const entryWidth = Math.max(...set.classes.map(({ name }) => textWidth(name, textHeight - 1))) + swatch + 22;
  const perLine = Math.max(1, Math.floor(width / entryWidth));
  const lineHeight = 20;
  const parts = set.classes.map(({ name, color }, i) => {
    const x = left + (i % perLine) * entryWidth;
    const y = top + Math.floor(i / perLine) * lineHeight;
    return (
      `<rect x="${x + 0.5}" y="${y + 0.5}" width="${swatch}" height="${swatch}" rx="2.5" fill="rgb(${color.join(',')})" stroke="#0003"/>` +
      strokeText(name, x + swatch + 6, y + 2, textHeight - 1, ink)
    );
  });
  return { svg: parts.join(''), height: Math.ceil(set.classes.length / perLine) * lineHeight, width: entryWidth };
}

/**
 * Lays out images in rows and columns on white, with captions and a legend, as a PNG. Images are scaled to fit their
 * cells; small ones are not smoothed, to keep label edges sharp. Missing cells stay empty. Captions are drawn as strokes
 * and need no installed font.
 *
 * @throws RangeError if there are no cells, an image's size contradicts its bytes, or the grid would be too large
 * @example await writeFile('batch.png', await imageGrid([[photo, overlay]], { captions: ['photo', 'labels'] }));
 */
export async function imageGrid(cells: readonly (readonly Photo[])[], options: ImageGridOptions = {}): Promise<Buffer> {
  const { cellSize = 192, captions = [], rowCaptions = [], legend } = options;
  const columns = Math.max(0, ...cells.map((row) => row.length));
  if (columns === 0) throw new RangeError('an image grid requires at least one image');
  if (!Number.isInteger(cellSize) || cellSize < 16 || cellSize > 1024) {
    throw new RangeError(`the cell size is ${cellSize}; it must be an integer from 16 to 1024 pixels`);
  }
  const rowTitles = Math.ceil(Math.max(0, ...rowCaptions.map((text) => textWidth(text, textHeight))));
  const left = margin + (rowTitles > 0 ? Math.min(rowTitles, 160) + 10 : 0);
  const top = margin + (captions.length > 0 ? textHeight + 12 : 0);
  const gridWidth = columns * (cellSize + gap) - gap;
  const below = top + cells.length * (cellSize + gap) - gap;
  const key = legend && drawLegend(legend, margin, below + 14, left + gridWidth - margin);
  const width = Math.ceil(Math.max(left + gridWidth, margin + (key?.width ?? 0)) + margin);
  const height = below + (key ? 14 + key.height : 0) + margin;
  if (width * height > mostPixels) {
    throw new RangeError(
      `a grid of ${cells.length}×${columns} cells of ${cellSize} pixels would be ${width}×${height}; use fewer or smaller cells`,
    );
  }

  const layers: OverlayOptions[] = [];
  for (const [r, row] of cells.entries()) {
    for (const [c, photo] of row.entries()) {
      requireImage(photo, `row ${r + 1}, column ${c + 1}`);
      const enlarged = Math.max(photo.width, photo.height) < cellSize;
      const raw = { width: photo.width, height: photo.height, channels: 3 as const };
      const { data, info } = await sharp(photo.data, { raw })
        .resize(cellSize, cellSize, { fit: 'inside', kernel: enlarged ? 'nearest' : 'lanczos3' })
        .raw()
        .toBuffer({ resolveWithObject: true });
      layers.push({
        input: data,
        raw: { width: info.width, height: info.height, channels: 3 },
        left: left + c * (cellSize + gap) + Math.floor((cellSize - info.width) / 2),
        top: top + r * (cellSize + gap) + Math.floor((cellSize - info.height) / 2),
      });
    }
  }
  const headings = captions.slice(0, columns).map((caption, c) => {
    const text = fitText(caption, textHeight, cellSize);
    const x = left + c * (cellSize + gap) + (cellSize - textWidth(text, textHeight)) / 2;
    return strokeText(text, x, margin, textHeight, ink);
  });
  const titles = rowCaptions.slice(0, cells.length).map((caption, r) => {
    const y = top + r * (cellSize + gap) + (cellSize - textHeight) / 2;
    return strokeText(fitText(caption, textHeight, 160), margin, y, textHeight, ink);
  });
  const texts = [...headings, ...titles, key?.svg ?? ''].join('');
  if (texts !== '') {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${texts}</svg>`;
    layers.push({ input: Buffer.from(svg), left: 0, top: 0 });
  }
  return sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite(layers)
    .png({ compressionLevel: 9 })
    .toBuffer();
}
