import { type Config, defaultEpochs } from '../config/schema.ts';
import { countOf } from '../text/counts.ts';
import { describeStart, type InitialWeights } from './earlier-run/initial-weights.ts';

/** What is known of a run before its next step. */
export interface RunOutlook {
  /** Absent if the weights are random or the run goes on. */
  readonly initial?: InitialWeights | undefined;
  /** Number of validations of the whole run; undefined if it depends on the speed of the machine. */
  readonly validations: number | undefined;
  /** Seconds that a resumed run has been trained for; undefined for a new run. */
  readonly secondsSoFar?: number | undefined;
}

/** Lines about the settings of a run for its start and for a dry run: where it starts, and which settings have no effect. */
export function startNotices(config: Config, { initial, validations, secondsSoFar }: RunOutlook): string[] {
  const lines = [
    ...(secondsSoFar === undefined ? [describeStart(initial, config), ...(initial?.notices ?? [])] : []),
    describeMinutes(config.train, secondsSoFar),
    ...(validations === undefined ? [] : [describeIdleStopping(config.train, validations)]),
    describeIdlePlateau(config.train, validations),
  ];
  return lines.filter((line) => line !== undefined);
}

/** Whether early stopping can end a run before its length. The first validation always counts as an improvement. */
export function canStopEarly({ earlyStopping }: Config['train'], validations: number): boolean {
  return earlyStopping.patience !== undefined && earlyStopping.patience <= validations - 2;
}

function describeMinutes({ minutes, epochs }: Config['train'], secondsSoFar: number | undefined): string | undefined {
  if (minutes === undefined) return undefined;
  const length = `train.minutes=${minutes}`;
  if (secondsSoFar === undefined) {
    // The default of epochs is nobody's wish.
    return epochs === defaultEpochs
      ? undefined
      : `${length} sets the length of the run; train.epochs=${epochs} has no effect`;
  }
  const soFar = secondsSoFar / 60;
  if (soFar >= minutes) return undefined;
  const short = (value: number) => `${Number(value.toFixed(1))} min`;
  return `${length} is the length of the whole run: ${short(soFar)} are done, ${short(minutes - soFar)} are left`;
}

/** `use at most 4, or lower validation.every` */
function remedy(most: number, least: number): string {
  return most < least ? 'lower validation.every' : `use at most ${most}, or lower validation.every`;
}

function describeIdleStopping(train: Config['train'], validations: number): string | undefined {
  const { patience } = train.earlyStopping;
  if (patience === undefined || canStopEarly(train, validations)) return undefined;
  return `train.earlyStopping.patience=${patience} has no effect in a run of ${countOf(validations, 'validation')}; ${remedy(validations - 2, 1)}`;
}

function describeIdlePlateau(
  { schedule, scheduleOptions, finalShare }: Config['train'],
  validations = Number.POSITIVE_INFINITY,
): string | undefined {
  if (schedule !== 'plateau') return undefined;
  if (finalShare === 1) return 'train.schedule=plateau never reduces the learning rate, because train.finalShare is 1';
  // The first validation improves, patience others may not, the next one reduces the rate, and steps follow.
  const { patience } = scheduleOptions;
  const most = validations - 3;
  if (patience <= most) return undefined;
  return `train.schedule=plateau never reduces the learning rate: train.scheduleOptions.patience is ${patience} and the run has ${countOf(validations, 'validation')}; ${remedy(most, 0)}`;
}
