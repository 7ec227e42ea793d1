// Batch normalisation, forward and backward, fused with a residual and an activation. These passes are bound by memory: what
// matters is how often a map goes through it. Channels are worked on in groups small enough that the second pass over a
// group finds it in the cache.

/** Bytes of the maps that are worked on at a time, of all threads together, from the first pass to the second. */
constexpr int64_t cacheBytes = 16 << 20;

/** Maps that are larger than this are written past the caches: nothing of them would be left there for the next step. */
constexpr int64_t streamBytes = 8 << 20;

/** Vectors whose sums are formed in single precision before they go over to double precision. */
constexpr int64_t chunkVectors = 128;

/** The number of values that are worked on at once: `block` channels, or the same channel several times. */
template <int block>
constexpr int groupOf = block > lanes ? block : lanes;

// ---------------------------------------------------------------------------------------------- the split of the work

/** At least this many parts (as far as there are pixels), so that threads have something to share. */
constexpr int64_t leastParts = 64;

/**
 * A map cut into parts: block of channels × picture × stretch of pixels. The cut depends on the shape alone, so that sums over parts
 * do not depend on the number of threads.
 */
struct NormalizeParts {
  int64_t pictures, blocks, pixels, stretches, stretchPixels;
  /** Of all maps in one block of channels. */
  int64_t blockBytes;

  NormalizeParts(const FeatureMap &map, int64_t maps) {
    pictures = map.pictures, blocks = map.blocks(), pixels = map.height * map.width;
    const int64_t planes = largerOf(pictures * blocks, 1);
    stretches = planes >= leastParts ? 1 : (leastParts + planes - 1) / planes;
    stretchPixels = ((pixels + stretches - 1) / stretches + 63) / 64 * 64;
    stretches = (pixels + stretchPixels - 1) / stretchPixels;
    blockBytes = largerOf(pictures * map.plane() * int64_t(sizeof(float)) * maps, 1);
  }

  int64_t partsOfBlock() const { return pictures * stretches; }
  int64_t channelBlock(int64_t part) const { return part / partsOfBlock(); }
  int64_t picture(int64_t part) const { return part / stretches % pictures; }
  int64_t firstPixel(int64_t part) const { return part % stretches * stretchPixels; }
  int64_t pixelsOf(int64_t part) const { return smallerOf(stretchPixels, pixels - firstPixel(part)); }
  bool fitsWorkspace() const { return stretches == 1; }
};

/** Room for the two sums of every part where the workspace of the call has too little. */
template <int block>
struct PartSums {
  double values[2 * leastParts * 2 * block];
};

/** The address of a part in a map. */
template <int block>
static inline float *partOf(const FeatureMap &map, const NormalizeParts &parts, int64_t part) {
  if (map.data == nullptr) return nullptr;
  return planeOf(map, parts.picture(part), parts.channelBlock(part)) + parts.firstPixel(part) * block;
}

/** What one thread does of `runTwoPasses`. */
template <typename Parameters, typename First, typename Prepare, typename Second>
struct TwoPasses {
  const NormalizeParts &parts;
  const First &first;
  const Prepare &prepare;
  const Second &second;

  void measure(int64_t begin, int64_t end, Parameters &parameters) const {
    for (int64_t part = begin; part < end; part++) first(part, part == begin || part % parts.partsOfBlock() == 0, parameters);
  }

  /** Backwards: the last parts are the likeliest to be in the cache still. */
  void apply(int64_t begin, int64_t end, Parameters &parameters) const {
    for (int64_t part = end - 1, prepared = -1; part >= begin; part--) {
      const int64_t channelBlock = parts.channelBlock(part);
      if (channelBlock != prepared) prepare(prepared = channelBlock, begin <= channelBlock * parts.partsOfBlock(), parameters);
      second(part, parameters);
    }
  }

