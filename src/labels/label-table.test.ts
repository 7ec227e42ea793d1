import { describe, expect, it } from 'vitest';
import { parseConfig } from '../config/parse-config.ts';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import { isSameLabelSet, type LabelTable, labelSetName } from './label-table.ts';
import { mergeTable } from './merge.ts';
import { mirrorTable } from './mirror.ts';
import { parseLabelTable } from './parse-label-table.ts';
import { getLabelSet } from './registry.ts';

const rest = ['skin', 'nose', 'eye_g', 'l_brow', 'r_brow', 'l_ear', 'r_ear', 'mouth', 'u_lip', 'l_lip', 'hair', 'hat'];
const clothes = ['ear_r', 'neck_l', 'neck', 'cloth'];
const valid = {
  name: 'eyes-only',
  classes: [
    { name: 'background', from: ['background', ...rest] },
    { name: 'left', from: 'l_eye', color: [1, 2, 3] },
    { name: 'r_eye' },
  ],
  drop: clothes,
};

function tableOf(value: unknown): LabelTable {
  const { table, faults } = parseLabelTable(value);
  expect(faults).toEqual([]);
  if (!table) throw new Error('no table');
  return table;
}

const faultsOf = (value: unknown) => parseLabelTable(value).faults.map(({ message }) => message);
const changed = (change: object) => faultsOf({ ...valid, ...change });

