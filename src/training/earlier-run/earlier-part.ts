import { readFile } from 'node:fs/promises';
import { parseRunConfig } from '../../config/parse-config.ts';
import { type Config, imagesPerStep } from '../../config/schema.ts';
import { countOf, formatCount } from '../../text/counts.ts';
import type { Checkpoint } from '../checkpoint.ts';
import {
  type DataRecord,
  partsBefore,
  type ResumedWith,
  type RunEnvironment,
  readEnvironment,
} from '../record/environment.ts';
import type { RunFolder } from '../record/run-folder.ts';
import { configBefore, describeChange, settingChanges } from './setting-changes.ts';

/** How a run was trained up to the step at which it resumes. */
export interface EarlierPart {
  readonly config: Config;
  readonly environment: RunEnvironment;
  readonly trainingData: DataRecord;
  /** Absent in runs of earlier versions. */
  readonly validationData?: DataRecord;
}

/** The configuration and data of a run that are in force now. */
type CurrentPart = Required<Omit<EarlierPart, 'environment'>>;

/** Reads how a run was trained before a step. */
export async function readEarlierPart(folder: RunFolder, step: number): Promise<EarlierPart> {
  const stored = parseRunConfig(await readFile(folder.config, 'utf8'), folder.config);
  const environment = await readEnvironment(folder.environment);
  const parts = partsBefore(environment, step).toReversed();
  const validationData = parts.find((part) => part.validationData)?.validationData ?? environment.validationData;
  return {
    config: configBefore(stored, environment, step),
    environment,
    trainingData: parts.find((part) => part.trainingData)?.trainingData ?? environment.trainingData,
    ...(validationData && { validationData }),
  };
}

/** The position of a checkpoint in the data. Checkpoints of earlier versions do not contain the steps per epoch. */
export function positionAt({ step, seconds, record }: Checkpoint, { config, trainingData }: EarlierPart) {
  const stepsPerEpoch =
    record?.stepsPerEpoch ?? Math.max(1, Math.floor(trainingData.pairs / imagesPerStep(config.train)));
  return { step, seconds, offset: record?.offset ?? 0, stepsPerEpoch };
}

function hasSameImages(a: DataRecord, b: DataRecord): boolean {
  return a.stemsSha256 === b.stemsSha256;
}

/** Whether a record repeats another. Records of earlier versions do not count repairs. */
function isSameRecord(before: DataRecord, now: DataRecord): boolean {
  const counts = ({ repaired }: DataRecord) => JSON.stringify(repaired);
  const isRepairedAlike = before.repaired === undefined || counts(before) === counts(now);
  return before.folder === now.folder && hasSameImages(before, now) && isRepairedAlike;
}

/** What changes when a run goes on, to be recorded; without keys if nothing does. */
export function findChanges(before: EarlierPart, now: CurrentPart): ResumedWith {
  const changes = settingChanges(before.config, now.config);
  const isOtherTraining = !isSameRecord(before.trainingData, now.trainingData);
  const isOtherValidation = before.validationData
    ? !isSameRecord(before.validationData, now.validationData)
    : isOtherTraining;
  return {
    ...(changes.length > 0 && { changes }),
    ...(isOtherTraining && { trainingData: now.trainingData }),
    ...(isOtherValidation && { validationData: now.validationData }),
  };
}

/** Whether scores before and after are of the same validation images, so that they can be compared. */
export function hasSameValidation(before: EarlierPart, now: CurrentPart): boolean {
  const { validationData = now.validationData } = before;
  const isSameLimit = before.config.validation.limit === now.config.validation.limit;
  return isSameLimit && hasSameImages(validationData, now.validationData);
}

/** Says which pairs a split has from now on. */
function describeData(what: string, before: DataRecord | undefined, now: DataRecord): string {
  const pairs = `${what} ${countOf(now.pairs, 'pair')} of ${now.folder}`;
  if (!before) return pairs;
  if (!hasSameImages(before, now))
    return `${pairs}, other images than the ${formatCount(before.pairs)} of ${before.folder}`;
  return before.folder === now.folder ? pairs : `${pairs}, with the same names as in ${before.folder}`;
}

/** Lines about what changes in a run from a step on. */
export function describeChanges(changed: ResumedWith, earlier: EarlierPart | undefined, step: number): string[] {
  const { changes, trainingData, validationData } = changed;
  const from = `from step ${formatCount(step)} on`;
  const lines = [
    changes && `${from}: ${changes.map(describeChange).join(', ')}`,
    trainingData && `${from}: ${describeData('training on', earlier?.trainingData, trainingData)}`,
    validationData && `${from}: ${describeData('validation on', earlier?.validationData, validationData)}`,
  ];
  return lines.filter((line) => line !== undefined);
}