  void run(int64_t thread, int64_t threads) const {
    Parameters parameters;
    // Blocks that a thread works on alone.
    const int64_t alone = parts.blockBytes * threads <= cacheBytes ? parts.blocks / threads : 0;
    for (int64_t channelBlock = thread * alone; channelBlock < (thread + 1) * alone; channelBlock++) {
      const int64_t begin = channelBlock * parts.partsOfBlock(), end = begin + parts.partsOfBlock();
      measure(begin, end, parameters);
      apply(begin, end, parameters);
    }
    // The rest they share, some blocks at a time: this needs a barrier each time, which is costly where threads have to wait for a processor.
    const int64_t together = largerOf(cacheBytes / parts.blockBytes, 1);
    for (int64_t group = alone * threads; group < parts.blocks; group += together) {
      const int64_t start = group * parts.partsOfBlock();
      const int64_t count = smallerOf(together, parts.blocks - group) * parts.partsOfBlock();
      const int64_t begin = start + count * thread / threads, end = start + count * (thread + 1) / threads;
      measure(begin, end, parameters);
      if (threads > 1) {
#pragma omp barrier
      }
      apply(begin, end, parameters);
    }
    finishStreams();
  }
};

/**
 * For all parts of some blocks of channels first(part, entered, parameters), where `entered` says that the thread comes to another block
 * of channels; then second(part, parameters), where prepare(channelBlock, owner, parameters) has set the parameters; owner is true in one
 * thread only. Blocks are taken so few at a time that the second pass finds them in the cache.
 */
template <typename Parameters, typename First, typename Prepare, typename Second>
static void runTwoPasses(const NormalizeParts &parts, int64_t elements, const First &first, const Prepare &prepare, const Second &second) {
  const TwoPasses<Parameters, First, Prepare, Second> passes = {parts, first, prepare, second};
  if (elements < parallelThreshold) return passes.run(0, 1);
#pragma omp parallel
  passes.run(omp_get_thread_num(), omp_get_num_threads());
}

// ---------------------------------------------------------------------------------------------- parameters of a channel

