// Softmax and cross-entropy over the middle axis of outer × classes × inner: strips of neighbouring positions, vectorised across them.
// Compilers vectorise the loop over positions around the loop over classes, so that what a position sums stays in registers.

/** Positions of a strip; and the most classes of which the scores of a strip are copied, which spares cache lines that collide. */
constexpr int64_t classStrip = 64, classBuffer = 64;

/** The scores of n neighbouring positions: class c of position i at scores[c * stride + i]. */
struct ClassScores {
  const float *scores;
  int64_t stride, classes, n;
};

/** The scores of a strip, brought together in `buffer` unless there are too many classes. */
static inline ClassScores readStrip(const float *source, int64_t stride, int64_t classes, int64_t n, float *buffer) {
  if (classes > classBuffer) return {source, stride, classes, n};
  for (int64_t c = 0; c < classes; c++) memcpy(buffer + c * classStrip, source + c * stride, n * sizeof(float));
  return {buffer, classStrip, classes, n};
}

/** The largest score of every position. */
static inline void largestScores(const ClassScores &strip, float *largest) {
  const float *scores = strip.scores;
  const int64_t stride = strip.stride, classes = strip.classes, n = strip.n;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    float most = scores[i];
    for (int64_t c = 1; c < classes; c++) {
      const float score = scores[c * stride + i];
      most = score > most ? score : most;
    }
    largest[i] = most;
  }
}

/** Σ e^(score − largest) of every position; by blocks of classes, which keeps long sums accurate. */
static inline void sumExponentials(const ClassScores &strip, const float *largest, float *sums) {
  const int64_t stride = strip.stride, n = strip.n;
  std::fill(sums, sums + n, 0.0f);
  for (int64_t first = 0; first < strip.classes; first += 64) {
    const float *scores = strip.scores + first * stride;
    const int64_t count = std::min<int64_t>(64, strip.classes - first);
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
      float sum = 0;
      for (int64_t c = 0; c < count; c++) sum += vectorExp(scores[c * stride + i] - largest[i]);
      sums[i] += sum;
    }
  }
}

// ---------------------------------------------------------------------------------------------- softmax

