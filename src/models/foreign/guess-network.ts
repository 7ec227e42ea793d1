import type { StateTensor } from '../../formats/state-dict/state-tensor.ts';
import { listEncoders } from '../encoders/registry.ts';
import { createModel, getArchitecture, listModels } from '../registry.ts';
import { encoderSources } from './encoder-names.ts';
import { fitTensors, isComplete } from './fit.ts';
import { encoderShapes, headNames } from './network-names.ts';
import { unwrap } from './unwrap.ts';

/** A network that all tensors of a file fit. */
export interface NetworkGuess {
  /** The architecture; undefined for an encoder alone. */
  readonly model?: string;
  readonly encoder?: string;
  /** Number of classes of its head. */
  readonly classes?: number;
}

/** A number of classes to build networks with; only their heads depend on it. */
const anyClasses = 19;
/** Files with more tensors are none of our networks, which have about a thousand; each guess compares all of them. */
const maxTensors = 10_000;

/**
 * Finds the network that the tensors of a file belong to, by their names and shapes. Only default settings are tried.
 *
 * @returns undefined if none fits completely, or if several do
 */
export function guessNetwork(tensors: ReadonlyMap<string, StateTensor>): NetworkGuess | undefined {
  if (tensors.size > maxTensors) return undefined;
  const encoder = guessEncoder(tensors);
  const fitting = listModels().flatMap((name): NetworkGuess[] => {
    const hasEncoder = getArchitecture(name).settings?.encoder !== undefined;
    if (hasEncoder && encoder === undefined) return [];
    const chosen = hasEncoder && encoder !== undefined ? { encoder } : {};
    const model = createModel(name, { classes: anyClasses, ...chosen });
    const fit = fitTensors(tensors, model);
    const head = headNames(model);
    if (fit.content !== 'network' || !isComplete(fit, head)) return [];
    const [first] = head;
    const found = fit.misshapen.find(({ name }) => name === first)?.tensor ?? fit.assigned.get(first ?? '');
    const classes = found?.shape[0];
    return [{ model: name, ...chosen, ...(classes !== undefined && { classes }) }];
  });
  if (fitting.length === 1) return fitting[0];
  return fitting.length === 0 && encoder !== undefined ? guessAlone(tensors, encoder) : undefined;
}

/** The guess of a file that has only an encoder. */
function guessAlone(tensors: ReadonlyMap<string, StateTensor>, encoder: string): NetworkGuess | undefined {
  const stems = new Set(encoderSources(encoder).map(({ stem }) => stem));
  return unwrap(tensors, (name) => stems.has(name)).rest.size === 0 ? { encoder } : undefined;
}

/** The encoder whose names and shapes those of the file are, with the fewest tensors that the file lacks. */
export function guessEncoder(tensors: ReadonlyMap<string, StateTensor>): string | undefined {
  const candidates = listEncoders().flatMap((name) => {
    const sources = encoderSources(name);
    const stems = new Set(sources.map(({ stem }) => stem));
    const { encoder } = unwrap(tensors, (key) => stems.has(key));
    const source = sources.find(({ stem }) => encoder.has(stem));
    if (!source) return [];
    const shapes = encoderShapes(name);
    let found = 0;
    for (const [key, { shape }] of encoder) {
      const own = source.translate(key);
      if (own === undefined || String(shapes.get(own)) !== String(shape)) {
        if (source.classifier.test(key)) continue;
        return [];
      }
      found++;
    }
    const isOwn = source === sources[0];
    const chosen = isOwn ? name : (source.originals[0]?.encoder ?? name);
    return found === 0 ? [] : [{ encoder: chosen, lacking: shapes.size - found }];
  });
  candidates.sort((a, b) => a.lacking - b.lacking);
  return candidates[0]?.encoder;
}
