import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { maskBytes, schematicFace, temporaryFolder, writeDataset } from '../../../test/dataset-fixture.ts';
import { decodePalettePng } from '../../formats/png/palette-png.ts';
import type { LabelMap } from '../../image/image.ts';
import { celebamask19 } from '../../labels/celebamask-19.ts';
import { repairDataset } from './repair.ts';

const face = schematicFace({ without: [8] });
const slip = { ...face, data: face.data.map((id) => (id === 9 ? 8 : id)) };

async function sample(): Promise<{ root: string; folder: string }> {
  const root = await temporaryFolder();
  const folder = await writeDataset(join(root, 'train'), {
    fine: schematicFace(),
    slip,
    turned: schematicFace({ swapped: true }),
  });
  return { root, folder };
}

describe('repairDataset', () => {
  test('writes all masks: repaired ones with the standard palette, the others byte for byte', async () => {
    const { root, folder } = await sample();
    const out = join(root, 'deep/repaired');
    const result = await repairDataset(folder, out, celebamask19);
    expect(result).toEqual({ masks: 3, swapped: ['turned'], misplaced: ['slip'] });
    expect(await readdir(out)).toEqual(['masks']);
    expect((await readdir(join(out, 'masks'))).sort()).toEqual(['fine.png', 'slip.png', 'turned.png']);
    const fine = 'masks/fine.png';
    expect(await readFile(join(out, fine))).toEqual(await readFile(join(folder, fine)));
    const turned = decodePalettePng(await readFile(join(out, 'masks/turned.png')));
    expect(turned.data).toEqual(schematicFace().data);
    expect(turned.palette).toEqual(celebamask19.classes.map(({ color }) => color));
    expect(decodePalettePng(await readFile(join(out, 'masks/slip.png'))).data).toEqual(face.data);
    expect((await readdir(join(root, 'deep'))).sort()).toEqual(['repaired']);
  });

  test('pixels that are ignored (255) stay so in a repaired mask, with a palette that has an entry for them', async () => {
    const root = await temporaryFolder();
    const withIgnored = (map: LabelMap): LabelMap => ({ ...map, data: map.data.map((id, at) => (at < 40 ? 255 : id)) });
    const turned = withIgnored(schematicFace({ swapped: true }));
    const folder = await writeDataset(join(root, 'train'), { turned });
    await repairDataset(folder, join(root, 'out'), celebamask19);
    const file = join(root, 'out', 'masks', 'turned.png');
    const { data, palette } = decodePalettePng(await readFile(file));
    expect(data).toEqual(withIgnored(schematicFace()).data);
    expect(palette).toHaveLength(256);
    expect(palette.slice(0, 19)).toEqual(celebamask19.classes.map(({ color }) => color));
    // A reader that looks the colours up finds them all.
    const colors = await sharp(file).removeAlpha().raw().toBuffer();
    expect([...colors.subarray(0, 3)]).toEqual([255, 255, 255]);
  });

  test('an empty folder may be named, a filled one is refused and kept', async () => {
    const { root, folder } = await sample();
    await mkdir(join(root, 'out'));
    await repairDataset(folder, join(root, 'out'), celebamask19);
    const again = repairDataset(folder, join(root, 'out'), celebamask19);
    await expect(again).rejects.toThrow(/out exists and is not empty \(it contains masks\); use a new folder/);
    await expect(repairDataset(folder, folder, celebamask19)).rejects.toThrow(/exists and is not empty/);
    await writeFile(join(root, 'file'), '');
    await expect(repairDataset(folder, join(root, 'file'), celebamask19)).rejects.toThrow(/it is a file/);
    expect(await readdir(join(root, 'out/masks'))).toHaveLength(3);
  });

  test('an error or an interruption half-way leaves nothing behind', async () => {
    const { root, folder } = await sample();
    await writeFile(join(folder, 'masks/turned.png'), 'no PNG');
    await expect(repairDataset(folder, join(root, 'out'), celebamask19)).rejects.toThrow(/turned\.png: is not usable/);
    expect(await readdir(root)).toEqual(['train']);
    const controller = new AbortController();
    const options = { signal: controller.signal, onProgress: () => controller.abort(new Error('stop')) };
    await expect(repairDataset(folder, join(root, 'out'), celebamask19, options)).rejects.toThrow('stop');
    expect(await readdir(root)).toEqual(['train']);
  });

  test('a swapped mask with label 200 is an error that names file and label', async () => {
    const { root, folder } = await sample();
    const { width, height, data } = schematicFace({ swapped: true });
    data[0] = 200;
    await writeFile(join(folder, 'masks/turned.png'), maskBytes({ width, height, data }));
    const repair = repairDataset(folder, join(root, 'out'), celebamask19);
    await expect(repair).rejects.toThrow(
      /turned\.png: has label 200, which is not in celebamask-19; check the dataset/,
    );
  });

  describe('masks that name the sides as the viewer sees them', () => {
    /** Four such masks, of which one shows no order by itself, and one of the other convention. */
    async function viewerDataset(): Promise<{ root: string; folder: string }> {
      const root = await temporaryFolder();
      const turned = schematicFace({ swapped: true });
      const bare = schematicFace({ swapped: true, without: [2, 4, 5, 6, 7, 9] });
      const folder = await writeDataset(join(root, 'train'), {
        a: turned,
        b: turned,
        c: turned,
        d: bare,
        e: schematicFace(),
      });
      return { root, folder };
    }

    test('are refused without swapSides, and nothing is left behind', async () => {
      const { root, folder } = await viewerDataset();
      await expect(repairDataset(folder, join(root, 'out'), celebamask19)).rejects.toThrow(
        /^3 of 4 masks in .* have left and right swapped, .* viewer sees them; to swap the sides of all masks, add --swap-sides/,
      );
      expect(await readdir(root)).toEqual(['train']);
    });

    test('with swapSides all are swapped, except those that show the contrary', async () => {
      const { root, folder } = await viewerDataset();
      const result = await repairDataset(folder, join(root, 'out'), celebamask19, { swapSides: true });
      expect(result).toEqual({ masks: 5, swapped: ['a', 'b', 'c', 'd'], misplaced: [] });
      const written = async (stem: string) =>
        decodePalettePng(await readFile(join(root, 'out/masks', `${stem}.png`))).data;
      expect(await written('a')).toEqual(schematicFace().data);
      expect(await written('d')).toEqual(schematicFace({ without: [2, 4, 5, 6, 7, 8] }).data);
      expect(await readFile(join(root, 'out/masks/e.png'))).toEqual(await readFile(join(folder, 'masks/e.png')));
    });

    test('swapSides is refused for masks of the person’s sides', async () => {
      const { root, folder } = await sample();
      await expect(repairDataset(folder, join(root, 'out'), celebamask19, { swapSides: true })).rejects.toThrow(
        /do not name left and right as the viewer sees them: .*; remove --swap-sides/,
      );
    });
  });
});
