import { expect, it } from 'vitest';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import { findClass } from './find-class.ts';

it('finds every class by its name', () => {
  for (const entry of celebamask19.classes) expect(findClass(celebamask19, entry.name)).toBe(entry);
});

it('suggests a similar name, else lists what there is', () => {
  expect(() => findClass(celebamask19, 'eyeg')).toThrow("celebamask-19 has no class 'eyeg'; did you mean 'eye_g'?");
  expect(() => findClass(face8, 'necklace')).toThrow(
    /^face-8 has no class 'necklace'; its classes are background, skin,/,
  );
  expect(() => findClass(face8, 'x'.repeat(1_000_000))).toThrow(/its classes are/);
  expect(() => findClass(face8, '__proto__')).toThrow(/no class '__proto__'/);
});
