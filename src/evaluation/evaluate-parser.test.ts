import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { maskBytes, temporaryFolder } from '../../test/dataset-fixture.ts';
import { openDataset } from '../data/dataset/dataset.ts';
import { celebamask19 } from '../labels/celebamask-19.ts';
import { mirrorTable } from '../labels/mirror.ts';
import { writeSyntheticDataset } from '../synthetic/dataset.ts';
import { readTruth } from './evaluate-parser.ts';

describe('readTruth', () => {
  it('corrects swapped sides only where it is asked to', async () => {
    const folder = await temporaryFolder();
    await writeSyntheticDataset({ folder, count: 12, size: 64, seed: 3, split: 'train' });
    const { items } = await openDataset(`${folder}/train`);
    const [item] = items;
    const plain = await readTruth(item, celebamask19);
    expect((await readTruth(item, celebamask19, true)).data).toEqual(plain.data);
    const table = mirrorTable(celebamask19);
    const swapped = { ...plain, data: plain.data.map((id) => table[id]) };
    await writeFile(item.maskPath!, maskBytes(swapped));
    expect((await readTruth(item, celebamask19)).data).toEqual(swapped.data);
    expect((await readTruth(item, celebamask19, true)).data).toEqual(plain.data);
  });
});
