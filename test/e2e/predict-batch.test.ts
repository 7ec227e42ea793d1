import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getuid } from 'node:process';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { crc32 } from '../../src/formats/crc.ts';
import { decodePalettePng } from '../../src/formats/png/palette-png.ts';
import { jpegBytes, temporaryFolder } from '../dataset-fixture.ts';
import { askCli, runCli } from './run-cli.ts';
import { fileFolder } from './training-fixture.ts';
import { writeRandomWeights } from './weights-fixture.ts';

const weights = await writeRandomWeights(await fileFolder(), 32);
const engine = ['--engine', 'onnx', '--threads', '1', '--faces', 'whole'];
/** Root reads every file. */
const isRoot = getuid?.() === 0;

/** An image of 8×8 whose header declares 30,000×30,000 pixels. */
async function bomb(format: 'png' | 'jpeg' | 'gif'): Promise<Buffer> {
  const image = sharp({ create: { width: 8, height: 8, channels: 3, background: 'tan' } });
  const bytes = await image.toFormat(format).toBuffer();
  if (format === 'png') {
    bytes.writeUInt32BE(30_000, 16);
    bytes.writeUInt32BE(30_000, 20);
    bytes.writeUInt32BE(crc32(bytes.subarray(12, 29)), 29);
  } else if (format === 'jpeg') {
    const frame = bytes.indexOf(Buffer.of(0xff, 0xc0));
    bytes.writeUInt16BE(30_000, frame + 5);
    bytes.writeUInt16BE(30_000, frame + 7);
  } else {
    // The canvas and its only frame.
    const frame = bytes.indexOf(Buffer.of(0x2c, 0, 0, 0, 0, 8, 0, 8, 0));
    for (const at of [6, frame + 5]) {
      bytes.writeUInt16LE(30_000, at);
      bytes.writeUInt16LE(30_000, at + 2);
    }
  }
  return bytes;
}

/** Photos that can be parsed, between files that cannot. */
async function writeBatch(folder: string): Promise<void> {
  const whole = await jpegBytes(64, 48);
  const frames = await Promise.all(
    ['red', 'blue'].map((background) =>
      sharp({ create: { width: 20, height: 10, channels: 3, background } })
        .png()
        .toBuffer(),
    ),
  );
  const files: Record<string, Uint8Array | string> = {
    'a-photo.jpg': whole,
    'b-text.jpg': 'this is no photo\n',
    'c-truncated.jpg': whole.subarray(0, whole.length / 2),
    'd-empty.jpg': '',
    'e-bomb.png': await bomb('png'),
    'f-bomb.jpg': await bomb('jpeg'),
    'g-bomb.gif': await bomb('gif'),
    'h-animated.gif': await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer(),
    'i-drawing.png': '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>',
    'z-photo.jpg': whole,
  };
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  await symlink('gone.jpg', join(folder, 'j-link.jpg'));
  if (isRoot) return;
  await writeFile(join(folder, 'k-secret.jpg'), whole);
  await chmod(join(folder, 'k-secret.jpg'), 0);
}

const badLines = [
  /b-text\.jpg: is a text file, not an image; replace it/,
  /c-truncated\.jpg: is truncated or damaged \(.*\); replace it/,
  /d-empty\.jpg: is empty \(0 bytes\); replace or remove it$/,
  /e-bomb\.png: has more than 100000000 pixels; make it smaller$/,
  /f-bomb\.jpg: has more than 100000000 pixels; make it smaller$/,
  /g-bomb\.gif: has more than 100000000 pixels; make it smaller$/,
  /i-drawing\.png: is an SVG drawing, which faceparse does not read; convert it to JPEG or PNG$/,
  /j-link\.jpg: is a broken link; restore the file/,
  ...(isRoot ? [] : [/k-secret\.jpg: cannot be read \(permission denied\); check the file and its permissions$/]),
];

