import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readMask, readPhoto } from '../../src/image/read-image.ts';
import { FaceScore } from '../../src/metrics/face-score.ts';
import { photoPng } from '../image-fixture.ts';
import { drawScene, type Scene } from '../scene-fixture.ts';
import { askCli } from './run-cli.ts';
import { fileFolder, listFiles } from './training-fixture.ts';
import { succeed } from './weights-fixture.ts';

const two = drawScene(900, 600, [
  { x: 230, y: 250, side: 300, angle: 0 },
  { x: 640, y: 330, side: 360, angle: 90 },
]);
const engine = ['--engine', 'onnx'];

function scoreOf({ labels }: Scene, predicted: Uint8Array): number {
  const score = new FaceScore(19);
  score.add(labels.data, predicted);
  return score.summary().fPerImage;
}

describe('predict', () => {
  let cwd: string;
  beforeAll(async () => {
    cwd = await fileFolder();
    await writeFile(join(cwd, 'two.png'), await photoPng(two.photo));
    await writeFile(join(cwd, 'none.png'), await photoPng(drawScene(300, 200, []).photo));
    const { photo } = drawScene(400, 400, [{ x: 200, y: 200, side: 400, angle: 0 }]);
    await writeFile(join(cwd, 'framed.png'), await photoPng(photo));
  });

  it('finds faces at any place and angle, and writes all outputs of them', async () => {
    const outputs = ['--overlay', '--cutout', '--only', 'skin', '--crop'];
    const { written } = JSON.parse(await succeed(['predict', 'two.png', ...outputs, '--json', ...engine], cwd));
    const [{ faces, ...files }] = written;
    expect(faces).toHaveLength(2);
    const [large, small] = faces.sort((a: { angle: number }, b: { angle: number }) => b.angle - a.angle);
    expect(Math.abs(large.angle - 90)).toBeLessThan(15);
    expect(Math.abs(small.angle)).toBeLessThan(15);
    const middle = ({ box }: typeof large) => [box.x + box.width / 2, box.y + box.height / 2];
    for (const [face, x, y] of [
      [large, 640, 330],
      [small, 230, 250],
    ]) {
      expect(Math.abs(middle(face)[0] - x)).toBeLessThan(60);
      expect(Math.abs(middle(face)[1] - y)).toBeLessThan(60);
      expect(face.areas.skin).toBeGreaterThan(0.02);
    }
    const mask = await readMask(join(cwd, files.mask));
    expect([mask.width, mask.height]).toEqual([900, 600]);
    const found = scoreOf(two, mask.data);
    // The bundled network was not trained on drawn faces.
    await succeed(['predict', 'two.png', '--faces', 'whole', '--out', 'whole', ...engine], cwd);
    const whole = scoreOf(two, (await readMask(join(cwd, 'whole/two.png'))).data);
    expect(found).toBeGreaterThan(whole + 0.15);
    const only = await sharp(join(cwd, files.only)).extractChannel(0).raw().toBuffer();
    expect(only.length).toBe(mask.data.length);
    expect(mask.data.filter((id, at) => (id === 1) !== (only[at] === 255))).toHaveLength(0);
    expect(await sharp(join(cwd, files.cutout)).metadata()).toMatchObject({ width: 900, height: 600, channels: 4 });
    expect((await listFiles(join(cwd, 'masks/crop'))).sort()).toEqual([
      'images/two-1.png',
      'images/two-2.png',
      'masks/two-1.png',
      'masks/two-2.png',
    ]);
    for (const { crop } of faces) {
      const [photo, labels] = [await readPhoto(join(cwd, crop.image)), await readMask(join(cwd, crop.mask))];
      expect(photo.width).toBe(photo.height);
      expect([labels.width, labels.height]).toEqual([photo.width, photo.height]);
      expect(new Set(labels.data).size).toBeGreaterThan(5);
    }
    // Crops are a data set.
    expect(await succeed(['data', 'stats', 'masks/crop'], cwd)).toMatch(/\bskin\b/);
    const again = await askCli(['predict', 'two.png', '--crop', '--out', 'masks', ...engine], { cwd });
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/already exists/)]);
  });

  it('says where no face or several were found', async () => {
    const { code, stdout, stderr } = await askCli(['predict', 'none.png', 'two.png', '--out', 'said', ...engine], {
      cwd,
    });
    expect([code, stdout]).toEqual([0, 'wrote 2 masks to said\n']);
    expect(stderr).toContain('several faces: 2 in two.png\n');
    expect(stderr).toContain(
      'no face found in none.png: its mask is all background; --faces whole parses the whole photo\n',
    );
    const mask = await readMask(join(cwd, 'said/none.png'));
    expect([mask.width, mask.height, Math.max(...mask.data)]).toEqual([300, 200, 0]);
  });

  it('parses a photo in the right framing as a whole', async () => {
    await succeed(['predict', 'framed.png', '--out', 'auto', ...engine], cwd);
    await succeed(['predict', 'framed.png', '--faces', 'whole', '--out', 'as-is', ...engine], cwd);
    const [auto, whole] = await Promise.all(['auto', 'as-is'].map((out) => readFile(join(cwd, out, 'framed.png'))));
    expect(auto.equals(whole)).toBe(true);
  });

  it('refuses a mode that it does not know', async () => {
    const { code, stderr } = await askCli(['predict', 'two.png', '--faces', 'evry'], { cwd });
    expect([code, stderr]).toEqual([2, expect.stringContaining("--faces has no mode 'evry'; did you mean 'every'?")]);
  });
});
