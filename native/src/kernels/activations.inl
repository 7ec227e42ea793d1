// The activations and their slopes (src/graph/ops/activation.ts). The order of comparisons keeps NaN, so that a run that
// has diverged shows it; at the kinks the slopes are those of the reference kernels.

FACEPARSE_INLINE float clampUnit(float x) {
  const float high = x > 1.0f ? 1.0f : x;
  return high < 0.0f ? 0.0f : high;
}

FACEPARSE_INLINE float logistic(float x) { return 1.0f / (1.0f + vectorExp(-x)); }

/** The activation of x. */
template <Activation kind>
FACEPARSE_INLINE float activate(float x) {
  if constexpr (kind == Activation::relu) return x < 0.0f ? 0.0f : x;
  if constexpr (kind == Activation::relu6) {
    const float high = x > 6.0f ? 6.0f : x;
    return high < 0.0f ? 0.0f : high;
  }
  if constexpr (kind == Activation::sigmoid) return logistic(x);
  if constexpr (kind == Activation::silu) return x * logistic(x);
  if constexpr (kind == Activation::hardSigmoid) return clampUnit((x + 3.0f) * (1.0f / 6.0f));
  if constexpr (kind == Activation::hardSwish) return x * clampUnit((x + 3.0f) * (1.0f / 6.0f));
  return x;
}

/** The slope of the activation, from its output (relu, relu6, sigmoid, hardSigmoid) or its input (silu, hardSwish). */
template <Activation kind>
FACEPARSE_INLINE float slopeOf(float source) {
  if constexpr (kind == Activation::relu) return source > 0.0f ? 1.0f : 0.0f;
  if constexpr (kind == Activation::relu6) return source > 0.0f && source < 6.0f ? 1.0f : 0.0f;
  if constexpr (kind == Activation::sigmoid) return source * (1.0f - source);
  if constexpr (kind == Activation::silu) {
    const float share = logistic(source);
    return share * (1.0f + source * (1.0f - share));
  }
  if constexpr (kind == Activation::hardSigmoid) return source > 0.0f && source < 1.0f ? 1.0f / 6.0f : 0.0f;
  if constexpr (kind == Activation::hardSwish) {
    const float middle = source * (1.0f / 3.0f) + 0.5f;
    const float high = source >= 3.0f ? 1.0f : middle;
    return source <= -3.0f ? 0.0f : high;
  }
  return 1.0f;
}

/** Whether slopeOf reads the activation's output rather than its input. */
constexpr bool slopeFromOutput(Activation kind) { return kind != Activation::silu && kind != Activation::hardSwish; }
