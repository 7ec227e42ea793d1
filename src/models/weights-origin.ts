import { FaceparseError } from '../text/errors.ts';

/** What a network's weights were before they were trained: drawn at random, or read from a file. */
export type WeightsOrigin =
  | { readonly kind: 'random'; readonly seed: number }
  | {
      readonly kind: 'file';
      /** Name of the file, without its folder. */
      readonly file: string;
      /** Of the file's bytes, 64 hexadecimal digits. */
      readonly sha256: string;
    };

/** One line for people, and for environment.json: `random, seed 0`, or the file with its hash. */
export function describeOrigin(origin: WeightsOrigin): string {
  return origin.kind === 'random' ? `random, seed ${origin.seed}` : `${origin.file}, SHA-256 ${origin.sha256}`;
}

/**
 * Checks an origin that was read from somewhere.
 *
 * @param name what it was read from, for errors
 * @throws FaceparseError where it is not one
 */
export function checkOrigin(candidate: unknown, name: string): WeightsOrigin {
  const { kind, seed, file, sha256 } = (candidate ?? {}) as Readonly<Record<string, unknown>>;
  if (kind === 'random' && Number.isSafeInteger(seed)) return { kind, seed: seed as number };
  if (kind === 'file' && isFileName(file) && typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256)) {
    return { kind, file, sha256 };
  }
  throw new FaceparseError(
    `${name} does not say where its first weights come from as this faceparse reads it: {"kind": "random", "seed": …} or ` +
      '{"kind": "file", "file": …, "sha256": …}; it may be damaged, or of a newer faceparse.',
  );
}

/** A name on one line and without a folder, as it is shown to people. */
function isFileName(value: unknown): value is string {
  return typeof value === 'string' && /^[^\p{C}\p{Zl}\p{Zp}/\\]{1,255}$/u.test(value);
}
