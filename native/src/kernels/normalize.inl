// Batch normalisation fused with a residual and an activation, in two passes (normalize-parts.inl): statistics, values.

/** Number of vectors summed in single precision before the sum is added in double precision. */
constexpr int64_t chunkVectors = 128;

/** The number of values processed at once: `block` channels, or the same channel several times. */
template <int block>
constexpr int groupOf = block > lanes ? block : lanes;

// ---------------------------------------------------------------------------------------------- parameters of a channel

/** gamma/√(variance + epsilon): one definition for forward and backward, so that both compute the same value before the activation. */
static inline float scaleOf(float gamma, float variance, float epsilon) {
  return static_cast<float>(gamma / __builtin_sqrt(static_cast<double>(variance) + static_cast<double>(epsilon)));
}

/** y = scale·(x − mean) + shift for each of the values worked on at once; zero in padding channels. */
template <int block>
struct AffineParameters {
  static constexpr int group = groupOf<block>;
  alignas(64) float mean[group], scale[group], shift[group];
  /** 1 for a channel, 0 for a padding channel. */
  alignas(64) float exists[group];

  __attribute__((noinline)) void set(const float *gamma, const float *beta, const float *means, const float *variances,
                                     float epsilon, int64_t channelBlock, int64_t channels) {
    for (int i = 0; i < group; i++) {
      const int64_t channel = channelBlock * block + i % block;
      const bool is = channel < channels;
      mean[i] = is ? means[channel] : 0;
      scale[i] = is ? scaleOf(gamma[channel], variances[channel], epsilon) : 0;
      shift[i] = is ? beta[channel] : 0;
      exists[i] = is ? 1 : 0;
    }
  }

  /** Adds a bias and nothing else; `bias` may be null. */
  __attribute__((noinline)) void setShift(const float *bias, int64_t channelBlock, int64_t channels) {
    for (int i = 0; i < group; i++) {
      const int64_t channel = channelBlock * block + i % block;
      const bool is = channel < channels;
      mean[i] = 0, scale[i] = 1;
      shift[i] = is && bias ? bias[channel] : 0;
      exists[i] = is ? 1 : 0;
    }
  }
};

/** The activation of every value of a pack. */
template <Activation kind, int size>
FACEPARSE_INLINE Pack<size> activatePack(Pack<size> value) {
  if constexpr (kind == Activation::none) {
    return value;
  } else {
    alignas(64) float values[size];
    store<size>(values, value);
#pragma omp simd
    for (int i = 0; i < size; i++) values[i] = activate<kind>(values[i]);
    return load<size>(values);
  }
}

/** The slope of the activation, from the value that `activationGradient` reads. */
template <Activation kind, int size>
FACEPARSE_INLINE Pack<size> slopeOfPack(Pack<size> source) {
  alignas(64) float values[size];
  store<size>(values, source);
#pragma omp simd
  for (int i = 0; i < size; i++) values[i] = slopeOf<kind>(values[i]);
  return load<size>(values);
}

constexpr bool zeroStaysZero(Activation kind) { return kind != Activation::sigmoid && kind != Activation::hardSigmoid; }

/** Calls body(Constant<kind>()). */
template <typename Body>
static inline void withActivation(Activation kind, const Body &body) {
  switch (kind) {
    case Activation::none: return body(Constant<int(Activation::none)>());
    case Activation::relu: return body(Constant<int(Activation::relu)>());
    case Activation::relu6: return body(Constant<int(Activation::relu6)>());
    case Activation::sigmoid: return body(Constant<int(Activation::sigmoid)>());
    case Activation::silu: return body(Constant<int(Activation::silu)>());
    case Activation::hardSigmoid: return body(Constant<int(Activation::hardSigmoid)>());
    case Activation::hardSwish: return body(Constant<int(Activation::hardSwish)>());
  }
}

// ---------------------------------------------------------------------------------------------- forward

/**
 * Mean and sum of squared deviations of each of `block` channels over some pixels. One pass over memory: per chunk the sums
 * of deviations from the mean of its first eighth (never more than √7 standard deviations of the chunk off the chunk's mean, so
 * that little is lost by cancellation); chunks are joined by Chan's formula.
 */
