import { FaceparseError } from '../text/errors.ts';

/** Origin of a network's weights before training: random, or read from a file. */
export type WeightsOrigin =
  | { readonly kind: 'random'; readonly seed: number }
  | {
      readonly kind: 'file';
      /** Name of the file, without its folder. */
      readonly file: string;
      /** SHA-256 of the file's bytes, 64 hexadecimal digits. */
      readonly sha256: string;
      /** Whether another program trained the weights. */
      readonly elsewhere?: true;
      /** What was taken from the file; absent if it was everything. */
      readonly part?: WeightsFilePart;
      /** What that file says of its own initial weights; absent if it says nothing. */
      readonly before?: WeightsOrigin;
    };

/** The encoder alone, or everything but the head. */
export type WeightsFilePart = (typeof parts)[number];

const parts = ['encoder', 'body'] as const;
const partTexts: Readonly<Record<WeightsFilePart, string>> = { encoder: 'encoder only', body: 'without the head' };

/** More files than this in a chain of origins are refused: nobody trains so often from weights of weights. */
const longestChain = 100;

/**
 * Formats an origin on one line, for people and for environment.json: `random, seed 0`, or the file with its hash. The
 * origin of that file itself is left out; see `originChain`.
 */
export function describeOrigin(origin: WeightsOrigin): string {
  if (origin.kind === 'random') return `random, seed ${origin.seed}`;
  const { file, sha256, elsewhere, part } = origin;
  return [
    file,
    `SHA-256 ${sha256}`,
    ...(part ? [partTexts[part]] : []),
    ...(elsewhere ? ['trained elsewhere'] : []),
  ].join(', ');
}

/** An origin, the origin of its file, and so on. It ends with random weights, or with a file of unknown origin. */
export function originChain(origin: WeightsOrigin): WeightsOrigin[] {
  const chain = [origin];
  for (let last = origin; last.kind === 'file' && last.before; last = last.before) chain.push(last.before);
  return chain;
}

/**
 * Checks an origin read from a file.
 *
 * @param name the source of the origin, for errors
 * @throws FaceparseError if it is not a valid origin
 */
export function checkOrigin(candidate: unknown, name: string): WeightsOrigin {
  return checkLink(candidate, name, longestChain);
}

/** @param left files that may still follow in the chain */
function checkLink(candidate: unknown, name: string, left: number): WeightsOrigin {
  const { kind, seed, file, sha256, elsewhere, part, before } = (candidate ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'random' && Number.isSafeInteger(seed)) return { kind, seed: seed as number };
  const isFile = kind === 'file' && isFileName(file) && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
  const taken = parts.find((known) => known === part);
  const isKnown = (elsewhere === undefined || elsewhere === true) && part === taken;
  if (isFile && isKnown && left > 0) {
    return {
      kind,
      file,
      sha256,
      ...(elsewhere && { elsewhere }),
      ...(taken && { part: taken }),
      ...(before !== undefined && { before: checkLink(before, name, left - 1) }),
    };
  }
  throw new FaceparseError(
    `${name} does not record the origin of its initial weights in a known form: {"kind": "random", "seed": …} or ` +
      '{"kind": "file", "file": …, "sha256": …}; it may be damaged or written by a newer version of faceparse.',
  );
}

/** Whether the value is a file name on one line, without a folder. */
function isFileName(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{C}\p{Zl}\p{Zp}/\\]{1,255}$/u.test(value);
}
