import { z } from 'zod';
import { show } from '../config/explain-issue.ts';
import { type Locate, locator, parseYaml, toValue, valueAt } from '../config/parse-yaml.ts';
import { suggestName } from '../text/similar-names.ts';

/** The variant to which the others of its group are compared. */
export const baseName = 'base';

/** Overrides that the study adds itself. */
const setByStudy = /^(train\.seed|name)=/;
const overrideForm = /^[^=\s]+=/;

/** Checks that compare keys also run if a single key is wrong, so that all faults are reported at once. */
const evenIfWrong = { when: ({ value }: { readonly value: unknown }) => isRecord(value) };

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const overrides = z
  .array(
    z
      .string()
      .regex(overrideForm, 'overrides have the form key=value, e.g. train.lr=3e-4')
      .refine(
        (text) => !setByStudy.test(text),
        'the study sets train.seed and name; list the seeds under seeds, e.g. seeds: [0, 1]',
      ),
  )
  .max(100)
  .default([]);

const seeds = z
  .array(
    z
      .number()
      .int()
      .min(0)
      .max(2 ** 31),
  )
  .min(1)
  .max(100)
  .refine((list) => new Set(list).size === list.length, 'duplicate seed');

const name = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9._-]{0,49}$/,
    'names begin with a letter and contain letters, digits, dots, dashes and underscores',
  );

const variant = z.strictObject({ title: z.string().min(1).optional(), overrides, seeds: seeds.optional() });

const group = z.strictObject({
  title: z.string().min(1).optional(),
  question: z.string().min(1).optional(),
  config: z.string().min(1),
  overrides,
  seeds: seeds.default([0]),
  variants: z.record(name, variant).superRefine((variants, context) => {
    const report = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (!Object.hasOwn(variants, baseName)) {
      // A variant without overrides is probably the base under another name.
      return report([], `one variant must be '${baseName}', to which the others are compared`);
    }
    for (const [key, variant] of Object.entries(variants)) {
      // The variant or its list may be wrong itself.
      const count = (variant as Partial<typeof variant> | undefined)?.overrides?.length;
      if (key === baseName && (count ?? 0) > 0) {
        report([key, 'overrides'], 'the base has no overrides; put shared overrides in the group');
      }
      if (key !== baseName && count === 0) report([key], 'a variant without overrides changes nothing');
    }
  }, evenIfWrong),
});

/** More are a mistake; each run takes minutes at least. */
export const maxRuns = 1000;

const studySchema = z.strictObject({
  groups: z.record(name, group).superRefine((groups, context) => {
    const report = (message: string) => context.addIssue({ code: 'custom', path: [], message });
    if (Object.keys(groups).length === 0) return report('a study needs at least one group');
    const counts = Object.values(groups).flatMap(({ seeds, variants }) =>
      Object.values(variants).map((variant) => (variant.seeds ?? seeds).length),
    );
    const runs = counts.reduce((sum, count) => sum + count, 0);
    if (runs > maxRuns)
      report(`the study has ${runs} runs, but at most ${maxRuns} are allowed; use fewer variants or seeds`);
  }),
});

/** One variant of a comparison: the group's settings with one change. */
export interface StudyVariant {
  readonly name: string;
  /** The change in words; the overrides if the file gives no title. */
  readonly title: string;
  /** The change as overrides of `faceparse train`. */
  readonly overrides: readonly string[];
  readonly seeds: readonly number[];
}

/** Variants compared to one base. */
export interface StudyGroup {
  readonly name: string;
  readonly title: string;
  /** The question that the comparison answers, if the file gives one. */
  readonly question?: string;
  /** Configuration file, relative to the study file, or the name of a bundled configuration. */
  readonly config: string;
  /** Overrides of the configuration file shared by all variants. */
  readonly overrides: readonly string[];
  /** In the order of the file; one is named `base`. */
  readonly variants: readonly StudyVariant[];
}

/** Keys of the object at a path of the file. Groups and variants are in records, so the depth identifies them. */
function keysAt(path: readonly PropertyKey[]): string[] {
  return Object.keys([studySchema, group, variant][path.length / 2].shape);
}

/** The types of zod in words. */
const typeNames: Record<string, string> = {
  string: 'text',
  array: 'a list',
  object: 'a group of keys',
  record: 'a group of keys',
  number: 'a number',
  int: 'a whole number',
};