template <int block>
FACEPARSE_SHARED void statisticsOf(const float *x, int64_t pixels, double *mean, double *squares) {
  constexpr int group = groupOf<block>;
  alignas(64) double laneMean[group] = {}, laneSquares[group] = {};
  const int64_t groups = pixels * block / group;
  for (int64_t first = 0; first < groups; first += chunkVectors) {
    const int64_t count = smallerOf(chunkVectors, groups - first), sampled = (count + 7) / 8;
    const float *chunk = x + first * group;
    Pack<group> center = load<group>(chunk);
    for (int64_t i = 1; i < sampled; i++) center = center + load<group>(chunk + i * group);
    center = center * (1.0f / sampled);

    Pack<group> sum = zeroPack<group>(), otherSum = sum, square = sum, otherSquare = sum;
    int64_t i = 0;
    for (; i + 1 < count; i += 2) {
      const Pack<group> a = load<group>(chunk + i * group) - center, b = load<group>(chunk + (i + 1) * group) - center;
      sum = sum + a, otherSum = otherSum + b;
      square = multiplyAdd(a, a, square), otherSquare = multiplyAdd(b, b, otherSquare);
    }
    if (i < count) {
      const Pack<group> a = load<group>(chunk + i * group) - center;
      sum = sum + a, square = multiplyAdd(a, a, square);
    }

    alignas(64) float centers[group], sums[group], squareSums[group];
    store<group>(centers, center);
    store<group>(sums, sum + otherSum);
    store<group>(squareSums, square + otherSquare);
    const double share = 1.0 / count, weight = static_cast<double>(count) / (first + count);
    for (int lane = 0; lane < group; lane++) {
      const double shift = sums[lane] * share, chunkSquares = squareSums[lane] - sums[lane] * shift;
      const double delta = centers[lane] + shift - laneMean[lane];
      laneMean[lane] += delta * weight;
      laneSquares[lane] += (chunkSquares > 0 ? chunkSquares : 0) + delta * delta * weight * first;
    }
  }

  // The lanes of a channel, and the pixels that do not fill a group.
  const float *rest = x + groups * group;
  const int64_t restPixels = pixels - groups * group / block;
  for (int channel = 0; channel < block; channel++) {
    double sum = 0;
    for (int lane = channel; lane < group; lane += block) sum += laneMean[lane] * groups;
    for (int64_t i = 0; i < restPixels; i++) sum += rest[i * block + channel];
    const double joined = sum / pixels;
    double deviations = 0;
    for (int lane = channel; lane < group; lane += block) {
      const double delta = laneMean[lane] - joined;
      deviations += laneSquares[lane] + delta * delta * groups;
    }
    for (int64_t i = 0; i < restPixels; i++) {
      const double delta = rest[i * block + channel] - joined;
      deviations += delta * delta;
    }
    mean[channel] = joined;
    squares[channel] = deviations;
  }
}

/** Combines the statistics of the parts of a block of channels. */
template <int block>
FACEPARSE_SHARED void joinStatistics(const NormalizeParts &parts, int64_t channelBlock, const double *sums, float *mean,
                                     float *variance) {
  const int64_t first = channelBlock * parts.partsOfBlock(), end = first + parts.partsOfBlock();
  const double share = 1.0 / (parts.images * parts.pixels);
  double joined[block] = {}, squares[block] = {};
  for (int64_t part = first; part < end; part++) {
    const double count = parts.pixelsOf(part) * share;
    for (int i = 0; i < block; i++) joined[i] += count * sums[part * 2 * block + i];
  }
  for (int64_t part = first; part < end; part++) {
    const double count = parts.pixelsOf(part);
    for (int i = 0; i < block; i++) {
      const double delta = sums[part * 2 * block + i] - joined[i];
      squares[i] += sums[(part * 2 + 1) * block + i] + count * delta * delta;
    }
  }
  for (int i = 0; i < block; i++) {
    mean[i] = static_cast<float>(joined[i]);
    variance[i] = static_cast<float>(squares[i] * share);
  }
}

struct AffineRun {
  const float *x, *residual;
  float *y;
  bool stream;
};

/** The value before the activation; the gradient recomputes it. */
template <int size>
FACEPARSE_INLINE Pack<size> affine(Pack<size> centered, Pack<size> scale, Pack<size> shift) {
  return multiplyAdd(centered, scale, shift);
}