/** gamma/√(variance + epsilon): the one definition for forward and backward, so that both see the same value before the activation. */
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

  __attribute__((noinline)) void set(const float *gamma, const float *beta, const float *means, const float *variances, float epsilon, int64_t channelBlock,
           int64_t channels) {
    for (int i = 0; i < group; i++) {
      const int64_t channel = channelBlock * block + i % block;
      const bool is = channel < channels;
      mean[i] = is ? means[channel] : 0;
      scale[i] = is ? scaleOf(gamma[channel], variances[channel], epsilon) : 0;
      shift[i] = is ? beta[channel] : 0;
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

/** The slope of the activation by what `activationGradient` reads. */
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

/** Whether a map is so large and so aligned that it is best written past the caches. */
static inline bool wantsStream(const FeatureMap &map) {
  if (elementsOf(map) * int64_t(sizeof(float)) < streamBytes) return false;
  return reinterpret_cast<uintptr_t>(map.data) % 64 == 0 && map.pictureStride % 16 == 0 && map.plane() % 16 == 0;
}

// ---------------------------------------------------------------------------------------------- forward

/**
 * Mean and sum of squared deviations of each of `block` channels over some pixels. One pass over memory: per chunk the sums
 * of deviations from the mean of its first eighth (which is never more than √7 standard deviations of the chunk off its mean, so that little
 * is lost by cancellation), chunks joined by Chan's formula.
 */
template <int block>
static __attribute__((noinline)) void statisticsOf(const float *x, int64_t pixels, double *mean, double *squares) {
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

  // The lanes of a channel, and the pixels that fill no group.
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

/** Joins the statistics of the parts of a block of channels. */
template <int block>
static __attribute__((noinline)) void joinStatistics(const NormalizeParts &parts, int64_t channelBlock, const double *sums, float *mean, float *variance) {
  const int64_t first = channelBlock * parts.partsOfBlock(), end = first + parts.partsOfBlock();
  const double share = 1.0 / (parts.pictures * parts.pixels);
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
  float *y, *y2;
  bool stream;
};

/** The value before the activation; also what the gradient computes again. */
template <int size>
FACEPARSE_INLINE Pack<size> affine(Pack<size> centered, Pack<size> scale, Pack<size> shift) {
  return multiplyAdd(centered, scale, shift);
}

/** y = act(scale·(x − mean) + shift [+ residual]) over `count` floats. */
template <int block, Activation kind, bool hasResidual>
static void applyAffine(const AffineRun &run, int64_t count, const AffineParameters<block> &parameters) {
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
  float *y = run.y, *y2 = run.y2;
  int64_t i = 0;
  for (; i + group <= count; i += group) {
    const Pack<group> value = valueOf(load<group>(x + i), hasResidual ? load<group>(residual + i) : mean);
    if (run.stream) {
      storeStream<group>(y + i, value);
    } else {
      store<group>(y + i, value);
    }
    if (y2 != nullptr) store<group>(y2 + i, value);
  }
  if (group == block || i == count) return;
  float values[group] = {}, residuals[group] = {};
  for (int64_t j = i; j < count; j++) values[j - i] = x[j];
  if constexpr (hasResidual) {
    for (int64_t j = i; j < count; j++) residuals[j - i] = residual[j];
  }
  store<group>(values, valueOf(load<group>(values), load<group>(residuals)));
  for (int64_t j = i; j < count; j++) y[j] = values[j - i];
  if (y2 == nullptr) return;
  for (int64_t j = i; j < count; j++) y2[j] = values[j - i];
}

/** Calls body(Constant<block>(), Constant<activation>(), Constant<hasResidual>()). */
template <typename Body>
static inline void withAffineVariant(int64_t block, Activation kind, bool hasResidual, const Body &body) {
  withBlock(block, [&](auto blockOf) {
    withActivation(kind, [&](auto activationOf) {
      if (hasResidual) {
        body(blockOf, activationOf, Constant<1>());
      } else {
        body(blockOf, activationOf, Constant<0>());
      }
    });
  });
}

template <int block, Activation kind, bool hasResidual>
static void normalizeVariant(const NormalizeCall &call) {
  PartSums<block> own;
  const NormalizeParts parts(call.x, hasResidual ? 3 : 2);
  double *sums = parts.fitsWorkspace() ? call.workspace : own.values;
  const bool stream = call.y.data != call.x.data && wantsStream(call.y);
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
    const AffineRun run = {partOf<block>(call.x, parts, part), partOf<block>(call.residual, parts, part), partOf<block>(call.y, parts, part),
                           partOf<block>(call.y2, parts, part), stream};
    applyAffine<block, kind, hasResidual>(run, parts.pixelsOf(part) * block, parameters);
  };
  runTwoPasses<AffineParameters<block>>(parts, elementsOf(call.x), measure, prepare, apply);
}

static void normalize(const NormalizeCall &call) {
  withAffineVariant(call.x.block, call.activation, call.residual.data != nullptr, [&](auto block, auto kind, auto residual) {
    normalizeVariant<decltype(block)::value, Activation(decltype(kind)::value), decltype(residual)::value != 0>(call);
  });
}

template <int block, Activation kind, bool hasResidual>
static void normalizeInferenceVariant(const NormalizeInferenceCall &call) {
  const NormalizeParts parts(call.x, 1);
  const bool stream = call.y.data != call.x.data && wantsStream(call.y);
  parallelRanges(parts.blocks * parts.partsOfBlock(), elementsOf(call.x), [&](int64_t begin, int64_t end) {
    AffineParameters<block> parameters;
    for (int64_t part = begin, prepared = -1; part < end; part++) {
      const int64_t channelBlock = parts.channelBlock(part);
      if (channelBlock != prepared) {
        prepared = channelBlock;
        parameters.set(call.gamma, call.beta, call.mean, call.variance, call.epsilon, channelBlock, call.x.channels);
      }
      const AffineRun run = {partOf<block>(call.x, parts, part), partOf<block>(call.residual, parts, part), partOf<block>(call.y, parts, part),
                             nullptr, stream};
      applyAffine<block, kind, hasResidual>(run, parts.pixelsOf(part) * block, parameters);
    }
    finishStreams();
  });
}

static void normalizeInference(const NormalizeInferenceCall &call) {
  withAffineVariant(call.x.block, call.activation, call.residual.data != nullptr, [&](auto block, auto kind, auto residual) {
    normalizeInferenceVariant<decltype(block)::value, Activation(decltype(kind)::value), decltype(residual)::value != 0>(call);
  });
}
