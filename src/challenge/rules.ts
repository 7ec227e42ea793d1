/**
 * The rules of the CelebAMask-HQ Mini challenge that a program can check.
 *
 * @example parameters < challengeRules.parameterLimit // whether a network may be submitted
 */
export const challengeRules = {
  /** A network must have fewer trainable parameters than this. */
  parameterLimit: 1_821_085,
  /** Width and height of every mask, in pixels. */
  maskSide: 512,
  /** Photos with masks that a network may be trained on. */
  trainingPairs: 1000,
  /** SHA-256 of their names without extension, sorted, one per line, as in the `environment.json` of a run. */
  trainingStemsSha256: 'ecb55feff42d5b2d4bed43355330ac39d8b7b12a2cc2000a79a733e980da74ef',
  /** Name of the label set that defines the ids and palette of the masks. */
  labelSet: 'celebamask-19',
  /** Paths in the zip. */
  zip: {
    masks: 'masks/',
    maskExtension: '.png',
    solution: 'solution/',
    script: 'solution/run.py',
    checkpoint: 'solution/ckpt.pth',
    requirements: 'solution/requirements.txt',
  },
  /** The checkpoint entry that contains the weights. */
  weightsKey: 'state_dict',
} as const;
