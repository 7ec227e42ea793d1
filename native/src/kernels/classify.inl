// Softmax and cross-entropy over the middle axis of outer × classes × inner: strips of neighbouring positions, one vector at a time.

/** Maximum number of positions in a strip; a multiple of every vector size. */
constexpr int64_t classStrip = 64;

/** Maximum number of scores of a strip to copy. */
constexpr int64_t classBuffer = 4096;

/** Positions of a strip; fewer if there are many classes. */
static inline int64_t stripWidth(int64_t classes) { return classes * classStrip <= classBuffer ? classStrip : 16; }

/** The scores of n neighbouring positions: class c of position i at scores[c * stride + i]. */
struct ClassScores {
  const float *scores;
  int64_t stride, classes, n;

  FloatLanes at(int64_t c, int64_t i) const { return loadSome(scores + c * stride + i, n - i); }
};

/** The scores of a strip, copied to `buffer` unless there are too many: rows of large maps compete for the same cache lines. */
static inline ClassScores readStrip(const float *source, int64_t stride, int64_t classes, int64_t n, float *buffer) {
  const int64_t width = stripWidth(classes);
  if (classes * width > classBuffer) return {source, stride, classes, n};
  for (int64_t c = 0; c < classes; c++) {
    for (int64_t i = 0; i < n; i += lanes) storeLanes(buffer + c * width + i, loadSome(source + c * stride + i, n - i));
  }
  return {buffer, width, classes, n};
}

/** The largest score of positions i to i + lanes. */
FACEPARSE_INLINE FloatLanes largestScores(const ClassScores &strip, int64_t i) {
  FloatLanes largest = strip.at(0, i);
  for (int64_t c = 1; c < strip.classes; c++) {
    const FloatLanes score = strip.at(c, i);
    largest = score > largest ? score : largest;
  }
  return largest;
}

/** Σ e^(score − largest); by blocks of classes, which keeps long sums accurate. */
FACEPARSE_INLINE FloatLanes sumExponentials(const ClassScores &strip, int64_t i, FloatLanes largest) {
  FloatLanes sum = {};
  for (int64_t first = 0; first < strip.classes; first += 64) {
    FloatLanes part = {};
    for (int64_t c = first; c < std::min(first + 64, strip.classes); c++) part += vectorExp(strip.at(c, i) - largest);
    sum += part;
  }
  return sum;
}

// ---------------------------------------------------------------------------------------------- softmax

/** The result may overwrite the scores. */
template <bool logarithm>
static void softmaxStrip(const ClassScores &strip, float *result, int64_t resultStride) {
  for (int64_t i = 0; i < strip.n; i += lanes) {
    const FloatLanes largest = largestScores(strip, i), sum = sumExponentials(strip, i, largest);
    const FloatLanes factor = logarithm ? vectorLog(sum) : 1.0f / sum;
    for (int64_t c = 0; c < strip.classes; c++) {
      const FloatLanes shifted = strip.at(c, i) - largest;
      storeSome(result + c * resultStride + i, logarithm ? shifted - factor : vectorExp(shifted) * factor, strip.n - i);
    }
  }
}

/** A single position with contiguous scores. */
template <bool logarithm>
static void softmaxRow(const float *x, float *y, int64_t length) {
  float largest = x[0];
#pragma omp simd reduction(max : largest)
  for (int64_t i = 0; i < length; i++) largest = x[i] > largest ? x[i] : largest;
  double total = 0;
  for (int64_t start = 0; start < length; start += 1024) {
    const int64_t end = std::min(length, start + 1024);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = start; i < end; i++) sum += vectorExp(x[i] - largest);
    total += sum;
  }
  const float factor = static_cast<float>(logarithm ? std::log(total) : 1 / total);
#pragma omp simd
  for (int64_t i = 0; i < length; i++) {
    const float shifted = x[i] - largest;
    y[i] = logarithm ? shifted - factor : vectorExp(shifted) * factor;
  }
}

