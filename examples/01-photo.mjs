// Labels one photo and saves the labels as a PNG.
// node examples/01-photo.mjs face.jpg labels.png
import { writeFile } from 'node:fs/promises';
import { drawSyntheticFace, FaceParser } from 'faceparse/node';

const [photo, out = 'labels.png'] = process.argv.slice(2);
const parser = await FaceParser.load();
// Pass a path, Buffer, stream, canvas, sharp pipeline or decoded pixels. Without an argument, this parses a drawn face.
const result = await parser.parse(photo ?? drawSyntheticFace(7, 512).photo);

for (const { name, share } of result.areas) console.log(name.padEnd(12), `${(100 * share).toFixed(1)} %`);
console.log(`${result.width}×${result.height}, ${Math.round(result.timing.total)} ms`);
await writeFile(out, await result.toPng());
await parser.dispose();
