/**
 * faceparse in the browser: everything of `faceparse`, and a parser that fetches weights and decodes images.
 *
 * @module faceparse/browser
 */
export { FaceParser, type LoadOptions, type WeightsSource } from './browser/face-parser.ts';
export type { BrowserImage, DrawableImage } from './browser/image-source.ts';
export * from './index.ts';
