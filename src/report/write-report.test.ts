import { expect, it } from 'vitest';
import { writeReport } from './write-report.ts';

it.skipIf(process.platform !== 'linux')('checks the output folder before it reads the run', async () => {
  await expect(writeReport({ run: 'nowhere', out: '/proc/report' })).rejects.toThrow(
    /^cannot write \/proc\/report\/report\.typ: .*; choose another --out$/,
  );
});

it('names a run that does not exist', async () => {
  await expect(writeReport({ run: 'nowhere/a', out: 'nowhere/report' })).rejects.toMatchObject({
    exitCode: 2,
    message: 'nowhere/a not found; it must be a run folder or a weights file',
  });
});
