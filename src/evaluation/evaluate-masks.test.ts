import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { maskBytes, schematicFace, temporaryFolder, writeDataset } from '../../test/dataset-fixture.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { encodePng } from '../formats/png/png-encoder.ts';
import type { LabelMap } from '../image/image.ts';
import { encodeLabelPng } from '../image/label-png.ts';
import { getLabelSet } from '../labels/registry.ts';
import { FaceScore } from '../metrics/face-score.ts';
import { evaluateMasks, OtherLabelSetError } from './evaluate-masks.ts';

const set = getLabelSet('celebamask-19');
const face = schematicFace();
const bald = schematicFace({ without: [13, 11] });

async function writeMasks(masks: Readonly<Record<string, LabelMap | Uint8Array | string>>): Promise<string> {
  const folder = await temporaryFolder();
  for (const [name, mask] of Object.entries(masks)) {
    await writeFile(
      join(folder, name),
      typeof mask === 'string' || mask instanceof Uint8Array ? mask : maskBytes(mask),
    );
  }
  return folder;
}

/** A dataset of faces, one per stem. */
async function faces(...stems: readonly string[]) {
  return openDataset(
    await writeDataset(await temporaryFolder(), Object.fromEntries(stems.map((stem) => [stem, face]))),
  );
}

