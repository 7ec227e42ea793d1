import type { ParseOptions } from '../parser/parse-options.ts';
import type { ParseResult } from '../parser/result/parse-result.ts';
import { FaceParser, type LoadOptions } from './face-parser.ts';
import type { ImageSource } from './image-source.ts';

/** Maximum number of parsers; each has memory of its own. */
const mostParsers = 8;

/** Fewer photos than this per parser do not repay loading it. */
const leastPhotos = 4;

/**
 * How many parsers, of how many threads each, parse photos fastest: one per core. The threads of one network wait for each
 * other after every layer, those of different networks do not.
 *
 * @param cores the threads that a single parser would use
 */
export function planPool(photos: number, cores: number): { readonly parsers: number; readonly threads: number } {
  const parsers = Math.max(1, Math.min(cores, mostParsers, Math.floor(photos / leastPhotos)));
  return { parsers, threads: Math.max(1, Math.floor(cores / parsers)) };
}

/** Parsers with the same weights that share the photos of a batch. */
export class ParserPool {
  readonly #pending: number[];

  private constructor(private readonly parsers: readonly FaceParser[]) {
    this.#pending = parsers.map(() => 0);
  }

  /** @throws what `FaceParser.load` throws */
  static async load(count: number, path: string | undefined, options: LoadOptions): Promise<ParserPool> {
    const parsers: FaceParser[] = [];
    try {
      // One after the other: if the weights are unusable, that is said once.
      for (let index = 0; index < count; index++) parsers.push(await FaceParser.load(path, options));
    } catch (error) {
      await Promise.all(parsers.map((parser) => parser.dispose()));
      throw error;
    }
    return new ParserPool(parsers);
  }

  /** One of the parsers, for what is the same for all. */
  get parser(): FaceParser {
    return this.parsers[0];
  }

  /** Parses an image with the parser that has the fewest images. */
  async parse(image: ImageSource, options: ParseOptions): Promise<ParseResult> {
    const index = this.#pending.indexOf(Math.min(...this.#pending));
    this.#pending[index]++;
    try {
      return await this.parsers[index].parse(image, options);
    } finally {
      this.#pending[index]--;
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.parsers.map((parser) => parser.dispose()));
  }
}
