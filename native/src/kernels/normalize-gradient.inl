// The gradient of batch normalisation with its residual and activation: one pass for the sums, one for dx, group by group of
// channels as in the forward pass.

struct GradientRun {
  const float *terms[maxGradientTerms];
  int termCount;
  const float *x, *source;
  float *dx, *dz;
  bool stream;
};

/** dx = scale·dz + slope·(x − mean) + offset, next to what the forward pass did. */
template <int block>
struct NormalizeGradientParameters : AffineParameters<block> {
  using AffineParameters<block>::group;
  alignas(64) float slope[group], offset[group];
};

template <int size>
struct GradientValues {
  Pack<size> dz, centered;
};

/** dz = (Σ terms)·act′ and x − mean at one place. */
template <int block, Activation kind, bool sourceGiven>
FACEPARSE_INLINE GradientValues<groupOf<block>> gradientValuesAt(const GradientRun &run, int64_t i,
                                                                 const AffineParameters<block> &parameters) {
  constexpr int group = groupOf<block>;
  Pack<group> dz = load<group>(run.terms[0] + i);
  if (run.termCount > 1) dz = dz + load<group>(run.terms[1] + i);
  for (int term = 2; term < run.termCount; term++) dz = dz + load<group>(run.terms[term] + i);
  const Pack<group> centered = load<group>(run.x + i) - load<group>(parameters.mean);
  if constexpr (kind != Activation::none) {
    Pack<group> source;
    if constexpr (sourceGiven) {
      source = load<group>(run.source + i);
    } else {
      source = affine(centered, load<group>(parameters.scale), load<group>(parameters.shift));
      if constexpr (slopeFromOutput(kind)) source = activatePack<kind>(source);
    }
    dz = dz * slopeOfPack<kind>(source);
  }
  return {dz, centered};
}

/** The same values of a run from `first` on, which fill no group, in buffers that do; the rest of the buffers is zero. */
template <int group>
struct PaddedRun {
  float values[maxGradientTerms + 2][group] = {};
  float dx[group], dz[group];
  GradientRun run;

  PaddedRun(const GradientRun &whole, int64_t first, int64_t count) {
    run = whole;
    const auto copy = [&](const float *source, float *target) {
      if (source == nullptr) return source;
      for (int64_t i = first; i < count; i++) target[i - first] = source[i];
      return const_cast<const float *>(target);
    };
    for (int term = 0; term < whole.termCount; term++) run.terms[term] = copy(whole.terms[term], values[term]);
    run.x = copy(whole.x, values[maxGradientTerms]);
    run.source = copy(whole.source, values[maxGradientTerms + 1]);
    run.dx = dx, run.dz = whole.dz == nullptr ? nullptr : dz;
    run.stream = false;
  }

  void copyBack(const GradientRun &whole, int64_t first, int64_t count) const {
    for (int64_t i = first; i < count && whole.dx != nullptr; i++) whole.dx[i] = dx[i - first];
    for (int64_t i = first; i < count && whole.dz != nullptr; i++) whole.dz[i] = dz[i - first];
  }
};

