import { isClass, isKnown } from './lower-softmax.ts';
import type { Four, LoweringTable } from './lowering.ts';

/** The rule for the Lovász extension of the Jaccard loss. */
export const lovaszRules = {
  lovaszJaccard: ({ builder, values: [probabilities, labels], inputs }) => {
    const [n, classes, height, width] = inputs[0].shape as Four;
    const shape = inputs[1].shape;
    const pixels = height * width;
    const truth = builder.toFloat(isClass(builder, labels, shape, classes));
    const known = isKnown(builder, labels, shape, classes);
    const distances = builder.emit('Abs', [builder.emit('Sub', [truth, probabilities])]);
    // Pixels with unknown labels come last, after all pixels of the class, so they have no effect.
    const errors = builder.reshape(builder.emit('Where', [known, distances, builder.float(-1)]), [n, classes, pixels]);
    // For equal values, TopK returns the lower index first.
    const [sorted, order] = builder.emitAll('TopK', [errors, builder.int64s([pixels])], { axis: 2 }, 2) as [
      string,
      string,
    ];
    const rows = builder.reshape(truth, [n, classes, pixels]);
    const sortedTruth = builder.emit('GatherElements', [rows, order], { axis: 2 });
    const sortedHot = builder.emit('Cast', [sortedTruth], { to: 9 });
    const wrong = builder.emit('CumSum', [sortedTruth, builder.int32s([2], [])]);
    const actual = builder.reduceSum(rows, [2], true);
    const intersection = builder.emit('Sub', [actual, wrong]);
    const ranks = Float32Array.from({ length: pixels }, (_, index) => index + 1);
    const union = builder.emit('Add', [intersection, builder.floats(ranks, [1, 1, pixels], 'ranks')]);
    // With I and U those after a pixel, J rose by 1/U for one of the class, and by I/((U − 1)·U) for another. U is 1 at least; where
    // it is 1 the second is not used, or I is 0.
    const one = builder.float(1);
    const before = builder.emit('Max', [builder.emit('Sub', [union, one]), one]);
    const ofOther = builder.emit('Div', [intersection, builder.emit('Mul', [before, union])]);
    const difference = builder.emit('Where', [sortedHot, builder.emit('Reciprocal', [union]), ofOther]);
    const loss = builder.reduceSum(builder.emit('Mul', [sorted, difference]), [2], false);
    const signed = builder.emit('Where', [sortedHot, builder.emit('Neg', [difference]), difference]);
    const slope = builder.emit('ScatterElements', [errors, order, signed], { axis: 2 });
    return [loss, builder.reshape(slope, [n, classes, height, width]), builder.reshape(actual, [n, classes])];
  },
} satisfies Partial<LoweringTable>;
