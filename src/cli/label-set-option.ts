import { exists, isFolder } from '../files/path-kind.ts';
import type { LabelSet } from '../labels/label-set.ts';
import type { LabelSetChoice } from '../labels/label-table.ts';
import { getLabelSet, listLabelSets } from '../labels/registry.ts';
import { FaceparseError } from '../text/errors.ts';
import { ofSameNumbers, suggestName } from '../text/similar-names.ts';

/** The label set that the option `--labels` means: a built-in one by its name, or that of a configuration or a run. */
export async function labelSetOfOption(given: string): Promise<LabelSet> {
  return getLabelSet(await labelChoiceOfOption(given));
}

/** What `--labels` means, as weights files store it: a name, or the table of a configuration or a run. */
export async function labelChoiceOfOption(given: string): Promise<LabelSetChoice> {
  if (listLabelSets().includes(given)) return given;
  const isPath = /\.ya?ml$/i.test(given) || /[/\\]/.test(given) || (await exists(given));
  if (!isPath) {
    const names = listLabelSets();
    const otherwise = `it takes ${names.join(', ')}, or a configuration or run folder whose label set to use`;
    throw new FaceparseError(
      `--labels has no label set '${given.slice(0, 80)}'; ${suggestName(given, ofSameNumbers(given, names), otherwise)}`,
      { exitCode: 2 },
    );
  }
  const [{ loadConfig, readConfigText }, { parseRunConfig }, { runFolder }] = await Promise.all([
    import('../config/load-config.ts'),
    import('../config/parse-config.ts'),
    import('../training/record/run-folder.ts'),
  ]);
  const run = (await isFolder(given)) ? runFolder(given).config : undefined;
  const { data } =
    run === undefined ? await loadConfig({ file: given }) : parseRunConfig(await readConfigText(run), run);
  return data.labels;
}