describe('a label table', () => {
  it('fills in sources, colours and pairs', () => {
    expect(tableOf(valid)).toEqual({
      name: 'eyes-only',
      classes: [
        { name: 'background', from: ['background', ...rest], color: [0, 0, 0] },
        { name: 'left', from: ['l_eye'], color: [1, 2, 3] },
        { name: 'r_eye', from: ['r_eye'], color: celebamask19.classes[5].color },
      ],
      drop: clothes,
      pairs: [['left', 'r_eye']],
    });
  });

  it('takes colours in hexadecimal', () => {
    const [background, left, ...more] = valid.classes;
    const { classes } = tableOf({ ...valid, classes: [background, { ...left, color: '#0aC81e' }, ...more] });
    expect(classes[1].color).toEqual([10, 200, 30]);
  });

  it('is unchanged when it is read again, also from JSON', () => {
    const table = tableOf(valid);
    expect(tableOf(table)).toEqual(table);
    expect(tableOf(JSON.parse(JSON.stringify(table)))).toEqual(table);
  });

  it('gives a label set with contiguous ids, in which merging and mirroring commute', () => {
    const set = getLabelSet(tableOf(valid));
    expect(set.classes.map(({ id, name }) => [id, name])).toEqual([
      [0, 'background'],
      [1, 'left'],
      [2, 'r_eye'],
    ]);
    const merge = mergeTable(set);
    expect([...merge.subarray(0, 19)]).toEqual([0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]);
    for (let id = 0; id < 19; id++) {
      expect(merge[mirrorTable(celebamask19)[id]]).toBe(mirrorTable(set)[merge[id]]);
    }
    expect(set.representatives).toEqual([0, 4, 5]);
  });

  it('takes sources by id, and means the same as by name', () => {
    const byId = { ...valid, classes: [valid.classes[0], { ...valid.classes[1], from: 4 }, valid.classes[2]] };
    expect(tableOf(byId)).toEqual(tableOf(valid));
  });

  it('can define the classes of face-8', () => {
    const classes = face8.classes.map(({ id, name }) => ({
      name,
      from: celebamask19.classes.flatMap((source) => (face8.mergeFrom?.[source.id] === id ? [source.name] : [])),
    }));
    const set = getLabelSet(tableOf({ name: 'mine', classes }));
    expect({ ...set, name: 'face-8' }).toEqual(face8);
  });

  it('derives pairs from any classes that a flip swaps as a whole', () => {
    const left = { name: 'left', from: ['l_eye', 'l_brow', 'l_ear'] };
    const right = { name: 'right', from: ['r_ear', 'r_eye', 'r_brow'] };
    const others = [...rest.filter((name) => !/^[lr]_(brow|ear)$/.test(name)), ...clothes, 'background'];
    const table = { name: 'sides', classes: [{ name: 'other', from: others }, right, left] };
    expect(tableOf(table).pairs).toEqual([['left', 'right']]);
    expect(tableOf({ ...table, pairs: [['left', 'right']] }).pairs).toEqual([['left', 'right']]);
    expect(faultsOf({ ...table, pairs: [['right', 'left']] })).toEqual([
      "pairs contains [right, left]; the person's left comes first: [left, right]",
    ]);
  });

  it.each<[string, object, RegExp]>([
    ['no name', { name: undefined }, /^name is missing, but must be a name of your own/],
    ['a built-in name', { name: 'Face-8' }, /^name is 'Face-8', which is a built-in label set/],
    ['a name that is a path', { name: '../x' }, /^name is '\.\.\/x', but must be/],
    ['no classes', { classes: {} }, /^classes is an empty object, but must be a list/],
    ['one class', { classes: [{ name: 'background', from: 0 }] }, /^classes has 1 entries, but .* 2 to 255/],
    ['too many classes', { classes: new Array(256).fill({ name: 'a', from: 0 }) }, /^classes has 256 entries/],
    ['an unknown key', { clases: [] }, /unknown key 'clases'; did you mean 'classes'\?/],
    [
      'an unknown source',
      { drop: [...clothes, 'hat2'] },
      /^drop contains 'hat2', which is no class .*; did you mean 'hat'/,
    ],
    ['an id out of range', { drop: [...clothes, 19] }, /^drop contains 19, .*; its ids are 0 to 18/],
    ['a source twice', { drop: [...clothes, 'nose'] }, /^nose is in class 'background' and in drop/],
    ['a source that is dropped twice', { drop: [...clothes, 'neck'] }, /^neck is twice in drop/],
    ['a missing source', { drop: ['ear_r', 'neck_l', 'neck'] }, /^cloth is in no class; add it to/],
    ['pairs that are no pairs', { pairs: [['left', 'r_eye'], ['background']] }, /^entry 2 of pairs is \[background\]/],
    ['a pair of an unknown class', { pairs: [['left', 'r_eyes']] }, /pairs contains 'r_eyes', .*did you mean 'r_eye'/],
    ['no pair where one is needed', { pairs: [] }, /^pairs lacks \[left, r_eye\], whose sources a flip swaps/],
    [
      'a pair too many',
      {
        pairs: [
          ['left', 'r_eye'],
          ['background', 'left'],
        ],
      },
      /\[background, left\]; a flip does not/,
    ],
  ])('refuses %s', (_, change, message) => {
    expect(changed(change)).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });

  it.each<[string, object, RegExp]>([
    ['a name for Python', { name: 'class' }, /^class 'class' has a name that Windows or Python reserves/],
    ['a name for Windows', { name: 'NUL' }, /^class 'NUL' has a name that Windows/],
    ['a name with a comma', { name: 'a,b' }, /^entry 2 of classes has the name 'a,b', but it must be/],
    ['a name of a prototype', { name: '__proto__' }, /^entry 2 of classes has the name '__proto__'/],
    ['a name that differs only in case', { name: 'R_EYE' }, /^entries 2 and 3 of classes are both named 'r_eye'/],
    [
      'a colour with a fraction',
      { color: [0, 0.5, 0] },
      /^class 'left' has the color \[0, 0.5, 0\], but it must be three/,
    ],
    ['a colour by name', { color: 'red' }, /^class 'left' has the color 'red', but it must be three .* or "#3333ff"$/],
    [
      'a colour that YAML takes for a comment',
      { color: null },
      /^class 'left' has the color missing, but it must be three/,
    ],
    ['a colour twice', { color: [0, 0, 0] }, /^classes 'background' and 'left' have the same color \[0, 0, 0\]/],
    ['no sources', { from: [] }, /^class 'left' has an empty `from`/],
    ['sources that cannot be guessed', { from: undefined }, /^class 'left' has no `from`; list the classes/],
    ['an object as a source', { from: [{}] }, /^class 'left' contains an empty object, which is no class/],
  ])('refuses a class with %s', (_, change, message) => {
    const classes = [valid.classes[0], { ...valid.classes[1], ...change }, valid.classes[2]];
    expect(changed({ classes })).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
  });

  it('refuses classes that a flip cannot map to classes', () => {
    const classes = [
      { name: 'background', from: ['background', ...rest.filter((name) => name !== 'nose')] },
      { name: 'mixed', from: ['l_eye', 'nose'] },
      { name: 'r_eye' },
    ];
    expect(changed({ classes })).toEqual([
      expect.stringMatching(/^class 'mixed' mixes sides: a flip turns its l_eye into 'r_eye', but/),
    ]);
    const oneSided = changed({ classes: valid.classes.slice(0, 2), drop: [...clothes, 'r_eye'] });
    expect(oneSided).toEqual(['r_eye is dropped but l_eye is not; a flip swaps them, so drop both or neither']);
  });

  it('refuses another class 0 than the background', () => {
    expect(changed({ classes: valid.classes.toReversed() })).toEqual([
      expect.stringMatching(/^class 'background' contains background, so it must be the first/),
    ]);
    const classes = [{ name: 'face', from: rest }, ...valid.classes.slice(1)];
    expect(changed({ classes, drop: [...clothes, 'background'] })).toEqual([
      expect.stringMatching(/^background cannot be dropped/),
    ]);
  });

  it('survives hostile values', () => {
    const deep = JSON.parse(`${'['.repeat(1000)}${']'.repeat(1000)}`);
    for (const value of [
      null,
      undefined,
      5,
      'x',
      [],
      deep,
      { classes: deep },
      { classes: [deep, deep] },
      { name: deep },
    ]) {
      expect(faultsOf(value).length).toBeGreaterThan(0);
    }
    const long = 'x'.repeat(1_000_000);
    for (const message of faultsOf({
      [long]: 1,
      name: long,
      classes: [{ name: long, [long]: 1 }, long],
      drop: [long],
    })) {
      expect(message.length).toBeLessThan(500);
    }
  });
});

