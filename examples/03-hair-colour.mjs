// The mean colour of the hair, weighted by a soft mask: border pixels count in part.
// node examples/03-hair-colour.mjs face.jpg
import { drawSyntheticFace, FaceParser, readPhoto } from 'faceparse/node';

const [path] = process.argv.slice(2);
const photo = path ? await readPhoto(path) : drawSyntheticFace(7, 512).photo;
const parser = await FaceParser.load();
const result = await parser.parse(photo);
const hair = await result.mask('hair'); // 0 to 255 per pixel

const sums = [0, 0, 0];
let total = 0;
hair.data.forEach((alpha, pixel) => {
  total += alpha;
  for (let channel = 0; channel < 3; channel++) sums[channel] += alpha * photo.data[pixel * 3 + channel];
});
const colour = sums.map((sum) => Math.round(sum / Math.max(1, total)));
console.log(`hair: rgb(${colour.join(', ')})`);
await parser.dispose();