/** The result may be the memory of the scores. */
template <bool logarithm>
static void softmaxStrip(const ClassScores &strip, float *result, int64_t resultStride) {
  float largest[classStrip], sums[classStrip];
  largestScores(strip, largest);
  sumExponentials(strip, largest, sums);
  const int64_t n = strip.n;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) sums[i] = logarithm ? vectorLog(sums[i]) : 1.0f / sums[i];
  for (int64_t c = 0; c < strip.classes; c++) {
    const float *scores = strip.scores + c * strip.stride;
    float *row = result + c * resultStride;
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
      const float shifted = scores[i] - largest[i];
      row[i] = logarithm ? shifted - sums[i] : vectorExp(shifted) * sums[i];
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
  if (inner == 1 && length > classBuffer) {
    parallelRanges(call.outer, elements, [&](int64_t first, int64_t end) {
      for (int64_t row = first; row < end; row++) softmaxRow<logarithm>(call.x + row * length, call.y + row * length, length);
    });
    return;
  }
  if (inner < classStrip / 4 && length <= classBuffer) {
    // Too few neighbours to fill vectors: strips of positions from all over, gathered.
    const int64_t positions = call.outer * inner;
    parallelRanges((positions + classStrip - 1) / classStrip, elements, [&](int64_t first, int64_t end) {
      float buffer[classBuffer * classStrip];
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
  const int64_t strips = (inner + classStrip - 1) / classStrip;
  parallelRanges(call.outer * strips, elements, [&](int64_t first, int64_t end) {
    float buffer[classBuffer * classStrip];
    for (int64_t unit = first; unit < end; unit++) {
      const int64_t start = unit % strips * classStrip, offset = unit / strips * length * inner + start;
      const ClassScores strip = readStrip(call.x + offset, inner, length, std::min(classStrip, inner - start), buffer);
      softmaxStrip<logarithm>(strip, call.y + offset, inner);
    }
  });
}

static void softmax(const SoftmaxCall &call) { call.logarithm ? softmaxOf<true>(call) : softmaxOf<false>(call); }

// ---------------------------------------------------------------------------------------------- labels

constexpr int32_t unknownLabel = -1;

/** The labels of a strip, with unknownLabel for all that are outside of the classes. */
static inline void readLabels(const int32_t *labels, int64_t classes, int64_t n, int32_t *known) {
  const uint32_t limit = static_cast<uint32_t>(classes);
#pragma omp simd
  for (int64_t i = 0; i < n; i++) known[i] = static_cast<uint32_t>(labels[i]) < limit ? labels[i] : unknownLabel;
}

static void oneHot(const OneHotCall &call) {
  constexpr int64_t piece = 4096;
  const int64_t pieces = (call.pixels + piece - 1) / piece;
  parallelRanges(call.pictures * call.classes * pieces, call.pictures * call.classes * call.pixels, [&](int64_t first, int64_t end) {
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
};

static void entropyStrip(const ClassScores &strip, const int32_t *labels, const EntropyTarget &target, float *loss, float *weight) {
  float largest[classStrip];
  largestScores(strip, largest);
  const float *scores = strip.scores, *weights = target.weights;
  const int64_t stride = strip.stride, classes = strip.classes, n = strip.n;
  const float share = target.share, each = target.each, weightSum = target.weightSum;
#pragma omp simd
  for (int64_t i = 0; i < n; i++) {
    float sum = 0, ofLabel = 0, labelWeight = 0, weighted = 0;
    for (int64_t c = 0; c < classes; c++) {
      const float shifted = scores[c * stride + i] - largest[i];
      sum += vectorExp(shifted);
      ofLabel = labels[i] == static_cast<int32_t>(c) ? shifted : ofLabel;
      labelWeight = labels[i] == static_cast<int32_t>(c) ? weights[c] : labelWeight;
      weighted += weights[c] * shifted;
    }
    const float logarithm = vectorLog(sum);
    const float smooth = each > 0 ? each * (weightSum * logarithm - weighted) : 0.0f;
    const float entropy = share * labelWeight * (logarithm - ofLabel) + smooth;
    loss[i] = labels[i] == unknownLabel ? 0.0f : entropy;
    weight[i] = labelWeight;
  }
}

static void entropyGradientStrip(const ClassScores &strip, const int32_t *labels, const EntropyTarget &target, const float *dLoss, float *dLogits,
                                 int64_t resultStride) {
  float largest[classStrip], sums[classStrip], factors[classStrip], ofLabel[classStrip], ofAll[classStrip];
  largestScores(strip, largest);
  sumExponentials(strip, largest, sums);
  const int64_t n = strip.n;
  for (int64_t i = 0; i < n; i++) {
    const bool known = labels[i] != unknownLabel;
    const float labelShare = known ? target.share * target.weights[labels[i]] : 0.0f;
    factors[i] = (labelShare + target.each * target.weightSum) * dLoss[i] / sums[i];
    ofLabel[i] = labelShare * dLoss[i];
    ofAll[i] = target.each * dLoss[i];
  }
  for (int64_t c = 0; c < strip.classes; c++) {
    const float *scores = strip.scores + c * strip.stride;
    float *row = dLogits + c * resultStride;
    const float weight = target.weights[c];
#pragma omp simd
    for (int64_t i = 0; i < n; i++) {
      const float goal = ofAll[i] * weight + (labels[i] == static_cast<int32_t>(c) ? ofLabel[i] : 0.0f);
      const float slope = vectorExp(scores[i] - largest[i]) * factors[i] - goal;
      row[i] = labels[i] == unknownLabel ? 0.0f : slope;
    }
  }
}

/** Calls body(scores, labels, pixel of the whole batch, offset into the logits) for every strip. */
template <typename Body>
FACEPARSE_INLINE void forEachStrip(const CrossEntropyCall &call, const Body &body) {
  const int64_t strips = (call.pixels + classStrip - 1) / classStrip;
  parallelRanges(call.pictures * strips, call.pictures * call.classes * call.pixels, [&](int64_t first, int64_t end) {
    float buffer[classBuffer * classStrip];
    int32_t labels[classStrip];
    for (int64_t unit = first; unit < end; unit++) {
      const int64_t picture = unit / strips, start = unit % strips * classStrip, n = std::min(classStrip, call.pixels - start);
      const int64_t offset = picture * call.classes * call.pixels + start;
      readLabels(call.labels + picture * call.pixels + start, call.classes, n, labels);
      body(readStrip(call.logits + offset, call.pixels, call.classes, n, buffer), labels, picture * call.pixels + start, offset);
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
