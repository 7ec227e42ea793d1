// Pictures without a face, to paste faces on and to count false positives.
import sharp from 'sharp';

/** Classes that a tile of a real photo may show. */
const faceless = { background: 0, cloth: 18 };
const tileSide = 64;

export const backdropKinds = ['gradient', 'noise', 'shapes', 'tiles'];

/** Resizes raw pixels of any number of channels. */
export async function resizePixels(data, channels, from, to, kernel = 'cubic') {
  const raw = { width: from.width, height: from.height, channels };
  const pixels = sharp(data, { raw }).resize(to.width, to.height, { fit: 'fill', kernel });
  const { data: resized, info } = await pixels.raw().toBuffer({ resolveWithObject: true });
  if (info.channels !== channels) throw new Error(`sharp made ${info.channels} channels of ${channels}`);
  return resized;
}

/** Squares of pairs that show nothing but background and clothes, by their masks: surfaces of real photos. */
export function collectTiles(pairs, random) {
  const tiles = [];
  for (const { photo, labels } of pairs) {
    const found = [];
    for (let top = 0; top + tileSide <= photo.height; top += tileSide / 2) {
      for (let left = 0; left + tileSide <= photo.width; left += tileSide / 2) {
        if (isFaceless(labels, left, top)) found.push([left, top]);
      }
    }
    random.shuffle(found);
    for (const [left, top] of found.slice(0, 4)) tiles.push(cutTile(photo, left, top));
  }
  if (tiles.length === 0) throw new Error(`no photo has ${tileSide}² pixels of background or clothes`);
  return tiles;
}

function isFaceless({ width, data }, left, top) {
  for (let y = top; y < top + tileSide; y++) {
    for (let x = left; x < left + tileSide; x++) {
      const id = data[y * width + x];
      if (id !== faceless.background && id !== faceless.cloth) return false;
    }
  }
  return true;
}

function cutTile({ width, data }, left, top) {
  const tile = new Uint8Array(tileSide * tileSide * 3);
  for (let y = 0; y < tileSide; y++) {
    const from = ((top + y) * width + left) * 3;
    tile.set(data.subarray(from, from + tileSide * 3), y * tileSide * 3);
  }
  return tile;
}

const draw = { gradient, noise, shapes, tiles: tiled };

/** A picture without a face, as H×W×3 bytes. */
export async function drawBackdrop(kind, size, random, tiles) {
  return { ...size, data: new Uint8Array(await draw[kind](size, random, tiles)) };
}

/** Colours as photos have them: of any brightness, seldom gaudy. */
function randomColors(random, count) {
  const colors = new Uint8ClampedArray(3 * count);
  for (let i = 0; i < colors.length; i += 3) {
    const gray = random.uniform(10, 245);
    const chroma = 110 * random.uniform() ** 2;
    for (let c = 0; c < 3; c++) colors[i + c] = gray + random.uniform(-chroma, chroma);
  }
  return new Uint8Array(colors.buffer);
}

/** A wall, a sky: a few colours that change into each other. */
async function gradient(size, random) {
  const cells = 2 + random.integer(3);
  return resizePixels(randomColors(random, cells * cells), 3, { width: cells, height: cells }, size);
}

/** Foliage, gravel, cloth: noise of several sizes about one colour. */
async function noise(size, random) {
  const values = new Float32Array(size.width * size.height * 3);
  const mean = randomColors(random, 1);
  let contrast = random.uniform(40, 120);
  for (let cells = 4; cells <= 256; cells *= 4) {
    const grid = { width: cells, height: Math.max(2, Math.round((cells * size.height) / size.width)) };
    const octave = await resizePixels(randomColors(random, grid.width * grid.height), 3, grid, size);
    for (let i = 0; i < values.length; i++) values[i] += (contrast * (octave[i] - 128)) / 128;
    contrast *= random.uniform(0.4, 0.9);
  }
  return Uint8ClampedArray.from(values, (value, i) => value + mean[i % 3]);
}

/** Furniture, signs, windows: overlapping shapes with sharp edges. */
async function shapes({ width, height }, random) {
  const color = () => `rgb(${randomColors(random, 1).join()})`;
  const x = () => random.uniform(-0.1 * width, 1.1 * width).toFixed(1);
  const y = () => random.uniform(-0.1 * height, 1.1 * height).toFixed(1);
  const length = () => (width * Math.exp(random.uniform(Math.log(0.01), Math.log(0.4)))).toFixed(1);
  const shape = [
    () => `<rect x="${x()}" y="${y()}" width="${length()}" height="${length()}" fill="${color()}"/>`,
    () => `<ellipse cx="${x()}" cy="${y()}" rx="${length()}" ry="${length()}" fill="${color()}"/>`,
    () => `<polygon points="${x()},${y()} ${x()},${y()} ${x()},${y()}" fill="${color()}"/>`,
    () =>
      `<line x1="${x()}" y1="${y()}" x2="${x()}" y2="${y()}" stroke="${color()}" stroke-width="${random.uniform(2, 40).toFixed(1)}"/>`,
  ];
  const all = Array.from({ length: 20 + random.integer(100) }, () => shape[random.integer(shape.length)]());
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><rect width="100%" height="100%" fill="${color()}"/>${all.join('')}</svg>`;
  return sharp(Buffer.from(svg)).removeAlpha().raw().toBuffer();
}

/** Surfaces of real photos: shuffled, turned and enlarged tiles, often out of focus as backgrounds are. */
async function tiled({ width, height }, random, tiles) {
  const side = Math.round((width * random.uniform(1, 2.5)) / 12);
  const layers = [];
  for (let top = 0; top < height; top += side) {
    for (let left = 0; left < width; left += side) {
      const tile = sharp(tiles[random.integer(tiles.length)], {
        raw: { width: tileSide, height: tileSide, channels: 3 },
      });
      if (random.chance(0.5)) tile.flop();
      // Beyond the right and lower edge, composite would refuse the rest of a tile.
      const input = await tile
        .rotate(90 * random.integer(4))
        .resize(side, side)
        .raw()
        .toBuffer();
      const [right, below] = [Math.min(side, width - left), Math.min(side, height - top)];
      const cut = sharp(input, { raw: { width: side, height: side, channels: 3 } });
      cut.extract({ left: 0, top: 0, width: right, height: below });
      layers.push({ input: await cut.png({ compressionLevel: 0 }).toBuffer(), left, top });
    }
  }
  const blur = random.chance(0.5) ? random.uniform(0.5, side / 8) : 0;
  const canvas = sharp({ create: { width, height, channels: 3, background: 'black' } }).composite(layers);
  // Compositing adds an alpha channel.
  const data = await canvas.removeAlpha().raw().toBuffer();
  if (blur === 0) return data;
  return sharp(data, { raw: { width, height, channels: 3 } })
    .blur(blur)
    .raw()
    .toBuffer();
}
