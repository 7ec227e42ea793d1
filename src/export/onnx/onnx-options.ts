/** What the photo is made of: bytes, or floats of the same range (0 to 255) for runtimes that take nothing else. */
export const onnxInputTypes = ['uint8', 'float32'] as const;

/** What the model gives: a class id a pixel of the photo, or the scores of the network as they are. */
export const onnxOutputs = ['labels', 'logits'] as const;

export interface OnnxExportOptions {
  /** Default uint8. */
  readonly input?: (typeof onnxInputTypes)[number];
  /** Default labels. */
  readonly output?: (typeof onnxOutputs)[number];
}
