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

const variant = z.strictObject({ title: z.string().min(1), overrides, seeds: seeds.optional() });

const group = z.strictObject({
  title: z.string().min(1),
  question: z.string().min(1),
  config: z.string().min(1),
  overrides,
  seeds: seeds.default([0]),
  variants: z.record(name, variant).superRefine((variants, context) => {
    const report = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (!Object.hasOwn(variants, baseName)) report([], `one of them must be '${baseName}', to compare the others with`);
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
  /** What is changed, in words. */
  readonly title: string;
  /** What is changed, as `faceparse train` takes it. */
  readonly overrides: readonly string[];
  readonly seeds: readonly number[];
}

/** Variants that are compared with one base. */
export interface StudyGroup {
  readonly name: string;
  readonly title: string;
  readonly question: string;
  /** Configuration file, relative to the study file. */
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

function explain(issue: z.core.$ZodIssue, study: unknown, locate: Locate): string {
  const dotted = issue.path.join('.');
  const place = locate(issue.path.filter((part) => typeof part === 'string'));
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0];
    const path = [...issue.path, key].map(String);
    return `${locate(path)}: unknown key '${path.join('.').slice(0, 100)}'; ${suggestName(key, keysAt(issue.path))}`;
  }
  if (issue.code === 'invalid_key') return `${place}: '${dotted.slice(0, 100)}': ${issue.issues[0].message}`;
  if (issue.code === 'custom' || issue.code === 'invalid_format') return `${place}: ${dotted}: ${issue.message}`;
  const given = valueAt(study, issue.path);
  const wanted = issue.message.replace(/^Invalid input: /, '');
  return `${place}: ${dotted || 'the file'} is ${given === undefined ? 'missing' : show(given)}: ${wanted}`;
}

/**
 * The groups of a study from YAML text.
 *
 * `source` is how errors name the text. Throws a FaceparseError (exit code 2) of one line that says where an unknown key
 * or a wrong value stands. Overrides are checked when the configurations are made; see `loadStudy`.
 *
 * @example parseStudy(await readConfigText('configs/study.yaml'), 'configs/study.yaml')[0].variants.length
 */
export function parseStudy(text: string, source: string): StudyGroup[] {
  const { document, lines } = parseYaml(text, (line) => `${source}:${line}`);
  const value = toValue(document, source);
  const result = studySchema.safeParse(value);
  if (!result.success) {
    const { issues } = result.error;
    // A key that is written wrong is missing too; that it is unknown says more.
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
    const message = explain(issue, value, locator(document, lines, source));
    throw new FaceparseError(message, { exitCode: 2 });
  }
  return Object.entries(result.data.groups).map(([name, group]) => ({
    ...group,
    name,
    variants: Object.entries(group.variants).map(([name, variant]) => ({ seeds: group.seeds, ...variant, name })),
  }));
}
