import type { Command } from 'commander';
import { registerDataCheck } from './check.ts';
import { registerDataPrepare } from './prepare.ts';
import { registerDataStats } from './stats.ts';
import { registerDataSynthesize } from './synthesize.ts';

/** `faceparse data …` */
export function registerData(program: Command): void {
  const data = program.command('data').description('check, describe, prepare and synthesize datasets');
  registerDataCheck(data);
  registerDataStats(data);
  registerDataPrepare(data);
  registerDataSynthesize(data);
}
