import type { Config } from '../../config/schema.ts';
import { type Graph, stateAttributes, type Tensor, trainableStates } from '../../graph/graph.ts';
import { FaceparseError } from '../../text/errors.ts';

/** Which parts of the network are trained, and how fast. */
export type FineTuningOptions = Partial<Pick<Config['train'], 'freeze' | 'encoderLrFactor'>>;

const encoder = 'encoder';

/** Whether a path or parameter name is in the encoder of the network. */
function isInEncoder(path: string): boolean {
  return path === encoder || path.startsWith(`${encoder}.`);
}

/** Whether the batch normalisation at a path is frozen; undefined if none is. */
export function frozenBatchNorm({ freeze }: FineTuningOptions): ((path: string) => boolean) | undefined {
  if (freeze === undefined || freeze.batchNorm === 'none') return undefined;
  return freeze.batchNorm === 'all' ? () => true : isInEncoder;
}

/**
 * The parameters of a training graph that the optimiser updates, in order of declaration.
 *
 * @param model name of the network, for errors
 * @throws FaceparseError (exit code 2) if a setting concerns an encoder and the network has none, or nothing is left to train
 */
export function trainedParameters(graph: Graph, model: string, options: FineTuningOptions): Tensor[] {
  const { freeze } = options;
  const isFrozenNorm = frozenBatchNorm(options);
  const all = trainableStates(graph);
  requireEncoder(all, model, options);
  const trained = all.filter((parameter) => {
    if (freeze?.encoder && isInEncoder(stateAttributes(parameter).name)) return false;
    const { module } = parameter.node;
    return !(module?.kind === 'BatchNorm2d' && isFrozenNorm?.(module.path));
  });
  if (trained.length > 0) return trained;
  throw new FaceparseError(
    `train.freeze leaves no parameter of ${model} to train; set train.freeze.encoder=false or train.freeze.batchNorm=none`,
    { exitCode: 2 },
  );
}

/** The factor of the learning rate of a parameter; undefined if it is 1 for all. */
export function rateFactor({ encoderLrFactor = 1 }: FineTuningOptions): ((parameter: Tensor) => number) | undefined {
  if (encoderLrFactor === 1) return undefined;
  return (parameter) => (isInEncoder(stateAttributes(parameter).name) ? encoderLrFactor : 1);
}

function requireEncoder(parameters: readonly Tensor[], model: string, options: FineTuningOptions): void {
  const { freeze, encoderLrFactor = 1 } = options;
  const fail = (message: string): never => {
    throw new FaceparseError(message, { exitCode: 2 });
  };
  const settings: readonly (readonly [boolean, string, string])[] = [
    [freeze?.encoder === true, 'train.freeze.encoder=true', 'train.freeze.encoder=false'],
    [freeze?.batchNorm === 'encoder', 'train.freeze.batchNorm=encoder', 'train.freeze.batchNorm=none or all'],
    [encoderLrFactor !== 1, `train.encoderLrFactor=${encoderLrFactor}`, 'train.encoderLrFactor=1'],
  ];
  const wanted = settings.find(([isSet]) => isSet);
  if (wanted && !parameters.some((parameter) => isInEncoder(stateAttributes(parameter).name))) {
    const [, given, instead] = wanted;
    fail(
      `${given} requires a network with an encoder, but ${model} has none (its parameters would be named ${encoder}.…); ` +
        `set ${instead}, or choose a network with an encoder, such as model.name=unet`,
    );
  }
  if (freeze?.encoder && encoderLrFactor !== 1) {
    fail(
      `train.encoderLrFactor=${encoderLrFactor} has no effect with train.freeze.encoder=true: the encoder is not trained; ` +
        'set one of them only',
    );
  }
}