template <bool logarithm>
static void softmaxOf(const SoftmaxCall &call) {
  const int64_t length = call.length, inner = call.inner, elements = call.outer * length * inner;
  if (elements == 0) return;
  if (inner == 1 && length > classStrip) {
    parallelRanges(call.outer, elements, [&](int64_t first, int64_t end) {
      for (int64_t row = first; row < end; row++) softmaxRow<logarithm>(call.x + row * length, call.y + row * length, length);
    });
    return;
  }
  if (inner < classStrip / 4 && length <= classStrip) {
    // Too few neighbours to fill vectors: gather strips of scattered positions.
    const int64_t positions = call.outer * inner;
    parallelRanges((positions + classStrip - 1) / classStrip, elements, [&](int64_t first, int64_t end) {
      float buffer[classBuffer];
      int64_t offsets[classStrip];
      for (int64_t start = first * classStrip; start < std::min(positions, end * classStrip); start += classStrip) {
        const int64_t n = std::min(classStrip, positions - start);
        for (int64_t i = 0; i < n; i++) offsets[i] = (start + i) / inner * length * inner + (start + i) % inner;
        for (int64_t c = 0; c < length; c++) {
          for (int64_t i = 0; i < n; i++) buffer[c * classStrip + i] = call.x[offsets[i] + c * inner];
        }
        softmaxStrip<logarithm>({buffer, classStrip, length, n}, buffer, classStrip);
        for (int64_t c = 0; c < length; c++) {
          for (int64_t i = 0; i < n; i++) call.y[offsets[i] + c * inner] = buffer[c * classStrip + i];
        }
      }
    });
    return;
  }
  const int64_t width = stripWidth(length), strips = (inner + width - 1) / width;
  parallelRanges(call.outer * strips, elements, [&](int64_t first, int64_t end) {
    float buffer[classBuffer];
    for (int64_t unit = first; unit < end; unit++) {
      const int64_t start = unit % strips * width, offset = unit / strips * length * inner + start;
      const ClassScores strip = readStrip(call.x + offset, inner, length, std::min(width, inner - start), buffer);
      softmaxStrip<logarithm>(strip, call.y + offset, inner);
    }
  });
}

static void softmax(const SoftmaxCall &call) { call.logarithm ? softmaxOf<true>(call) : softmaxOf<false>(call); }

// ---------------------------------------------------------------------------------------------- labels

constexpr int32_t unknownLabel = -1;

/** The labels of a strip, with unknownLabel for labels that are not classes and for vector lanes past the end. */
static inline void readLabels(const int32_t *labels, int64_t classes, int64_t n, int32_t *known) {
  const uint32_t limit = static_cast<uint32_t>(classes);
#pragma omp simd
  for (int64_t i = 0; i < n; i++) known[i] = static_cast<uint32_t>(labels[i]) < limit ? labels[i] : unknownLabel;
  for (int64_t i = n; i % lanes != 0; i++) known[i] = unknownLabel;
}

static void oneHot(const OneHotCall &call) {
  constexpr int64_t piece = 4096;
  const int64_t pieces = (call.pixels + piece - 1) / piece;
  parallelRanges(call.images * call.classes * pieces, call.images * call.classes * call.pixels, [&](int64_t first, int64_t end) {
    for (int64_t unit = first; unit < end; unit++) {
      const int64_t plane = unit / pieces, start = unit % pieces * piece, n = std::min(piece, call.pixels - start);
      const int32_t label = static_cast<int32_t>(plane % call.classes);
      const int32_t *labels = call.labels + plane / call.classes * call.pixels + start;
      float *y = call.y + plane * call.pixels + start;
#pragma omp simd
      for (int64_t i = 0; i < n; i++) y[i] = labels[i] == label ? 1.0f : 0.0f;
    }
  });
}

// ---------------------------------------------------------------------------------------------- cross-entropy

/** The parts of the target q_c = share·w_c·[c = t] + each·w_c, share = 1 − s, each = s/C. */
struct EntropyTarget {
  const float *weights;
  float share, each, weightSum;

  EntropyTarget(const float *classWeights, int64_t classes, float smoothing) : weights(classWeights) {
    double sum = 0;
    for (int64_t c = 0; weights != nullptr && c < classes; c++) sum += weights[c];
    share = 1 - smoothing;
    each = smoothing / static_cast<float>(classes);
    weightSum = static_cast<float>(sum);
  }

  /** From ln Σ e^(score − largest), and of score − largest: the label's, and the sum over all classes with their weights. */
  FloatLanes lossOf(FloatLanes logarithm, FloatLanes ofLabel, FloatLanes labelWeight, FloatLanes weighted) const {
    const FloatLanes loss = share * labelWeight * (logarithm - ofLabel);
    return each > 0 ? loss + each * (weightSum * logarithm - weighted) : loss;
  }
};

