import { expect, test } from 'vitest';
import { readOfficialSplit } from './official-split.ts';

const heading = 'idx        orig_idx   orig_file  \n';

test('the bounds of the splits, with and without heading', () => {
  const lines =
    '0          162770     162771.jpg\n1 162771 162772.jpg\r\n2 182637 182638.jpg\n3 182638 182639.jpg\n\n4 0 000001.jpg\n';
  const expected = ['train', 'val', 'val', 'test', 'train'];
  for (const text of [heading + lines, lines, `\ufeff${heading}${lines}`]) {
    expect([...readOfficialSplit(text, 'm.txt')]).toEqual(expected.map((split, number) => [number, split]));
  }
});

test.each([
  ['0 x 1.jpg', /m\.txt, line 2: "0 x 1\.jpg" is not "number, index in CelebA, file"/],
  ['0', /line 2: "0" is not/],
  ['-1 5 6.jpg', /line 2: "-1 5 6\.jpg" is not/],
  ['0 5 6.jpg\n0 190000 x.jpg', /line 3: photo 0 is listed twice, for two splits/],
])('refuses %j', (text, message) => {
  expect(() => readOfficialSplit(heading + text, 'm.txt')).toThrow(message);
});
