import { join } from 'node:path';
import { confusionMatrix } from '../../charts/confusion-matrix.ts';
import { writeFileAtomic } from '../../files/atomic-write.ts';
import { makeFolder } from '../../files/make-folder.ts';
import type { ReportFacts, ReportFigures } from '../facts/report-facts.ts';
import { sizeSteps, validations } from '../facts/run-progress.ts';
import { comparisonFigure } from './comparison-figure.ts';
import { networkFigure } from './network-figure.ts';
import { failureFigure, lossFigure, scoreFigure } from './run-figures.ts';

/** Draws all figures into `OUT/figures/`. */
export async function writeFigures(out: string, facts: Omit<ReportFacts, 'figures'>): Promise<ReportFigures> {
  const { run, network, measured, comparison } = facts;
  const folder = join(out, 'figures');
  await makeFolder(folder);
  const write = async (name: string, data: string | Uint8Array) => {
    await writeFileAtomic(join(folder, name), data);
    return `figures/${name}`;
  };
  const failures: string[] = [];
  for (const [index, image] of (measured?.worst ?? []).entries()) {
    failures.push(await write(`failure-${index + 1}.png`, await failureFigure(image, measured!.labelSet)));
  }
  const compared = comparison && comparisonFigure(comparison.variants);
  return {
    network: await write('network.svg', networkFigure(network.network)),
    loss: await write('loss.svg', await lossFigure(run.metrics, run.config)),
    ...(validations(run).length > 0 && {
      score: await write('score.svg', await scoreFigure(run.metrics, sizeSteps(run))),
    }),
    ...(measured && { confusion: await write('confusion.svg', confusionMatrix(measured.summary, measured.labelSet)) }),
    ...(compared && { comparison: await write('comparison.svg', compared) }),
    failures,
  };
}
