import type { Command } from 'commander';
import { registerDataCheck } from './data-check.ts';
import { registerDataPrepare } from './data-prepare.ts';
import { registerDataStats } from './data-stats.ts';
import { registerDataSynthesize } from './data-synthesize.ts';

/** `faceparse data …` */
export function registerData(program: Command): void {
  const data = program.command('data').description('check, describe, prepare and synthesize datasets');
  registerDataCheck(data);
  registerDataStats(data);
  registerDataPrepare(data);
  registerDataSynthesize(data);
}
