import { formatTable } from '../format.ts';

/** Milliseconds of one photo by part, in the order in which a photo passes through them. */
export interface PhotoTimes {
  /** Reading and decoding the file. */
  readonly decode: number;
  /** Finding faces. */
  readonly detect: number;
  readonly preprocess: number;
  readonly network: number;
  readonly postprocess: number;
  /** Encoding the mask and the other outputs. */
  readonly encode: number;
  readonly write: number;
}

/** Where the time of `predict` went, in milliseconds per photo. */
export interface PredictProfile {
  readonly photos: number;
  /** From the first photo to the last file. */
  readonly wall: number;
  /** Means of the parts. They overlap, so that their sum exceeds `wall`. */
  readonly parts: PhotoTimes;
  /** `parts.network` relative to `wall`. */
  readonly networkShare: number;
  /** `wall` relative to `parts.network`. */
  readonly wallPerNetwork: number;
}

const titles: readonly (readonly [keyof PhotoTimes, string])[] = [
  ['decode', 'decode'],
  ['detect', 'find faces'],
  ['preprocess', 'preprocess'],
  ['network', 'network'],
  ['postprocess', 'post-process'],
  ['encode', 'encode'],
  ['write', 'write'],
];

function mapParts(millisecondsOf: (part: keyof PhotoTimes) => number): {
  -readonly [part in keyof PhotoTimes]: number;
} {
  const [decode, detect, preprocess, network, postprocess, encode, write] = titles.map(([part]) =>
    millisecondsOf(part),
  );
  return { decode, detect, preprocess, network, postprocess, encode, write };
}

/** Adds up the times of photos. */
export class ProfileRecorder {
  #start = performance.now();
  readonly #sums = mapParts(() => 0);
  #photos = 0;

  /** Starts the wall time. */
  start(): void {
    this.#start = performance.now();
  }

  add(times: PhotoTimes): void {
    this.#photos++;
    for (const [part] of titles) this.#sums[part] += times[part];
  }

  /** The profile until now; undefined without photos. */
  finish(): PredictProfile | undefined {
    if (this.#photos === 0) return undefined;
    const photos = this.#photos;
    const wall = (performance.now() - this.#start) / photos;
    const means = mapParts((part) => this.#sums[part] / photos);
    return { photos, wall, parts: means, networkShare: means.network / wall, wallPerNetwork: wall / means.network };
  }
}

/** A profile as a table. */
export function formatProfile({ photos, wall, parts: means, networkShare, wallPerNetwork }: PredictProfile): string {
  const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
  const rows = titles
    .filter(([part]) => part !== 'detect' || means.detect > 0)
    .map(([part, title]) => [title, means[part].toFixed(1), percent(means[part] / wall)]);
  return [
    formatTable(
      [{ title: 'part' }, { title: 'ms per photo', align: 'right' }, { title: 'of wall time', align: 'right' }],
      rows,
      ['wall time', wall.toFixed(1), '100 %'],
    ),
    '',
    `Means of ${photos} ${photos === 1 ? 'photo' : 'photos'}. The parts overlap. The network takes ${percent(networkShare)} of the wall time; wall time / network = ${wallPerNetwork.toFixed(2)}.`,
  ].join('\n');
}
