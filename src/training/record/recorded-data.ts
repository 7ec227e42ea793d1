import { dirname } from 'node:path';
import { exists } from '../../files/path-kind.ts';
import { FaceparseError } from '../../text/errors.ts';
import { allTrainingData, readEnvironment } from './environment.ts';
import { runFolder } from './run-folder.ts';

/**
 * The data folder (with train/ and val/) that a run used last, as it recorded it.
 *
 * @param consequence beginning of errors, such as `runs/x cannot be resumed`
 * @throws FaceparseError (exit code 2) if the record is missing or the folder no longer exists
 *
 * @example await recordedData('runs/x', 'runs/x cannot be resumed') // '/home/me/data'
 */
export async function recordedData(run: string, consequence: string): Promise<string> {
  const environment = await readEnvironment(runFolder(run).environment, consequence);
  const data = dirname(allTrainingData(environment).at(-1)!.folder);
  if (await exists(data)) return data;
  throw new FaceparseError(
    `${consequence}: its data folder ${data} no longer exists; if it was moved, pass its new place: --data FOLDER`,
    { exitCode: 2 },
  );
}
