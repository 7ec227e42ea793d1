import { describeValue } from '../text/describe-value.ts';
import { joinWords } from '../text/join-words.ts';
import { suggestName } from '../text/similar-names.ts';
import { celebamask19 } from './celebamask-19.ts';
import { face8 } from './face-8.ts';
import { ignoreLabel } from './label-set.ts';
import type { LabelTable, LabelTableClass } from './label-table.ts';

/** A fault of a label table. */
export interface LabelTableFault {
  /** Where it is in the table, such as `['classes', 2, 'from']`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** A table, or the faults that prevent one. */
export type ParsedLabelTable =
  | { readonly table: LabelTable; readonly faults: readonly [] }
  | { readonly table?: undefined; readonly faults: readonly LabelTableFault[] };

/** Longer lists are refused before their entries are read, because tables also come from files of unknown origin. */
const mostEntries = ignoreLabel;
const setNames = [celebamask19.name, face8.name];
const sourceNames = celebamask19.classes.map(({ name }) => name);
/** Safe in file names, CSV columns and identifiers of Python and JavaScript. */
const classNamePattern = /^[A-Za-z][A-Za-z0-9_]{0,31}$/;
const setNamePattern = /^[A-Za-z][A-Za-z0-9_-]{0,49}$/;
/** Names that Windows refuses for files, or Python for variables. */
const reservedNames = new Set(
  (
    'con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 ' +
    'false none true and as assert async await break class continue def del elif else except finally for from global if ' +
    'import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);

type Path = readonly (string | number)[];

/** A class whose values have been read but not yet compared with those of the other classes. */
interface ReadClass {
  readonly index: number;
  readonly name: string;
  readonly from: readonly number[];
  readonly color: readonly [number, number, number] | undefined;
}

/**
 * Reads a label table from a configuration or a weights file and fills in its defaults: the sources of a class are the
 * class of celebamask-19 with its name, its colour is that of its first source, and the pairs follow from the sources.
 *
 * @param value of any type and size
 * @returns the table, or all faults
 *
 * @example parseLabelTable({ name: 'hair', classes: [{ name: 'background', from: [0, 1] }, { name: 'hair' }], drop: [2] }).faults
 */
export function parseLabelTable(value: unknown): ParsedLabelTable {
  const reader = new TableReader();
  const table = reader.read(value);
  return table && reader.faults.length === 0 ? { table, faults: [] } : { faults: reader.faults };
}

/** The message of a fault as a sentence. That of the whole table is the end of one, for configurations name its key. */
export function sentence({ path, message }: LabelTableFault): string {
  return path.length === 0 && message.startsWith('is ') ? `it ${message}` : message;
}

class TableReader {
  readonly faults: LabelTableFault[] = [];
  /** Where each class of celebamask-19 goes; undefined until it is named. */
  private readonly targets = new Map<number, string>();
  private readonly dropped = new Set<number>();

  read(value: unknown): LabelTable | undefined {
    if (!isGroup(value)) return this.fail([], `is ${describe(value)}, but must be a table with a name and classes`);
    this.checkKeys(value, ['name', 'classes', 'drop', 'pairs'], []);
    const name = this.readName(value.name);
    const classes = this.readClasses(value.classes);
    for (const id of this.readSources(value.drop ?? [], ['drop'], 'drop')) this.claim(id, ['drop'], 'drop');
    if (!classes) return undefined;
    this.checkSources(classes);
    const colored = this.fillColors(classes);
    const pairs = this.derivePairs(classes);
    if (value.pairs !== undefined && value.pairs !== null) this.checkPairs(value.pairs, pairs, classes);
    const drop = [...this.dropped].sort((a, b) => a - b).map((id) => sourceNames[id]);
    return name === undefined ? undefined : { name, classes: colored, drop, pairs };
  }

  private fail(path: Path, message: string): undefined {
    this.faults.push({ path, message });
    return undefined;
  }

  private checkKeys(group: Record<string, unknown>, known: readonly string[], path: Path): void {
    for (const key of Object.keys(group).slice(0, mostEntries)) {
      if (known.includes(key)) continue;
      const hint = suggestName(key, known, `the keys are ${joinWords(known, 'and')}`);
      const place = path.length === 0 ? 'the table' : `entry ${Number(path[1]) + 1} of classes`;
      this.fail(path, `${place} has the unknown key '${short(key)}'; ${hint}`);
    }
  }

  private readName(name: unknown): string | undefined {
    if (typeof name !== 'string' || !setNamePattern.test(name)) {
      const wanted = 'at most 50 letters, digits, dashes and underscores, beginning with a letter';
      return this.fail(['name'], `name is ${describe(name)}, but must be a name of your own for the table: ${wanted}`);
    }
    if (!setNames.some((known) => known.toLowerCase() === name.toLowerCase())) return name;
    return this.fail(['name'], `name is '${name}', which is a built-in label set; give the table another name`);
  }

  private readClasses(value: unknown): ReadClass[] | undefined {
    if (!Array.isArray(value)) {
      return this.fail(
        ['classes'],
        `classes is ${describe(value)}, but must be a list of classes in the order of their ids`,
      );
    }
    if (value.length < 2 || value.length > mostEntries) {
      return this.fail(
        ['classes'],
        `classes has ${value.length} entries, but a label set has from 2 to ${mostEntries} classes`,
      );
    }
    const found = value.map((entry: unknown, index) => this.readClass(entry, index));
    const classes = found.filter((entry) => entry !== undefined);
    const seen = new Map<string, number>();
    for (const { name, index } of classes) {
      const key = name.toLowerCase();
      const first = seen.get(key);
      if (first === undefined) seen.set(key, index);
      else
        this.fail(
          ['classes', index, 'name'],
          `entries ${first + 1} and ${index + 1} of classes are both named '${name}' (upper case is ignored); rename one`,
        );
    }
    return classes.length === found.length ? classes : undefined;
  }

  private readClass(entry: unknown, index: number): ReadClass | undefined {
    const path = ['classes', index] as const;
    if (!isGroup(entry)) {
      return this.fail(
        path,
        `entry ${index + 1} of classes is ${describe(entry)}, but must be a group such as {name: eyes, from: [l_eye, r_eye]}`,
      );
    }
    this.checkKeys(entry, ['name', 'from', 'color'], path);
    const { name } = entry;
    if (typeof name !== 'string' || !classNamePattern.test(name)) {
      const wanted = 'at most 32 letters, digits and underscores, beginning with a letter';
      return this.fail(
        [...path, 'name'],
        `entry ${index + 1} of classes has the name ${describe(name)}, but it must be ${wanted}`,
      );
    }
    if (reservedNames.has(name.toLowerCase())) {
      this.fail(
        [...path, 'name'],
        `class '${name}' has a name that Windows or Python reserves; choose another, such as '${name}_'`,
      );
    }
    const from = this.readSources(
      entry.from ?? (sourceNames.includes(name) ? [name] : undefined),
      [...path, 'from'],
      name,
    );
    for (const id of from) this.claim(id, [...path, 'from'], name);
    return { index, name, from, color: this.readColor(entry.color, index, name) };
  }

  /** Ids of the classes of celebamask-19 that are given by name or id; faulty ones are left out. */
  private readSources(value: unknown, path: Path, owner: string): number[] {
    const what = owner === 'drop' && path[0] === 'drop' ? 'drop' : `class '${owner}'`;
    if (value === undefined || value === null) {
      this.fail(
        path,
        `${what} has no \`from\`; list the classes of celebamask-19 that merge into it, such as [l_eye, r_eye]`,
      );
      return [];
    }
    const entries: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (what !== 'drop' && entries.length === 0)
      this.fail(
        path,
        `${what} has an empty \`from\`, so it would never occur; name at least one class of celebamask-19`,
      );
    return entries.slice(0, mostEntries).flatMap((source) => {
      const id = typeof source === 'number' ? source : sourceNames.indexOf(String(source));
      if ((typeof source === 'number' || typeof source === 'string') && sourceNames[id] !== undefined) return id;
      const hint =
        typeof source === 'string'
          ? suggestName(source, sourceNames, `its classes are ${sourceNames.join(', ')}`)
          : `its ids are 0 to ${sourceNames.length - 1}`;
      this.fail(path, `${what} contains ${describe(source)}, which is no class of celebamask-19; ${hint}`);
      return [];
    });
  }

  /** Records where a source goes. A source can go to one place only. */
  private claim(id: number, path: Path, owner: string): void {
    const name = sourceNames[id];
    const dropped = path[0] === 'drop';
    const before = this.targets.get(id) ?? (this.dropped.has(id) ? '' : undefined);
    if (before !== undefined) {
      const places = [before, dropped ? '' : owner].map((place) => (place === '' ? 'drop' : `class '${place}'`));
      const where = places[0] === places[1] ? `twice in ${places[0]}` : `in ${places.join(' and in ')}`;
      this.fail(path, `${name} is ${where}; a class of celebamask-19 goes to one place only`);
    } else if (dropped) this.dropped.add(id);
    else this.targets.set(id, owner);
  }

  private readColor(value: unknown, index: number, name: string): ReadClass['color'] {
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length === 3 && value.every(isByte)) return [value[0], value[1], value[2]];
    const digits = typeof value === 'string' ? /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(value) : null;
    if (digits) {
      const [red, green, blue] = digits.slice(1).map((pair) => Number.parseInt(pair, 16)) as [number, number, number];
      return [red, green, blue];
    }
    const wanted = 'three whole numbers from 0 to 255, such as [51, 51, 255], or "#3333ff"';
    return this.fail(
      ['classes', index, 'color'],
      `class '${name}' has the color ${describe(value)}, but it must be ${wanted}`,
    );
  }

  /** Every source must be named, and the background must be class 0. */
  private checkSources(classes: readonly ReadClass[]): void {
    const missing = sourceNames.filter((_, id) => !this.targets.has(id) && !this.dropped.has(id));
    if (missing.length > 0) {
      this.fail(
        ['classes'],
        `${joinWords(missing, 'and')} ${missing.length === 1 ? 'is' : 'are'} in no class; add ${missing.length === 1 ? 'it' : 'them'} to \`from\` of a class, or to \`drop\` to ignore ${missing.length === 1 ? 'its' : 'their'} pixels`,
      );
    }
    const background = this.targets.get(0);
    if (this.dropped.has(0)) {
      this.fail(['drop'], 'background cannot be dropped: class 0 is the background of overlays and cut-outs');
    } else if (background !== undefined && !classes[0].from.includes(0)) {
      this.fail(
        ['classes', 0],
        `class '${background}' contains background, so it must be the first of classes: class 0 is the background of overlays and cut-outs`,
      );
    }
  }

  /** Gives classes without a colour that of their first source, and finds classes of one colour. */
  private fillColors(classes: readonly ReadClass[]): LabelTableClass[] {
    const owners = new Map<string, string>();
    return classes.map(({ index, name, from, color: given }) => {
      const color = given ?? celebamask19.classes[from[0] ?? 0].color;
      const owner = owners.get(color.join());
      if (owner !== undefined && from.length > 0) {
        this.fail(
          ['classes', index, 'color'],
          `classes '${owner}' and '${name}' have the same color [${color.join(', ')}]; give one of them another`,
        );
      }
      owners.set(color.join(), name);
      return { name, from: from.map((id) => sourceNames[id]), color };
    });
  }

  /**
   * The pairs that follow from the sources. A flip maps every pixel of a source to its counterpart, so the counterparts of
   * all sources of one class must be the sources of one class.
   */
  private derivePairs(classes: readonly ReadClass[]): [string, string][] {
    const counterpart = counterparts();
    const partners = new Map<string, string>();
    for (const { name, from, index } of classes) {
      const goals = new Map<string | undefined, number>();
      for (const id of from) {
        const other = counterpart[id];
        if (this.dropped.has(other)) {
          this.fail(
            ['drop'],
            `${sourceNames[other]} is dropped but ${sourceNames[id]} is not; a flip swaps them, so drop both or neither`,
          );
        } else if (this.targets.has(other)) goals.set(this.targets.get(other), id);
      }
      const [first, second] = goals;
      if (second && first) {
        const flipped = [first, second].map(([goal, id]) => `a flip turns its ${sourceNames[id]} into '${goal}'`);
        this.fail(
          ['classes', index, 'from'],
          `class '${name}' mixes sides: ${flipped.join(', but ')}; put left and right of each part into one class, or all left parts of this class into one and all right parts into another`,
        );
      } else if (first?.[0] !== undefined) partners.set(name, first[0]);
    }
    const isLeft = ({ from }: ReadClass) => from.some((id) => celebamask19.mirrorPairs.some(([left]) => left === id));
    return classes
      .filter((entry) => isLeft(entry) && partners.has(entry.name) && partners.get(entry.name) !== entry.name)
      .map(({ name }): [string, string] => [name, String(partners.get(name))])
      .filter(
        ([a, b], index, all) => all.findIndex(([c, d]) => (c === a && d === b) || (c === b && d === a)) === index,
      );
  }

  /** Given pairs must be those that follow from the sources. */
  private checkPairs(
    value: unknown,
    derived: readonly (readonly [string, string])[],
    classes: readonly ReadClass[],
  ): void {
    if (!Array.isArray(value) || value.length > mostEntries) {
      this.fail(
        ['pairs'],
        `pairs is ${describe(value)}, but must be a list such as [[l_eye, r_eye]], or absent: pairs follow from the sources`,
      );
      return;
    }
    const names = classes.map(({ name }) => name);
    const given = value.map((pair: unknown, index) => {
      if (Array.isArray(pair) && pair.length === 2 && pair.every((name) => typeof name === 'string')) {
        const unknown = pair.find((name) => !names.includes(name));
        if (unknown === undefined) return pair.join();
        const hint = suggestName(unknown, names, `its classes are ${names.join(', ')}`);
        return this.fail(
          ['pairs', index],
          `pairs contains '${short(unknown)}', which is no class of the table; ${hint}`,
        );
      }
      return this.fail(
        ['pairs', index],
        `entry ${index + 1} of pairs is ${describe(pair)}, but must be two classes, such as [l_eye, r_eye]`,
      );
    });
    const wanted = derived.map((pair) => pair.join());
    for (const [index, pair] of given.entries()) {
      if (pair === undefined || wanted.includes(pair)) continue;
      const reversed = pair.split(',').reverse();
      const hint = wanted.includes(reversed.join())
        ? `the person's left comes first: [${reversed.join(', ')}]`
        : 'a flip does not swap their sources; remove it';
      this.fail(['pairs', index], `pairs contains [${pair.replace(',', ', ')}]; ${hint}`);
    }
    for (const pair of derived) {
      if (given.includes(pair.join()) || given.includes(pair.toReversed().join())) continue;
      this.fail(['pairs'], `pairs lacks [${pair.join(', ')}], whose sources a flip swaps; add it, or leave pairs out`);
    }
  }
}

/** The class of celebamask-19 that each class becomes in the mirror image. */
function counterparts(): number[] {
  const table = sourceNames.map((_, id) => id);
  for (const [left, right] of celebamask19.mirrorPairs) [table[left], table[right]] = [right, left];
  return table;
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isByte(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255;
}

function short(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** A value in a few words. */
function describe(value: unknown): string {
  if (value === undefined || value === null) return 'missing';
  if (typeof value === 'string') return `'${short(value)}'`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (!Array.isArray(value)) return short(describeValue(value));
  const isPlain = value.length <= 6 && value.every((entry) => typeof entry !== 'object');
  return isPlain ? short(`[${value.join(', ')}]`) : `a list of ${value.length}`;
}
