import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/dataset-fixture.ts';
import { findRun } from './find-run.ts';

let parent: string;
let run: string;

beforeEach(async () => {
  parent = await temporaryFolder();
  run = join(parent, 'a');
  await mkdir(join(run, 'weights'), { recursive: true });
  await mkdir(join(run, 'notes'));
  for (const name of ['config.yaml', 'metrics.csv', 'weights/best.safetensors', 'notes/x.txt']) {
    await writeFile(join(run, name), '');
  }
});

describe('findRun', () => {
  it.each(['', '/', 'config.yaml', 'metrics.csv', 'weights', 'weights/', 'weights/best.safetensors'])(
    'finds the run of its part %j',
    async (part) => {
      const path = part.startsWith('/') ? run + part : join(run, part);
      expect((await findRun(path)).replace(/\/$/, '')).toBe(run);
    },
  );

  it.each<[string, RegExp]>([
    ['nowhere', /^no run to resume at \S*nowhere: no such file or folder$/],
    ['', /: it contains the runs \S*a; give one of them$/],
    ['a/notes', /: the folder has no config\.yaml, so it is not a run folder$/],
    ['a/notes/x.txt', /: it is a file outside of a run folder; give the folder that `faceparse train` wrote/],
    ['net.pth', /: it is a PyTorch checkpoint; give the folder/],
    ['old.pt', /: it is a PyTorch checkpoint; give the folder/],
    ['named.pth', /: it is named like a PyTorch checkpoint; /],
    ['net.onnx', /: it is an ONNX network; /],
    ['all.zip', /: it is a zip file; /],
    [
      'w.safetensors',
      /: it is a weights file outside of a run folder; to start a new run from it: .*train\.init=\S*w\.safe/,
    ],
    ['my.yaml', /: it is a YAML file outside of a run folder; /],
    ['photo.jpg', /: it is a file outside of a run folder; /],
  ])('says what %j is instead', async (name, message) => {
    const zip = 'PK\u0003\u0004 and more';
    await writeFile(join(parent, 'net.pth'), zip);
    await writeFile(join(parent, 'all.zip'), zip);
    await writeFile(join(parent, 'old.pt'), Buffer.of(0x80, 2));
    for (const other of ['named.pth', 'net.onnx', 'w.safetensors', 'my.yaml', 'photo.jpg']) {
      await writeFile(join(parent, other), '');
    }
    await expect(findRun(join(parent, name))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(message),
    });
  });

  it('names three of many runs', async () => {
    for (const name of ['b', 'c', 'd', 'e']) {
      await mkdir(join(parent, name));
      await writeFile(join(parent, name, 'config.yaml'), '');
    }
    await expect(findRun(parent)).rejects.toThrow(/\/a, \S*\/b, \S*\/c and 2 more; give one of them$/);
  });
});
