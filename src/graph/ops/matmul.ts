import { formatShape, type Tensor } from '../graph.ts';
import { apply, defineOp } from '../op.ts';
import { broadcastTo, sumTo } from './reduction.ts';

export interface MatMulAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

export const matMulOp = defineOp<'matMul', MatMulAttributes>({
  name: 'matMul',
  infer: ([a, b], { transposeA, transposeB }) => {
    const describe = () =>
      `matMul: ${formatShape(a.shape)}${transposeA ? ' transposed' : ''} times ${formatShape(b.shape)}${transposeB ? ' transposed' : ''}`;
    if (a.shape.length < 2 || b.shape.length < 2) throw new Error(`${describe()}: both must have at least two axes`);
    const batchA = a.shape.slice(0, -2);
    const batchB = b.shape.slice(0, -2);
    if (batchB.length > 0 && formatShape(batchA) !== formatShape(batchB)) {
      throw new Error(`${describe()}: the leading axes differ`);
    }
    const [rows, inner] = matrix(a.shape, transposeA);
    const [innerB, columns] = matrix(b.shape, transposeB);
    if (inner !== innerB) throw new Error(`${describe()}: the inner dimensions ${inner} and ${innerB} differ`);
    return [{ shape: [...batchA, rows, columns], dtype: 'float32' }];
  },
  gradient: ({ inputs: [a, b], attributes: { transposeA, transposeB }, outputGradients: [dy], wants }) => {
    // With A' and B' the matrices as multiplied: dA' = dy·B'ᵀ, dB' = A'ᵀ·dy.
    const da = () => (transposeA ? matMul(full(b, a), dy!, transposeB, true) : matMul(dy!, b, false, !transposeB));
    const db = () => {
      const product = transposeB ? matMul(dy!, a, true, transposeA) : matMul(a, dy!, !transposeA, false);
      return sumTo(product, b.shape);
    };
    return [wants(0) ? da() : undefined, wants(1) ? db() : undefined];
  },
});

/**
 * Matrix product over the last two axes (ONNX `MatMul`), either side optionally transposed.
 * Leading axes of both are equal, or b is one matrix for all of them.
 */
export function matMul(a: Tensor, b: Tensor, transposeA = false, transposeB = false): Tensor {
  return apply(matMulOp, [a, b], { transposeA, transposeB });
}

function matrix(shape: readonly number[], transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}

/** Broadcasts b over the leading axes of a if it has none. */
function full(b: Tensor, a: Tensor): Tensor {
  if (b.shape.length === a.shape.length) return b;
  return broadcastTo(b, [...a.shape.slice(0, -2), ...b.shape.slice(-2)]);
}
