import { expect, it } from 'vitest';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import { findClass, findClasses } from './find-class.ts';

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

it('finds ids by names and ids, each once', () => {
  expect(findClasses(celebamask19, 'hair')).toEqual([13]);
  expect(findClasses(celebamask19, ['u_lip', 'l_lip', 'u_lip', 0])).toEqual([11, 12, 0]);
  expect(() => findClasses(celebamask19, 19)).toThrow('celebamask-19 has no class with the id 19; its ids are 0 to 18');
  expect(() => findClasses(celebamask19, ['hair', 'hat ', Number.NaN])).toThrow(/did you mean 'hat'/);
  expect(() => findClasses(celebamask19, Number.NaN)).toThrow(/the id NaN/);
  expect(() => findClasses(celebamask19, undefined as never)).toThrow('a class is a name or an id, not undefined');
  expect(() => findClasses(celebamask19, [Symbol('x')] as never)).toThrow('a class is a name or an id, not a symbol');
  expect(() => findClasses(celebamask19, [])).toThrow('no class is given; name at least one');
});