describe('evaluateMasks', () => {
  it('scores palette and greyscale masks as FaceScore does', async () => {
    const grey = await encodePng({ ...bald, channels: 1 });
    const folder = await writeMasks({ '0.png': face, '1.PNG': bald, '2.png': grey });
    const { summary, ...rest } = await evaluateMasks(folder, await faces('0', '1', '2'), set);
    const score = new FaceScore(19);
    for (const mask of [face, bald, bald]) score.add(face.data, mask.data);
    expect(summary).toEqual(score.summary());
    expect(summary.fPerImage).toBeLessThan(1);
    expect(rest).toEqual({ missing: [], failures: [], extra: [], others: [] });
  });

  it('scores merged labels against masks of celebamask-19', async () => {
    const merged = getLabelSet('face-8');
    const [skin, eyes] = ['skin', 'eyes'].map((name) => merged.classes.find((one) => one.name === name)!.id);
    const data = face.data.map((id) => (id === 4 || id === 5 ? eyes : id === 1 ? skin : 0));
    const folder = await writeMasks({ '0.png': { ...face, data } });
    const { summary } = await evaluateMasks(folder, await faces('0'), merged);
    expect(summary.perClass).toHaveLength(8);
    expect(summary.perClass[eyes].f1).toBe(1);
    expect(summary.fPerImage).toBeLessThan(1);
  });

  describe('masks of another label set', () => {
    const eight = getLabelSet('face-8');
    const eightFace = { ...face, data: face.data.map((id) => eight.mergeFrom?.[id] ?? 0) };

    it('are refused if their palette shows it', async () => {
      const folder = await writeMasks({ '0.png': encodeLabelPng(eightFace, eight) });
      const refusal = await evaluateMasks(folder, await faces('0'), set).catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(OtherLabelSetError);
      expect(refusal).toMatchObject({
        exitCode: 2,
        labelSet: 'face-8',
        message: expect.stringMatching(
          /0\.png has the palette of face-8, not of celebamask-19; score these masks with getLabelSet\('face-8'\)$/,
        ),
      });
      expect((await evaluateMasks(folder, await faces('0'), eight)).summary.fPerImage).toBeCloseTo(1, 5);
    });

    it('are doubted if their ids are low, and named if they are too high', async () => {
      const folder = await writeMasks({ '0.png': eightFace, '1.png': eightFace });
      const few = { ...face, data: face.data.map((id) => (id === 13 ? 2 : Number(id > 0))) };
      expect(await evaluateMasks(folder, await faces('0'), eight)).not.toHaveProperty('doubt');
      expect(await evaluateMasks(await writeMasks({ '0.png': few }), await faces('0'), set)).toMatchObject({
        doubt:
          'the masks have ids up to 2, but those of the dataset up to 13: they may have fewer classes than celebamask-19',
      });
      const { failures } = await evaluateMasks(await writeMasks({ '0.png': face }), await faces('0'), eight);
      expect(failures).toEqual([
        expect.stringMatching(
          /write class ids of face-8, 0 to 7\. If they are ids of celebamask-19, score them with that label set$/,
        ),
      ]);
    });

    it('are unusable one by one if only the order of the ids differs', async () => {
      const turned = {
        ...set,
        classes: set.classes.map((entry, id) => ({ ...entry, color: set.classes[18 - id].color })),
      };
      const folder = await writeMasks({ '0.png': encodeLabelPng(face, turned), '1.png': face });
      const { summary, failures } = await evaluateMasks(folder, await faces('0', '1'), set);
      expect(summary.images).toBe(1);
      expect(failures).toEqual([expect.stringMatching(/0\.png has ids that contradict its palette: /)]);
    });
  });

  it('names what is missing, unusable or superfluous, and scores the rest', async () => {
    const folder = await writeMasks({
      '0.png': face,
      '1.png': { width: 16, height: 16, data: new Uint8Array(256) },
      '2.png': { ...face, data: face.data.map((id) => (id === 13 ? 255 : 0)) },
      '3.png': { ...face, data: face.data.map((id) => (id === 13 ? 19 : id)) },
      '4.png': 'no PNG',
      '5.png': await encodePng({ ...face, channels: 3, data: new Uint8Array(face.data.length * 3) }),
      'x.png': face,
      'y.jpg': 'a photo',
      '._0.png': 'a desktop file',
    });
    await mkdir(join(folder, 'overlay'));
    const progress: number[] = [];
    const dataset = await faces('0', '1', '2', '3', '4', '5', '6', '7');
    const result = await evaluateMasks(folder, dataset, set, { onImage: (done) => progress.push(done) });
    expect(result).toMatchObject({ missing: ['6', '7'], extra: ['x.png'], others: ['y.jpg'] });
    expect(result.summary).toMatchObject({ images: 1, fPerImage: expect.closeTo(1, 5) });
    const reasons = [
      /1\.png is 16×16, but .*masks\/1\.png is 32×32; resize it to that size by nearest neighbour$/,
      /2\.png contains only 0 and 255, so it is a black-and-white mask; write class ids of celebamask-19, 0 to 18$/,
      /3\.png contains the value 19 at x 4, y 2; write class ids of celebamask-19, 0 to 18$/,
      /4\.png: is not usable as a mask/,
      /5\.png: is not usable as a mask: an RGB PNG/,
    ];
    expect(result.failures).toHaveLength(reasons.length);
    for (const [index, reason] of reasons.entries()) expect(result.failures[index]).toMatch(reason);
    expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('reports a truth without a pixel that counts', async () => {
    const ignored = { ...face, data: new Uint8Array(face.data.length).fill(255) };
    const dataset = await openDataset(await writeDataset(await temporaryFolder(), { a: ignored, b: face }));
    const { summary, failures } = await evaluateMasks(await writeMasks({ 'a.png': face, 'b.png': face }), dataset, set);
    expect(summary.images).toBe(1);
    expect(failures).toEqual([expect.stringMatching(/masks\/a\.png has no pixel to score: all are 255/)]);
  });

  it('reports a truth with ids outside celebamask-19, also where classes are merged', async () => {
    const stray = { ...face, data: face.data.map((id) => (id === 1 ? 30 : id)) };
    const dataset = await openDataset(await writeDataset(await temporaryFolder(), { a: stray, b: face }));
    const eight = getLabelSet('face-8');
    const merged = { ...face, data: face.data.map((id) => eight.mergeFrom![id]) };
    const folder = await writeMasks({ 'a.png': merged, 'b.png': merged });
    const { summary, failures } = await evaluateMasks(folder, dataset, eight);
    expect(failures).toEqual([expect.stringMatching(/masks\/a\.png has the label 30, but the ids of celebamask-19/)]);
    expect(summary.images).toBe(1);
  });

  it('matches names in both Unicode forms', async () => {
    const folder = await writeMasks({ [`${'Zoë'.normalize('NFD')}.png`]: face });
    const { missing, extra } = await evaluateMasks(folder, await faces('Zoë'.normalize('NFC')), set);
    expect({ missing, extra }).toEqual({ missing: [], extra: [] });
  });

  it('matches masks that all have the same suffix', async () => {
    const folder = await writeMasks({ '0_mask.png': face, '1_mask.png': face });
    const { summary, missing, extra } = await evaluateMasks(folder, await faces('0', '1', '2'), set);
    expect({ images: summary.images, missing, extra }).toEqual({ images: 2, missing: ['2'], extra: [] });
  });

  it('explains a folder that does not fit', async () => {
    const dataset = await faces('0', '1');
    const foreign = await writeMasks({ 'mask0.png': face, 'mask1.png': face });
    await expect(evaluateMasks(foreign, dataset, set)).rejects.toThrow(
      /^no mask in .* it contains mask0\.png, but a photo is 0\.jpg, whose mask is 0\.png; name masks like their photos$/,
    );
    const empty = await temporaryFolder();
    await expect(evaluateMasks(empty, dataset, set)).rejects.toThrow(/contains no PNG; masks are 8-bit/);
    await mkdir(join(empty, 'masks'));
    await writeFile(join(empty, 'notes.txt'), '');
    await expect(evaluateMasks(empty, dataset, set)).rejects.toThrow(
      /contains no PNG, only files such as notes\.txt; pass .*masks$/,
    );
    await expect(evaluateMasks(join(empty, 'notes.txt'), dataset, set)).rejects.toThrow(
      /is a file, not a folder; pass the folder/,
    );
    await expect(evaluateMasks(join(empty, 'no.zip'), dataset, set)).rejects.toThrow(
      /^folder .*no\.zip not found; check the path/,
    );
    const twice = await writeMasks({ '0.png': face, '0.PNG': face });
    await expect(evaluateMasks(twice, dataset, set)).rejects.toThrow(/0\.PNG and .*0\.png are masks of the same name/);
  });
});
