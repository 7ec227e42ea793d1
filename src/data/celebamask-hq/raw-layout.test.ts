import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawFiles } from './raw-files.ts';
import { findLayout } from './raw-layout.ts';

/** A listing of files by their paths; nothing can be read. */
function filesOf(paths: readonly string[]): RawFiles {
  const folders = new Map<string, string[]>([['', []]]);
  for (const path of paths) {
    const slash = path.lastIndexOf('/');
    const folder = slash < 0 ? '' : path.slice(0, slash);
    folders.set(folder, [...(folders.get(folder) ?? []), path.slice(slash + 1)]);
  }
  const unused = () => Promise.reject(new Error('not read'));
  return {
    source: 'SOURCE',
    folders,
    unreadable: [],
    locate: (path) => `SOURCE/${path}`,
    readImage: unused,
    readText: unused,
    close: () => {},
  };
}

const upper = (text: string, how: boolean): string => (how ? text.toUpperCase() : text);

test('numbers and parts are found with any padding, case and ending', () => {
  const face = fc.record({
    padding: fc.integer({ min: 0, max: 3 }),
    ending: fc.constantFrom('jpg', 'jpeg', 'png', 'webp', 'jfif', 'bmp', 'avif'),
    loud: fc.boolean(),
  });
  const parts = ['skin', 'l_brow', 'ear_r', 'cloth'];
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(29_999), { minLength: 1, maxLength: 8 }), face, face, (numbers, photo, part) => {
      const named = (number: number, { padding }: { padding: number }): string => '0'.repeat(padding) + number;
      const files = filesOf(
        numbers.flatMap((number) => [
          `CelebA-HQ-img/${named(number, photo)}.${upper(photo.ending, photo.loud)}`,
          ...parts.map((name) => `anno/${number % 15}/${named(number, part)}_${upper(`${name}.png`, part.loud)}`),
        ]),
      );
      const layout = findLayout(files);
      expect([...layout.photos.keys()].sort((a, b) => a - b)).toEqual([...numbers].sort((a, b) => a - b));
      for (const number of numbers) {
        expect(layout.parts.get(number)?.map(({ classId }) => classId)).toEqual([1, 6, 15, 18]);
      }
      expect(layout.leftAlone).toEqual([]);
    }),
  );
});

test('the official names win over others, and files of archivers are no data', () => {
  const layout = findLayout(
    filesOf([
      'thumbnails/0.jpg',
      'a/CelebAMask-HQ/CelebA-HQ-img/0.jpg',
      'a/CelebAMask-HQ/CelebAMask-HQ-mask-anno/0/00000_skin.png',
      'a/CelebAMask-HQ/celeba-hq-to-celeba-mapping.TXT',
      'old/0_hair.png',
      'a/CelebAMask-HQ/notes/.DS_Store',
      '__MACOSX/CelebA-HQ-img/0.jpg',
      '.Trash/CelebA-HQ-img/1.jpg',
    ]),
  );
  expect(layout).toEqual({
    photosFolder: 'a/CelebAMask-HQ/CelebA-HQ-img',
    partsFolder: 'a/CelebAMask-HQ/CelebAMask-HQ-mask-anno',
    mapping: 'a/CelebAMask-HQ/celeba-hq-to-celeba-mapping.TXT',
    photos: new Map([[0, ['a/CelebAMask-HQ/CelebA-HQ-img/0.jpg']]]),
    parts: new Map([[0, [{ classId: 1, path: 'a/CelebAMask-HQ/CelebAMask-HQ-mask-anno/0/00000_skin.png' }]]]),
    leftAlone: ['a/CelebAMask-HQ/celeba-hq-to-celeba-mapping.TXT', 'a/CelebAMask-HQ/notes/.DS_Store'],
    unknownParts: [],
  });
});