/** Σ dz and Σ dz·(x − mean) of each of `block` channels over `count` floats; stores dz where `run.dz` is set. */
template <int block, Activation kind, bool sourceGiven>
FACEPARSE_SHARED void gradientSums(const GradientRun &run, int64_t count, const AffineParameters<block> &parameters,
                                   double *sums) {
  constexpr int group = groupOf<block>;
  const auto valuesAt = [&](const GradientRun &at, int64_t i) __attribute__((always_inline)) {
    const GradientValues<group> values = gradientValuesAt<block, kind, sourceGiven>(at, i, parameters);
    if (at.dz != nullptr) store<group>(at.dz + i, values.dz);
    return values;
  };
  alignas(64) double laneSums[group] = {}, laneProducts[group] = {};
  const auto add = [&](Pack<group> sum, Pack<group> product) __attribute__((always_inline)) {
    alignas(64) float chunkSums[group], chunkProducts[group];
    store<group>(chunkSums, sum);
    store<group>(chunkProducts, product);
    for (int lane = 0; lane < group; lane++) laneSums[lane] += chunkSums[lane], laneProducts[lane] += chunkProducts[lane];
  };
  int64_t i = 0;
  while (i + group <= count) {
    const int64_t end = smallerOf(i + chunkVectors * group, count);
    Pack<group> sum = zeroPack<group>(), otherSum = sum, product = sum, otherProduct = sum;
    for (; i + 2 * group <= end; i += 2 * group) {
      const GradientValues<group> a = valuesAt(run, i), b = valuesAt(run, i + group);
      sum = sum + a.dz, otherSum = otherSum + b.dz;
      product = multiplyAdd(a.dz, a.centered, product), otherProduct = multiplyAdd(b.dz, b.centered, otherProduct);
    }
    if (i + group <= end) {
      const GradientValues<group> a = valuesAt(run, i);
      sum = sum + a.dz, product = multiplyAdd(a.dz, a.centered, product);
      i += group;
    }
    add(sum + otherSum, product + otherProduct);
  }
  if (group > block && i < count) {
    PaddedRun<group> padded(run, i, count);
    padded.run.dx = nullptr;
    const GradientValues<group> rest = valuesAt(padded.run, 0);
    add(rest.dz, rest.dz * rest.centered);
    for (int64_t j = i; j < count && run.dz != nullptr; j++) run.dz[j] = padded.dz[j - i];
  }
  for (int channel = 0; channel < block; channel++) {
    double sum = 0, product = 0;
    for (int lane = channel; lane < group; lane += block) sum += laneSums[lane], product += laneProducts[lane];
    sums[channel] = sum, sums[block + channel] = product;
  }
}

/** dx, and dz where `run.dz` is set. */
template <int block, Activation kind, bool sourceGiven>
FACEPARSE_SHARED void gradientOfInput(const GradientRun &run, int64_t count, const NormalizeGradientParameters<block> &parameters) {
  constexpr int group = groupOf<block>;
  const Pack<group> scale = load<group>(parameters.scale), slope = load<group>(parameters.slope), offset = load<group>(parameters.offset);
  const auto writeAt = [&](const GradientRun &at, int64_t i) __attribute__((always_inline)) {
    const GradientValues<group> values = gradientValuesAt<block, kind, sourceGiven>(at, i, parameters);
    const Pack<group> dx = multiplyAdd(values.dz, scale, multiplyAdd(values.centered, slope, offset));
    if (at.dz != nullptr) store<group>(at.dz + i, values.dz);
    if (at.stream) {
      storeStream<group>(at.dx + i, dx);
    } else {
      store<group>(at.dx + i, dx);
    }
  };
  int64_t i = 0;
  for (; i + group <= count; i += group) writeAt(run, i);
  if (group == block || i == count) return;
  PaddedRun<group> padded(run, i, count);
  writeAt(padded.run, 0);
  padded.copyBack(run, i, count);
}

/** Sets the parameters of a block of channels from the sums of its parts; the owner of the block writes dGamma and dBeta. */
template <int block>
FACEPARSE_SHARED void joinGradients(const NormalizeGradientCall &call, const NormalizeParts &parts, int64_t channelBlock,
                                    const double *sums, bool owner, NormalizeGradientParameters<block> &parameters) {
  parameters.set(call.gamma, call.beta, call.mean, call.variance, call.epsilon, channelBlock, call.x.channels);
  double total[block] = {}, products[block] = {};
  const int64_t first = channelBlock * parts.partsOfBlock(), end = first + parts.partsOfBlock();
  for (int64_t part = first; part < end; part++) {
    for (int i = 0; i < block; i++) total[i] += sums[part * 2 * block + i], products[i] += sums[(part * 2 + 1) * block + i];
  }
  const double share = 1.0 / (parts.images * parts.pixels);
  float slopes[block] = {}, offsets[block] = {};
  for (int i = 0; i < block && channelBlock * block + i < call.x.channels; i++) {
    const int64_t channel = channelBlock * block + i;
    const double inverse = 1 / __builtin_sqrt(static_cast<double>(call.variance[channel]) + static_cast<double>(call.epsilon));
    const double dGamma = products[i] * inverse, scale = call.gamma[channel] * inverse;
    slopes[i] = static_cast<float>(-scale * inverse * dGamma * share);
    offsets[i] = static_cast<float>(-scale * total[i] * share);
    if (owner) call.dGamma[channel] = static_cast<float>(dGamma), call.dBeta[channel] = static_cast<float>(total[i]);
  }
  for (int i = 0; i < groupOf<block>; i++) parameters.slope[i] = slopes[i % block], parameters.offset[i] = offsets[i % block];
}

