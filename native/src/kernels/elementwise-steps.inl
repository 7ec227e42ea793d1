// The instructions of elementwise programs: one loop for every operation and kind of argument.

/** One instruction on n elements. The result may overwrite an argument. */
typedef void (*ElementwiseStep)(const float *a, const float *b, float *result, int64_t n, float immediate);

template <ElementwiseOp op, Activation kind>
FACEPARSE_INLINE float elementwiseValue(float a, float b, float immediate) {
#define FACEPARSE_ELEMENTWISE(name, arity, value) \
  if constexpr (op == ElementwiseOp::name) return value;
#include "elementwise-ops.def"
}

template <ElementwiseOp op, Activation kind, bool uniformA, bool uniformB>
static void elementwiseStep(const float *a, const float *b, float *result, int64_t n, float immediate) {
  const float firstA = *a, firstB = *b;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    result[i] = elementwiseValue<op, kind>(uniformA ? firstA : a[i], uniformB ? firstB : b[i], immediate);
  }
}

// The loops of an op, one function for each arity of elementwise-ops.def.

template <ElementwiseOp op>
static ElementwiseStep unary(Activation, bool, bool) {
  return elementwiseStep<op, Activation::none, false, true>;
}

template <ElementwiseOp op, Activation kind>
static ElementwiseStep binaryStep(bool uniformA, bool uniformB) {
  if (uniformA && !uniformB) return elementwiseStep<op, kind, true, false>;
  if (uniformB && !uniformA) return elementwiseStep<op, kind, false, true>;
  return elementwiseStep<op, kind, false, false>;
}

template <ElementwiseOp op>
static ElementwiseStep binary(Activation, bool uniformA, bool uniformB) {
  return binaryStep<op, Activation::none>(uniformA, uniformB);
}

template <ElementwiseOp op>
static ElementwiseStep binaryByActivation(Activation kind, bool uniformA, bool uniformB) {
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

template <ElementwiseOp op>
static ElementwiseStep unaryByActivation(Activation kind, bool, bool) {
  return binaryByActivation<op>(kind, false, true);
}

/** The loop of an instruction. If all arguments are uniform, it runs on a single element. */
static ElementwiseStep stepOf(const ElementwiseInstruction &instruction, bool uniformA, bool uniformB) {
  const Activation kind = static_cast<Activation>(instruction.argument);
  switch (instruction.op) {
#define FACEPARSE_ELEMENTWISE(name, arity, value) \
  case ElementwiseOp::name: return arity<ElementwiseOp::name>(kind, uniformA, uniformB);
#include "elementwise-ops.def"
  }
  return nullptr;
}

static bool readsB(ElementwiseOp op) {
  enum { unary, binary, unaryByActivation, binaryByActivation };
  constexpr int arities[] = {
#define FACEPARSE_ELEMENTWISE(name, arity, value) arity,
#include "elementwise-ops.def"
  };
  const int arity = arities[static_cast<int32_t>(op)];
  return arity == binary || arity == binaryByActivation;
}