it('compares label sets by what they contain', () => {
  const table = tableOf(valid);
  const recolored = {
    ...table,
    classes: table.classes.map((entry, id) => (id === 1 ? { ...entry, color: [9, 9, 9] as const } : entry)),
  };
  expect(isSameLabelSet('face-8', 'face-8')).toBe(true);
  expect(isSameLabelSet('face-8', table)).toBe(false);
  expect(
    isSameLabelSet(table, { pairs: table.pairs, drop: table.drop, classes: table.classes, name: table.name }),
  ).toBe(true);
  expect(isSameLabelSet(table, recolored)).toBe(false);
  expect([labelSetName('face-8'), labelSetName(table)]).toEqual(['face-8', 'eyes-only']);
});

it('names all faults of a table that is given to getLabelSet', () => {
  const wrong = { ...tableOf(valid), name: 'face-8', drop: [] };
  expect(() => getLabelSet(wrong)).toThrow(/^the label set has 2 errors:/);
});

describe('data.labels of a configuration', () => {
  const yaml = `
data:
  labels:
    name: eyes
    classes:
      - {name: background, from: [background, ${rest.join(', ')}, ${clothes.join(', ')}]}
      - {name: eyes, from: [l_eye, r_eye], color: [0, 0, 255]}
`;

  it('takes a table, and stores it with its defaults', () => {
    const { labels } = parseConfig(yaml).data;
    expect(labels).toMatchObject({ name: 'eyes', drop: [], pairs: [] });
    expect(parseConfig({ data: { labels } }).data.labels).toEqual(labels);
    expect(parseConfig(yaml, '', ['data.oversample={eyes: 2}']).data.oversample).toEqual({ eyes: 2 });
    expect(() => parseConfig(yaml, 'a.yaml', ['data.oversample={eye: 2}'])).toThrow(
      /eyes has no class 'eye'; did you mean 'eyes'/,
    );
    expect(() => parseConfig(yaml, 'a.yaml', ['data.augmentation.copyPaste.probability=0.5'])).toThrow(
      /copy-paste supports only/,
    );
  });

  it('reports all faults with the lines of their entries, besides other faults', () => {
    const wrong = yaml.replace('l_eye', 'l_eyes').replace('255]', '256]').concat('train: {sise: 3}\n');
    const error = (() => {
      try {
        parseConfig(wrong, 'a.yaml');
      } catch (cause) {
        return cause as { faults?: string[] };
      }
      return {};
    })();
    expect(error.faults).toEqual([
      expect.stringMatching(/^a\.yaml:5: data\.labels: l_eye is in no class/),
      expect.stringMatching(/^a\.yaml:7: data\.labels: class 'eyes' contains 'l_eyes', .*did you mean 'l_eye'/),
      expect.stringMatching(/^a\.yaml:7: data\.labels: class 'eyes' has the color \[0, 0, 256\]/),
      expect.stringMatching(/^a\.yaml:8: unknown key 'train\.sise'; did you mean 'train\.size'/),
    ]);
  });

  it('says what it takes', () => {
    expect(() => parseConfig('data: {labels: 5}', 'a.yaml')).toThrow(
      'data.labels is 5, but must be a name, or a table of name, classes, drop and pairs',
    );
  });
});
