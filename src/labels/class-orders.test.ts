import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { celebamask19 } from './celebamask-19.ts';
import { classOrders, classOrderTable, getClassOrder } from './class-orders.ts';

describe.each(classOrders.map((order) => [order.name, order] as const))('class order %s', (_, order) => {
  test('is another order: known classes, background first, not that of celebamask-19', () => {
    const names = [...celebamask19.classes.map(({ name }) => name), 'ignore'];
    for (const name of order.classes) expect(names).toContain(name);
    expect(order.classes[0]).toBe('background');
    expect(order.classes.some((name, id) => name !== celebamask19.classes[id]?.name)).toBe(true);
  });

  test('the table maps every id and nothing else', () => {
    const table = classOrderTable(order);
    expect(table.length).toBe(256);
    for (const [id, name] of order.classes.entries()) {
      expect(table[id]).toBe(name === 'ignore' ? 255 : celebamask19.classes.find((one) => one.name === name)?.id);
    }
    expect(table.subarray(order.classes.length).every((id) => id === 255)).toBe(true);
  });
});

test('orders with 19 classes contain every class of celebamask-19 once, except FaceSynthetics', () => {
  const all = celebamask19.classes.map(({ name }) => name).sort();
  const full = classOrders.filter(({ name, classes }) => classes.length === 19 && name !== 'facesynthetics');
  expect(full.map(({ name }) => name)).toEqual(['face-parsing.pytorch', 'celebamask-list1', 'facer-celebm']);
  for (const { classes } of full) expect([...classes].sort()).toEqual(all);
});

describe('getClassOrder', () => {
  test('names, aliases and upper case', () => {
    expect(getClassOrder('BiSeNet')).toBe(getClassOrder('face-parsing.PyTorch'));
    expect(getClassOrder('helen').name).toBe('lapa');
    const names = classOrders.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toBe(name.toLowerCase());
  });

  test('unknown names and orders that need no conversion', () => {
    expect(() => getClassOrder('lapaa')).toThrow(/unknown class order 'lapaa'; .*lapa/);
    expect(() => getClassOrder('xyz', '; use --table')).toThrow(
      /known orders are face-parsing\.pytorch, .*; use --table$/,
    );
    expect(() => getClassOrder('jonathandinu/face-parsing')).toThrow(/already have the class ids of celebamask-19/);
  });
});

test('docs/data.md lists every id of every order', async () => {
  const text = await readFile(new URL('../../docs/data.md', import.meta.url), 'utf8');
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  expect(text).toContain(row(['id', ...classOrders.map(({ name }) => `\`${name}\``)]));
  for (let id = 0; id < 19; id++) {
    expect(text).toContain(row([`${id}`, ...classOrders.map(({ classes }) => classes[id] ?? '–')]));
  }
});