/** y = act(scale·(x − mean) + shift [+ residual]) over `count` floats. */
template <int block, Activation kind, bool hasResidual>
FACEPARSE_SHARED void applyAffine(const AffineRun &run, int64_t count, const AffineParameters<block> &parameters) {
  constexpr int group = groupOf<block>;
  const Pack<group> mean = load<group>(parameters.mean), scale = load<group>(parameters.scale), shift = load<group>(parameters.shift);
  const Pack<group> exists = load<group>(parameters.exists);
  const auto valueOf = [&](Pack<group> x, Pack<group> residual) __attribute__((always_inline)) {
    Pack<group> value = affine(x - mean, scale, shift);
    if constexpr (hasResidual) value = value + residual;
    value = activatePack<kind>(value);
    if constexpr (!zeroStaysZero(kind)) value = value * exists;
    return value;
  };
  const float *x = run.x, *residual = run.residual;
  float *y = run.y;
  int64_t i = 0;
  for (; i + group <= count; i += group) {
    const Pack<group> value = valueOf(load<group>(x + i), hasResidual ? load<group>(residual + i) : mean);
    if (run.stream) {
      storeStream<group>(y + i, value);
    } else {
      store<group>(y + i, value);
    }
  }
  if (group == block || i == count) return;
  float values[group] = {}, residuals[group] = {};
  for (int64_t j = i; j < count; j++) values[j - i] = x[j];
  if constexpr (hasResidual) {
    for (int64_t j = i; j < count; j++) residuals[j - i] = residual[j];
  }
  store<group>(values, valueOf(load<group>(values), load<group>(residuals)));
  for (int64_t j = i; j < count; j++) y[j] = values[j - i];
}

template <int block>
using ApplyAffine = void (*)(const AffineRun &run, int64_t count, const AffineParameters<block> &parameters);

/** The variant of applyAffine for a call. */
template <int block>
static ApplyAffine<block> applyAffineFor(Activation activation, bool hasResidual) {
  ApplyAffine<block> result = nullptr;
  withActivation(activation, [&](auto activationOf) {
    constexpr Activation kind = Activation(decltype(activationOf)::value);
    result = hasResidual ? applyAffine<block, kind, true> : applyAffine<block, kind, false>;
  });
  return result;
}

template <int block>
static void normalizeBlocks(const NormalizeCall &call) {
  PartSums<block> own;
  const NormalizeParts parts(call.x, call.residual.data != nullptr ? 3 : 2);
  double *sums = parts.fitsWorkspace() ? call.workspace : own.values;
  const bool stream = call.y.data != call.x.data && wantsStream(call.y);
  const ApplyAffine<block> applyAffine = applyAffineFor<block>(call.activation, call.residual.data != nullptr);
  const auto measure = [&](int64_t part, bool, AffineParameters<block> &) {
    double *target = sums + part * 2 * block;
    statisticsOf<block>(partOf<block>(call.x, parts, part), parts.pixelsOf(part), target, target + block);
  };
  const auto prepare = [&](int64_t channelBlock, bool owner, AffineParameters<block> &parameters) {
    float mean[block], variance[block];
    joinStatistics<block>(parts, channelBlock, sums, mean, variance);
    const int64_t first = channelBlock * block, channels = smallerOf(block, call.x.channels - first);
    parameters.set(call.gamma + first, call.beta + first, mean, variance, call.epsilon, 0, channels);
    if (!owner) return;
    for (int64_t i = 0; i < channels; i++) call.mean[first + i] = mean[i], call.variance[first + i] = variance[i];
  };
  const auto apply = [&](int64_t part, const AffineParameters<block> &parameters) {
    const AffineRun run = {partOf<block>(call.x, parts, part), partOf<block>(call.residual, parts, part),
                           partOf<block>(call.y, parts, part), stream};
    applyAffine(run, parts.pixelsOf(part) * block, parameters);
  };
  runTwoPasses<AffineParameters<block>>(parts, elementsOf(call.x), measure, prepare, apply);
}

static void normalize(const NormalizeCall &call) {
  withBlock(call.x.block, [&](auto block) { normalizeBlocks<decltype(block)::value>(call); });
}

template <int block>
static void normalizeInferenceBlocks(const NormalizeInferenceCall &call) {
  const NormalizeParts parts(call.x, 1);
  const bool stream = call.y.data != call.x.data && wantsStream(call.y);
  const ApplyAffine<block> applyAffine = applyAffineFor<block>(call.activation, call.residual.data != nullptr);
  parallelRanges(parts.blocks * parts.partsOfBlock(), elementsOf(call.x), [&](int64_t begin, int64_t end) {
    AffineParameters<block> parameters;
    for (int64_t part = begin, prepared = -1; part < end; part++) {
      const int64_t channelBlock = parts.channelBlock(part);
      if (channelBlock != prepared) {
        prepared = channelBlock;
        parameters.set(call.gamma, call.beta, call.mean, call.variance, call.epsilon, channelBlock, call.x.channels);
      }
      const AffineRun run = {partOf<block>(call.x, parts, part), partOf<block>(call.residual, parts, part),
                             partOf<block>(call.y, parts, part), stream};
      applyAffine(run, parts.pixelsOf(part) * block, parameters);
    }
    finishStreams();
  });
}

static void normalizeInference(const NormalizeInferenceCall &call) {
  withBlock(call.x.block, [&](auto block) { normalizeInferenceBlocks<decltype(block)::value>(call); });
}
