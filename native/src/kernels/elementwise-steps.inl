// The instructions of elementwise programs: one loop for every operation and kind of argument.

/** One instruction on n elements. The result may be the memory of an argument. */
typedef void (*ElementwiseStep)(const float *a, const float *b, float *result, int64_t n, float immediate);

template <ElementwiseOp op, Activation kind>
FACEPARSE_INLINE float elementwiseValue(float a, float b, float immediate) {
  if constexpr (op == ElementwiseOp::add) return a + b;
  if constexpr (op == ElementwiseOp::sub) return a - b;
  if constexpr (op == ElementwiseOp::mul) return a * b;
  if constexpr (op == ElementwiseOp::div) return a / b;
  // NaN where either is NaN, as Math.min and Math.max.
  if constexpr (op == ElementwiseOp::minimum) return (b < a) | (b != b) ? b : a;
  if constexpr (op == ElementwiseOp::maximum) return (b > a) | (b != b) ? b : a;
  if constexpr (op == ElementwiseOp::greater) return a > b ? 1.0f : 0.0f;
  if constexpr (op == ElementwiseOp::exp) return vectorExp(a);
  if constexpr (op == ElementwiseOp::log) return vectorLog(a);
  if constexpr (op == ElementwiseOp::sqrt) return __builtin_sqrtf(a);
  if constexpr (op == ElementwiseOp::scale) return a * immediate;
  if constexpr (op == ElementwiseOp::activation) return activate<kind>(a);
  if constexpr (op == ElementwiseOp::activationGradient) return a * slopeOf<kind>(b);
}

template <ElementwiseOp op, Activation kind, bool uniformA, bool uniformB>
static void elementwiseStep(const float *a, const float *b, float *result, int64_t n, float immediate) {
  const float firstA = *a, firstB = *b;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    result[i] = elementwiseValue<op, kind>(uniformA ? firstA : a[i], uniformB ? firstB : b[i], immediate);
  }
}

template <ElementwiseOp op, Activation kind = Activation::none>
static ElementwiseStep binaryStep(bool uniformA, bool uniformB) {
  if (uniformA && !uniformB) return elementwiseStep<op, kind, true, false>;
  if (uniformB && !uniformA) return elementwiseStep<op, kind, false, true>;
  return elementwiseStep<op, kind, false, false>;
}

template <ElementwiseOp op>
static ElementwiseStep activationStep(Activation kind, bool uniformA, bool uniformB) {
  switch (kind) {
    case Activation::relu: return binaryStep<op, Activation::relu>(uniformA, uniformB);
    case Activation::relu6: return binaryStep<op, Activation::relu6>(uniformA, uniformB);
    case Activation::sigmoid: return binaryStep<op, Activation::sigmoid>(uniformA, uniformB);
    case Activation::silu: return binaryStep<op, Activation::silu>(uniformA, uniformB);
    case Activation::hardSigmoid: return binaryStep<op, Activation::hardSigmoid>(uniformA, uniformB);
    case Activation::hardSwish: return binaryStep<op, Activation::hardSwish>(uniformA, uniformB);
    case Activation::none: break;
  }
  return binaryStep<op, Activation::none>(uniformA, uniformB);
}

/** The loop of an instruction. Where all arguments are uniform it runs on one element, as on arrays. */
static ElementwiseStep stepOf(const ElementwiseInstruction &instruction, bool uniformA, bool uniformB) {
  const Activation kind = static_cast<Activation>(instruction.argument);
  switch (instruction.op) {
    case ElementwiseOp::add: return binaryStep<ElementwiseOp::add>(uniformA, uniformB);
    case ElementwiseOp::sub: return binaryStep<ElementwiseOp::sub>(uniformA, uniformB);
    case ElementwiseOp::mul: return binaryStep<ElementwiseOp::mul>(uniformA, uniformB);
    case ElementwiseOp::div: return binaryStep<ElementwiseOp::div>(uniformA, uniformB);
    case ElementwiseOp::minimum: return binaryStep<ElementwiseOp::minimum>(uniformA, uniformB);
    case ElementwiseOp::maximum: return binaryStep<ElementwiseOp::maximum>(uniformA, uniformB);
    case ElementwiseOp::greater: return binaryStep<ElementwiseOp::greater>(uniformA, uniformB);
    case ElementwiseOp::exp: return elementwiseStep<ElementwiseOp::exp, Activation::none, false, true>;
    case ElementwiseOp::log: return elementwiseStep<ElementwiseOp::log, Activation::none, false, true>;
    case ElementwiseOp::sqrt: return elementwiseStep<ElementwiseOp::sqrt, Activation::none, false, true>;
    case ElementwiseOp::scale: return elementwiseStep<ElementwiseOp::scale, Activation::none, false, true>;
    case ElementwiseOp::activation: return activationStep<ElementwiseOp::activation>(kind, false, true);
    case ElementwiseOp::activationGradient:
      return activationStep<ElementwiseOp::activationGradient>(kind, uniformA, uniformB);
  }
  return nullptr;
}

static bool readsB(ElementwiseOp op) { return op <= ElementwiseOp::greater || op == ElementwiseOp::activationGradient; }