describe('predict on many photos, some of which are bad', () => {
  it('says what is wrong with each in a line, parses the others, and needs little memory for bombs', async () => {
    const folder = await temporaryFolder();
    await writeBatch(join(folder, 'photos'));
    const tellMemory =
      "data:text/javascript,process.on('exit',()=>console.error('maxRSS',process.resourceUsage().maxRSS))";
    const { code, stdout, stderr } = await runCli(['predict', weights, 'photos', '--out', 'out', ...engine], {
      cwd: folder,
      env: { NODE_OPTIONS: `--import ${JSON.stringify(tellMemory)}` },
    });
    expect([code, stdout]).toEqual([1, 'wrote 3 masks to out\n']);
    expect((await readdir(join(folder, 'out'))).sort()).toEqual(['a-photo.png', 'h-animated.png', 'z-photo.png']);
    const lines = stderr.split('\n').filter((line) => line.startsWith('faceparse: '));
    const total = badLines.length + 3;
    expect(lines.at(-1)).toBe(`faceparse: ${badLines.length} of ${total} photos could not be parsed (see above)`);
    expect(lines).toHaveLength(badLines.length + 1);
    for (const line of badLines)
      expect(
        lines.filter((one) => line.test(one)),
        String(line),
      ).toHaveLength(1);
    // Decoded, one bomb would take 2700 MB. The line is in KiB.
    expect(Number(/^maxRSS (\d+)$/m.exec(stderr)?.[1]) / 1024).toBeLessThan(600);
    // The first frame of the animation.
    expect(decodePalettePng(await readFile(join(folder, 'out', 'h-animated.png')))).toMatchObject({
      width: 20,
      height: 10,
    });
  });

  it('lists results and failures in the order of the photos, and the times with --profile', async () => {
    const folder = await temporaryFolder();
    await writeBatch(join(folder, 'photos'));
    const words = ['predict', weights, 'photos', '--out', 'out', '--json', '--profile', ...engine];
    const { code, stdout } = await askCli(words, { cwd: folder });
    expect(code).toBe(1);
    const { written, failures, profile } = JSON.parse(stdout);
    const photos = written.map(({ photo }: { photo: string }) => photo);
    expect(photos).toEqual(['a-photo.jpg', 'h-animated.gif', 'z-photo.jpg'].map((name) => join('photos', name)));
    expect(failures).toHaveLength(badLines.length);
    // What cannot even be opened is found first.
    const decoded = failures.filter((line: string) => !/link|secret/.test(line));
    expect(decoded).toEqual([...decoded].sort());
    expect(profile.photos).toBe(3);
    expect(profile.wall).toBeGreaterThan(0);
    for (const part of ['decode', 'preprocess', 'network', 'postprocess', 'encode', 'write']) {
      expect(profile.parts[part], part).toBeGreaterThan(0);
    }
    expect(profile.networkShare * profile.wallPerNetwork).toBeCloseTo(1, 6);
    const text = await askCli(['predict', weights, 'photos', '--out', 'out', '--force', '--profile', ...engine], {
      cwd: folder,
    });
    expect(text.stdout).toMatch(/^wrote 3 masks to out\n\npart +ms per photo +of wall time\n[-\s]+\ndecode +\d+\.\d +/);
    expect(text.stdout).toMatch(/^wall time +\d+\.\d +100 %$/m);
  });

  it.each([
    ['a truncated photo', 'c-truncated.jpg', 1],
    ['a bomb', 'e-bomb.png', 1],
    ['a drawing', 'i-drawing.png', 1],
    ['an empty file', 'd-empty.jpg', 1],
  ])('says in one line what is wrong with %s given alone', async (_, name, exit) => {
    const folder = await temporaryFolder();
    await writeBatch(join(folder, 'photos'));
    const { code, stdout, stderr } = await askCli(['predict', weights, name, ...engine], {
      cwd: join(folder, 'photos'),
    });
    expect([code, stdout]).toEqual([exit, '']);
    expect(stderr).toMatch(new RegExp(`^faceparse: ${name.replace('.', '\\.')}: [^\\n]+\\n$`));
  });

  it('says that a folder has no photos, with exit code 2', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'none'));
    const { code, stderr } = await askCli(['predict', weights, 'none', ...engine], { cwd: folder });
    expect([code, stderr]).toEqual([
      2,
      'faceparse: none contains no photos (JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP)\n',
    ]);
  });
});

describe('predict that is interrupted', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leaves only whole masks (%s)', async (signal) => {
    const folder = await temporaryFolder();
    const photos = join(folder, 'photos');
    await mkdir(photos);
    const bytes = await jpegBytes(300, 200);
    const names = Array.from({ length: 400 }, (_, index) => String(1000 + index));
    await Promise.all(names.map((name) => writeFile(join(photos, `${name}.jpg`), bytes)));
    const out = join(folder, 'out');
    const { code } = await runCli(['predict', weights, photos, '--out', out, ...engine], {
      onStart: (child) => {
        const timer = setInterval(() => {
          if (!existsSync(join(out, '1003.png'))) return;
          clearInterval(timer);
          child.kill(signal);
        }, 2);
        child.on('close', () => clearInterval(timer));
      },
    });
    expect(code).toBe(signal === 'SIGKILL' ? null : 130);
    const masks = (await readdir(out)).filter((name) => !name.startsWith('.'));
    expect(masks.length).toBeGreaterThanOrEqual(4);
    expect(masks.length).toBeLessThan(names.length);
    for (const name of masks) {
      const { width, height } = decodePalettePng(await readFile(join(out, name)));
      expect([name, width, height]).toEqual([name, 300, 200]);
    }
    if (signal !== 'SIGKILL') expect((await readdir(out)).length).toBe(masks.length);
  });
});