static void entropyStrip(const ClassScores &strip, const int32_t *labels, const EntropyTarget &target, float *loss, float *weight) {
  const float *weights = target.weights;
  for (int64_t i = 0; i < strip.n; i += lanes) {
    const FloatLanes largest = largestScores(strip, i);
    const IntegerLanes label = loadLanes(labels + i);
    FloatLanes sum = {}, ofLabel = {}, labelWeight = {}, weighted = {};
    for (int64_t c = 0; c < strip.classes; c++) {
      const int32_t number = static_cast<int32_t>(c);
      const FloatLanes shifted = strip.at(c, i) - largest;
      sum += vectorExp(shifted);
      ofLabel = label == number ? shifted : ofLabel;
      labelWeight = label == number ? spread<FloatLanes>(weights[c]) : labelWeight;
      weighted += weights[c] * shifted;
    }
    const FloatLanes entropy = target.lossOf(vectorLog(sum), ofLabel, labelWeight, weighted);
    storeSome(loss + i, label == unknownLabel ? FloatLanes{} : entropy, strip.n - i);
    storeSome(weight + i, labelWeight, strip.n - i);
  }
}

static void entropyGradientStrip(const ClassScores &strip, const int32_t *labels, const EntropyTarget &target, const float *dLoss, float *dLogits,
                                 int64_t resultStride) {
  for (int64_t i = 0; i < strip.n; i += lanes) {
    const FloatLanes largest = largestScores(strip, i), sum = sumExponentials(strip, i, largest), slopes = loadSome(dLoss + i, strip.n - i);
    const IntegerLanes label = loadLanes(labels + i);
    FloatLanes labelWeight = {};
    for (int64_t c = 0; c < strip.classes; c++) {
      labelWeight = label == static_cast<int32_t>(c) ? spread<FloatLanes>(target.weights[c]) : labelWeight;
    }
    const FloatLanes ofLabel = target.share * labelWeight * slopes, ofAll = target.each * slopes;
    const FloatLanes factor = (ofLabel + ofAll * target.weightSum) / sum;
    for (int64_t c = 0; c < strip.classes; c++) {
      const FloatLanes goal = ofAll * target.weights[c] + (label == static_cast<int32_t>(c) ? ofLabel : FloatLanes{});
      const FloatLanes slope = vectorExp(strip.at(c, i) - largest) * factor - goal;
      storeSome(dLogits + c * resultStride + i, label == unknownLabel ? FloatLanes{} : slope, strip.n - i);
    }
  }
}

/** Calls body(scores, labels, pixel of the whole batch, offset into the logits) for every strip. */
template <typename Body>
FACEPARSE_INLINE void forEachStrip(const CrossEntropyCall &call, const Body &body) {
  const int64_t width = stripWidth(call.classes), strips = (call.pixels + width - 1) / width;
  parallelRanges(call.images * strips, call.images * call.classes * call.pixels, [&](int64_t first, int64_t end) {
    float buffer[classBuffer];
    int32_t labels[classStrip];
    for (int64_t unit = first; unit < end; unit++) {
      const int64_t image = unit / strips, start = unit % strips * width, n = std::min(width, call.pixels - start);
      const int64_t offset = image * call.classes * call.pixels + start;
      readLabels(call.labels + image * call.pixels + start, call.classes, n, labels);
      body(readStrip(call.logits + offset, call.pixels, call.classes, n, buffer), labels, image * call.pixels + start, offset);
    }
  });
}

static void crossEntropy(const CrossEntropyCall &call) {
  const EntropyTarget target(call.weights, call.classes, call.labelSmoothing);
  forEachStrip(call, [&](const ClassScores &strip, const int32_t *labels, int64_t pixel, int64_t) {
    entropyStrip(strip, labels, target, call.loss + pixel, call.weight + pixel);
  });
}

static void crossEntropyGradient(const CrossEntropyCall &call) {
  const EntropyTarget target(call.weights, call.classes, call.labelSmoothing);
  forEachStrip(call, [&](const ClassScores &strip, const int32_t *labels, int64_t pixel, int64_t offset) {
    entropyGradientStrip(strip, labels, target, call.dLoss + pixel, call.dLogits + offset, call.pixels);
  });
}
