/** Element type of the photo: bytes, or floats in the same range (0 to 255) for runtimes that accept only floats. */
export const onnxInputTypes = ['uint8', 'float32'] as const;

/** Output of the model: one class id per pixel of the photo, or the raw logits of the network. */
export const onnxOutputs = ['labels', 'logits'] as const;

export interface OnnxExportOptions {
  /** Default uint8. */
  readonly input?: (typeof onnxInputTypes)[number];
  /** Default labels. */
  readonly output?: (typeof onnxOutputs)[number];
}