function wantedBy(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected;
  if (issue.code === 'too_small' && issue.origin === 'array') return 'a non-empty list';
  if (issue.code === 'too_small' && issue.origin === 'string') return 'non-empty text';
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}${issue.origin === 'array' ? ' entries' : ''}`;
  return issue.message;
}

/** `groups.recipe.seeds`, or `entry 2 of groups.recipe.seeds`. */
function nameOf(path: readonly PropertyKey[]): string {
  const last = path.at(-1);
  if (typeof last === 'number') return `entry ${last + 1} of ${path.slice(0, -1).join('.')}`;
  return path.join('.') || 'the file';
}

function explain(issue: z.core.$ZodIssue, study: unknown, locate: Locate): string[] {
  const place = locate(issue.path);
  const name = nameOf(issue.path);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key].map(String);
      return `${locate(path)}: unknown key '${path.join('.').slice(0, 100)}'; ${suggestName(key, keysAt(issue.path))}`;
    });
  }
  if (issue.code === 'invalid_key') return [`${place}: '${name.slice(0, 100)}': ${issue.issues[0].message}`];
  if (issue.code === 'custom' || issue.code === 'invalid_format') return [`${place}: ${name}: ${issue.message}`];
  const given = valueAt(study, issue.path);
  if (given === undefined) return [`${place}: ${name} is missing; it must be ${wantedBy(issue)}`];
  return [`${place}: ${name} is ${show(given)}, but must be ${wantedBy(issue)}`];
}

/** Issues that are explained, and unknown keys of one issue. */
export const maxFaults = 100;

/** All faults of a file, up to a limit. A missing key next to an unknown one is not reported: it is probably the same, misspelt. */
function faultsOf(issues: readonly z.core.$ZodIssue[], study: unknown, locate: Locate): string[] {
  const misspelt = new Set(issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => path.join('.')));
  const reported = issues.filter(
    ({ path, code }) =>
      code === 'unrecognized_keys' || valueAt(study, path) !== undefined || !misspelt.has(path.slice(0, -1).join('.')),
  );
  return reported.slice(0, maxFaults).flatMap((issue) => explain(issue, study, locate).slice(0, maxFaults));
}

/** The title of a variant if the file gives none. */
export function defaultTitle(name: string, overrides: readonly string[]): string {
  return name === baseName ? 'nothing' : overrides.join(' ');
}

/** A group as the file gives it, as far as its configurations can be checked. */
export interface GivenGroup {
  readonly name: string;
  readonly config: string;
  readonly overrides: readonly GivenOverride[];
  readonly variants: readonly (readonly GivenOverride[])[];
}

export interface GivenOverride {
  readonly text: string;
  /** Where the file has it. */
  readonly path: readonly PropertyKey[];
}

/** A study file that may have faults. */
export interface StudyDocument {
  /** Absent if the file has faults. */
  readonly groups?: readonly StudyGroup[];
  /** One line each, with its place. Overrides are checked later, by `loadStudy`. */
  readonly faults: readonly string[];
  /** The parts of the file that name configurations and overrides, wrong ones left out. */
  readonly given: readonly GivenGroup[];
  readonly locate: Locate;
}

/** The overrides at a path that have the right form. */
function givenOverrides(list: unknown, path: readonly PropertyKey[]): GivenOverride[] {
  if (!Array.isArray(list)) return [];
  return list.flatMap((text: unknown, index) =>
    typeof text === 'string' && overrideForm.test(text) && !setByStudy.test(text)
      ? [{ text, path: [...path, 'overrides', index] }]
      : [],
  );
}

function givenGroups(study: unknown): GivenGroup[] {
  const groups = isRecord(study) && isRecord(study.groups) ? study.groups : {};
  return Object.entries(groups).flatMap(([name, group]) => {
    if (!isRecord(group) || typeof group.config !== 'string' || group.config === '') return [];
    const path = ['groups', name];
    const variants = Object.entries(isRecord(group.variants) ? group.variants : {}).map(([key, variant]) =>
      isRecord(variant) ? givenOverrides(variant.overrides, [...path, 'variants', key]) : [],
    );
    return [{ name, config: group.config, overrides: givenOverrides(group.overrides, path), variants }];
  });
}

/**
 * Reads a study file with all its faults, apart from those of configurations.
 *
 * @param source name of the text in errors
 * @throws FaceparseError (exit code 2) if the text is not YAML
 *
 * @example readStudy('groups: {}', 'study.yaml').faults // ['study.yaml:1: groups: a study needs at least one group']
 */
export function readStudy(text: string, source: string): StudyDocument {
  const { document, lines } = parseYaml(text, (line) => `${source}:${line}`);
  const value = toValue(document, source);
  const locate = locator(document, lines, source);
  const given = givenGroups(value);
  const result = studySchema.safeParse(value);
  if (!result.success) return { faults: faultsOf(result.error.issues, value, locate), given, locate };
  const groups = Object.entries(result.data.groups).map(([name, { question, ...group }]) => ({
    ...group,
    ...(question && { question }),
    name,
    title: group.title ?? name,
    variants: Object.entries(group.variants).map(([name, variant]) => ({
      overrides: variant.overrides,
      seeds: variant.seeds ?? group.seeds,
      title: variant.title ?? defaultTitle(name, variant.overrides),
      name,
    })),
  }));
  return { groups, faults: [], given, locate };
}
