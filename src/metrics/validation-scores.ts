/** Scores of a validation that a run or a sweep can watch, by their names in metrics.csv. */
export const validationScores = [
  'valF',
  'valMacroF1',
  'valMacroF1NoBackground',
  'valMacroIou',
  'valPixelAccuracy',
  'valLoss',
] as const;
