import { z } from 'zod';
import { type Locate, locator, parseYaml, show, toValue, valueAt } from '../config/parse-config.ts';
import { FaceparseError } from '../text/errors.ts';
import { suggestName } from '../text/similar-names.ts';

/** The variant that the others of its group are compared with. */
export const baseName = 'base';

const overrides = z
  .array(
    z
      .string()
      .regex(/^[^=\s]+=/, 'an override is key=value, e.g. train.lr=3e-4')
      .refine((text) => !/^(train\.seed|name)=/.test(text), 'seeds and names of runs are the business of the study'),
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
  .refine((list) => new Set(list).size === list.length, 'a seed is there twice');

const name = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._-]{0,49}$/, 'a name begins with a letter; letters, digits, dots, dashes, underscores');

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
      return report([], `one of them must be '${baseName}', to compare the others with`);
    }
    for (const [key, { overrides }] of Object.entries(variants)) {
      if (key === baseName && overrides.length > 0) {
        report([key, 'overrides'], 'the base has none of its own; what all variants share stands in the group');
      }
      if (key !== baseName && overrides.length === 0) report([key], 'it has no overrides, so it changes nothing');
    }
  }),
});

const studySchema = z.strictObject({ groups: z.record(name, group) });

/** One setting of a comparison: the group's, with one thing changed. */
export interface StudyVariant {
  readonly name: string;
  /** What is changed, in words; the overrides where the file has no title. */
  readonly title: string;
  /** What is changed, as `faceparse train` takes it. */
  readonly overrides: readonly string[];
  readonly seeds: readonly number[];
}

/** Variants that are compared with one base. */
export interface StudyGroup {
  readonly name: string;
  readonly title: string;
  /** What the comparison is to answer, where the file says it. */
  readonly question?: string;
  /** Configuration file, relative to the study file, or the name of a bundled configuration. */
  readonly config: string;
  /** What all variants change in the configuration file. */
  readonly overrides: readonly string[];
  /** In the order of the file; one is named `base`. */
  readonly variants: readonly StudyVariant[];
}

/** Keys of the object at a path of the file: groups and variants lie in records, so the depth tells which it is. */
function keysAt(path: readonly PropertyKey[]): string[] {
  return Object.keys([studySchema, group, variant][path.length / 2].shape);
}

/** The types that zod names, in words. */
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
  if (issue.code === 'too_small' && issue.origin === 'array') return 'a list that is not empty';
  if (issue.code === 'too_small' && issue.origin === 'string') return 'text that is not empty';
  if (issue.code === 'too_small') return `at least ${issue.minimum}`;
  if (issue.code === 'too_big') return `at most ${issue.maximum}${issue.origin === 'array' ? ' entries' : ''}`;
  return issue.message;
}

function explain(issue: z.core.$ZodIssue, study: unknown, locate: Locate): string[] {
  const dotted = issue.path.join('.');
  const place = locate(issue.path.filter((part) => typeof part === 'string'));
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key].map(String);
      return `${locate(path)}: unknown key '${path.join('.').slice(0, 100)}'; ${suggestName(key, keysAt(issue.path))}`;
    });
  }
  if (issue.code === 'invalid_key') return [`${place}: '${dotted.slice(0, 100)}': ${issue.issues[0].message}`];
  if (issue.code === 'custom' || issue.code === 'invalid_format') return [`${place}: ${dotted}: ${issue.message}`];
  const given = valueAt(study, issue.path);
  if (given === undefined) return [`${place}: ${dotted || 'the file'} is missing; it must be ${wantedBy(issue)}`];
  return [`${place}: ${dotted || 'the file'} is ${show(given)}, but must be ${wantedBy(issue)}`];
}

/** All faults of a file. A missing key beside an unknown one is left out: it is probably the same, written wrong. */
function faultsOf(issues: readonly z.core.$ZodIssue[], study: unknown, locate: Locate): string[] {
  const misspelt = new Set(issues.filter(({ code }) => code === 'unrecognized_keys').map(({ path }) => path.join('.')));
  const told = issues.filter(
    ({ path, code }) =>
      code === 'unrecognized_keys' || valueAt(study, path) !== undefined || !misspelt.has(path.slice(0, -1).join('.')),
  );
  const lineOf = (fault: string): number => Number(/:(\d+): /.exec(fault)?.[1] ?? 0);
  return told.flatMap((issue) => explain(issue, study, locate)).sort((a, b) => lineOf(a) - lineOf(b));
}

/** What a variant changes, where the file has no words for it. */
export function defaultTitle(name: string, overrides: readonly string[]): string {
  return name === baseName ? 'nothing' : overrides.join(' ');
}

/**
 * The groups of a study from YAML text.
 *
 * `source` is how errors name the text. Throws a FaceparseError (exit code 2) that lists all unknown keys and
 * wrong values, each with its line. Overrides are checked when the configurations are made; see `loadStudy`.
 *
 * @example parseStudy(await readConfigText('configs/study.yaml'), 'configs/study.yaml')[0].variants.length
 */
export function parseStudy(text: string, source: string): StudyGroup[] {
  const { document, lines } = parseYaml(text, (line) => `${source}:${line}`);
  const value = toValue(document, source);
  const result = studySchema.safeParse(value);
  if (!result.success) {
    const faults = faultsOf(result.error.issues, value, locator(document, lines, source));
    if (faults.length === 1) throw new FaceparseError(faults[0], { exitCode: 2 });
    throw new FaceparseError(`${source} has ${faults.length} errors:`, { exitCode: 2, faults });
  }
  return Object.entries(result.data.groups).map(([name, { question, ...group }]) => ({
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
}
