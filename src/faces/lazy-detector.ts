import type { Photo } from '../image/image.ts';
import type { FaceFinder, FindOptions, FoundFace } from './face.ts';

/** A detector that holds memory of an engine. */
export interface DisposableFinder extends FaceFinder {
  dispose(): Promise<void>;
}

/** A detector that is loaded with the first photo, so that a parser that needs none starts sooner. */
export class LazyDetector implements DisposableFinder {
  #loaded: Promise<DisposableFinder> | undefined;

  constructor(private readonly load: () => Promise<DisposableFinder>) {}

  async detect(photo: Photo, options?: FindOptions): Promise<readonly FoundFace[]> {
    this.#loaded ??= this.load();
    return (await this.#loaded).detect(photo, options);
  }

  async dispose(): Promise<void> {
    // Where loading failed, `detect` has said so.
    await this.#loaded?.then(
      (detector) => detector.dispose(),
      () => undefined,
    );
  }
}