/** The variants of both passes for a call. */
template <int block>
struct GradientPasses {
  void (*sums)(const GradientRun &run, int64_t count, const AffineParameters<block> &parameters, double *sums);
  void (*input)(const GradientRun &run, int64_t count, const NormalizeGradientParameters<block> &parameters);
};

template <int block>
static GradientPasses<block> gradientPassesFor(Activation activation, bool sourceGiven) {
  GradientPasses<block> result = {};
  withActivation(activation, [&](auto activationOf) {
    constexpr Activation kind = Activation(decltype(activationOf)::value);
    if (kind == Activation::none || !sourceGiven) {
      result = {gradientSums<block, kind, false>, gradientOfInput<block, kind, false>};
    } else {
      result = {gradientSums<block, kind, kind != Activation::none>, gradientOfInput<block, kind, kind != Activation::none>};
    }
  });
  return result;
}

template <int block>
static void normalizeGradientBlocks(const NormalizeGradientCall &call) {
  PartSums<block> own;
  const bool sourceGiven = call.source.data != nullptr && call.activation != Activation::none;
  const NormalizeParts parts(call.x, call.termCount + 2 + (sourceGiven ? 1 : 0));
  double *sums = parts.fitsWorkspace() ? call.workspace : own.values;
  const GradientPasses<block> passes = gradientPassesFor<block>(call.activation, sourceGiven);

  // If dz is expensive to compute, the first pass stores it and the second pass reads it.
  const bool computesMuch = call.activation == Activation::sigmoid || call.activation == Activation::silu;
  const bool readsMuch = call.termCount + (sourceGiven ? 1 : 0) > 1;
  const bool dxIsFree = call.dx.data != call.x.data && call.dx.data != call.source.data;
  const FeatureMap *stored = nullptr;
  if (computesMuch || readsMuch) stored = call.dz.data != nullptr ? &call.dz : dxIsFree ? &call.dx : nullptr;

  bool stream = wantsStream(call.dx) && call.dx.data != call.x.data && stored != &call.dx;
  for (int term = 0; term < call.termCount; term++) stream = stream && call.terms[term].data != call.dx.data;

  const auto runOf = [&](int64_t part) {
    GradientRun run = {};
    run.termCount = call.termCount;
    for (int term = 0; term < call.termCount; term++) run.terms[term] = partOf<block>(call.terms[term], parts, part);
    run.x = partOf<block>(call.x, parts, part);
    if (sourceGiven) run.source = partOf<block>(call.source, parts, part);
    run.stream = stream;
    return run;
  };
  const auto measure = [&](int64_t part, bool entered, NormalizeGradientParameters<block> &parameters) {
    if (entered) {
      parameters.set(call.gamma, call.beta, call.mean, call.variance, call.epsilon, parts.channelBlock(part), call.x.channels);
    }
    GradientRun run = runOf(part);
    if (stored != nullptr) run.dz = partOf<block>(*stored, parts, part);
    passes.sums(run, parts.pixelsOf(part) * block, parameters, sums + part * 2 * block);
  };
  const auto prepare = [&](int64_t channelBlock, bool owner, NormalizeGradientParameters<block> &parameters) {
    joinGradients<block>(call, parts, channelBlock, sums, owner, parameters);
  };
  const auto apply = [&](int64_t part, const NormalizeGradientParameters<block> &parameters) {
    GradientRun run = runOf(part);
    run.dx = partOf<block>(call.dx, parts, part);
    if (stored != nullptr) {
      run.terms[0] = partOf<block>(*stored, parts, part);
      run.termCount = 1;
      gradientOfInput<block, Activation::none, false>(run, parts.pixelsOf(part) * block, parameters);
    } else {
      run.dz = partOf<block>(call.dz, parts, part);
      passes.input(run, parts.pixelsOf(part) * block, parameters);
    }
  };
  runTwoPasses<NormalizeGradientParameters<block>>(parts, elementsOf(call.x), measure, prepare, apply);
}

static void normalizeGradient(const NormalizeGradientCall &call) {
  withBlock(call.x.block, [&](auto block) { normalizeGradientBlocks<decltype(block)::value>(call); });
}
