// Depthwise convolution for what oneDNN has no fast code for: dilated kernels (forward and input gradient), and the weight
// gradient of 5×5 on small maps.

// ---------------------------------------------------------------------------------------------- convolution

/** Number of neighbouring outputs that are computed at once, in registers. */
constexpr int outputsAtOnce = 8;

/** Outputs that are computed before bias, residual and activation are applied; their memory fits the L1 cache. */
constexpr int64_t outputsInBuffer = 64;

/** One row of outputs: the rows of x that it reads, the weights of each, and where each output reads. */
template <int block>
struct DepthwiseRow {
  const float *x[maxDepthwiseTaps], *weights[maxDepthwiseTaps];
  int rows = 0, columns = 0;
  int64_t inputs, stride;
  /** Position that the first output reads for the first tap, and the step to the next tap; may be outside the row. */
  int64_t start, step;

  int64_t position(int64_t output, int tap) const { return output * stride + start + tap * step; }
  bool reads(int64_t output, int tap) const {
    const int64_t at = position(output, tap);
    return at >= 0 && at < inputs;
  }
  /** Whether every tap of an output is inside the row. */
  bool inside(int64_t output) const { return reads(output, 0) && reads(output, columns - 1); }
};

/** `outputs` neighbours, all of whose taps are inside the row. */
template <int block, int outputs>
FACEPARSE_SHARED void depthwiseInside(const DepthwiseRow<block> &row, int64_t output, float *target) {
  Pack<block> sums[outputs];
  for (int i = 0; i < outputs; i++) sums[i] = zeroPack<block>();
  const int64_t next = row.stride * block;
  for (int tapRow = 0; tapRow < row.rows; tapRow++) {
    const float *x = row.x[tapRow] + row.position(output, 0) * block, *weights = row.weights[tapRow];
    for (int tap = 0; tap < row.columns; tap++, x += row.step * block, weights += block) {
      const Pack<block> weight = load<block>(weights);
      for (int i = 0; i < outputs; i++) sums[i] = multiplyAdd(weight, load<block>(x + i * next), sums[i]);
    }
  }
  for (int i = 0; i < outputs; i++) store<block>(target + i * block, sums[i]);
}

/** One output with some taps outside the row. */
template <int block>
FACEPARSE_SHARED void depthwiseEdge(const DepthwiseRow<block> &row, int64_t output, float *target) {
  Pack<block> sum = zeroPack<block>();
  for (int tap = 0; tap < row.columns; tap++) {
    if (!row.reads(output, tap)) continue;
    const int64_t at = row.position(output, tap) * block;
    for (int tapRow = 0; tapRow < row.rows; tapRow++) {
      sum = multiplyAdd(load<block>(row.weights[tapRow] + tap * block), load<block>(row.x[tapRow] + at), sum);
    }
  }
  store<block>(target, sum);
}

/** Outputs [begin, end) of a row. */
template <int block>
static void depthwiseOutputs(const DepthwiseRow<block> &row, int64_t begin, int64_t end, float *target) {
  int64_t output = begin;
  while (output < end) {
    if (!row.inside(output)) {
      depthwiseEdge(row, output, target + (output - begin) * block);
      output++;
    } else if (output + outputsAtOnce <= end && row.inside(output + outputsAtOnce - 1)) {
      depthwiseInside<block, outputsAtOnce>(row, output, target + (output - begin) * block);
      output += outputsAtOnce;
    } else {
      depthwiseInside<block, 1>(row, output, target + (output - begin) * block);
      output++;
    }
  }
}

/** The weights of one block of channels, taps × block; zero for its padding channels. */
template <int block>
static void packTaps(const DepthwiseCall &call, int64_t channelBlock, float *packed) {
  const int64_t taps = call.kernel[0] * call.kernel[1];
  for (int64_t lane = 0; lane < block; lane++) {
    const int64_t channel = channelBlock * block + lane;
    for (int64_t tap = 0; tap < taps; tap++) {
      packed[tap * block + lane] = channel < call.x.channels ? call.weight[channel * taps + tap] : 0;
    }
  }
}

template <int block>
static void depthwiseRows(const DepthwiseCall &call) {
  const FeatureMap &x = call.x, &y = call.y;
  const bool plain = call.activation == Activation::none && call.bias == nullptr && call.residual.data == nullptr;
  const ApplyAffine<block> applyAffine = applyAffineFor<block>(call.activation, call.residual.data != nullptr);
  // The gradient of the input reads dy at (position + padding − tap·dilation): the taps backwards.
  const int64_t sign = call.transposed ? -1 : 1;
  parallelRanges(planesOf(y) * y.height, elementsOf(y) * call.kernel[0] * call.kernel[1], [&](int64_t begin, int64_t end) {
    alignas(64) float packed[maxDepthwiseTaps * block], buffer[outputsInBuffer * block];
    AffineParameters<block> parameters;
    DepthwiseRow<block> row;
    row.columns = static_cast<int>(call.kernel[1]);
    row.inputs = x.width, row.stride = call.stride[1];
    row.start = -sign * call.padding[1], row.step = sign * call.dilation[1];
    for (int64_t unit = begin, prepared = -1; unit < end; unit++) {
      const int64_t plane = unit / y.height, top = unit % y.height, channelBlock = plane % y.blocks();
      if (channelBlock != prepared) {
        prepared = channelBlock;
        packTaps<block>(call, channelBlock, packed);
        parameters.setShift(call.bias, channelBlock, y.channels);
      }
      row.rows = 0;
      for (int64_t tap = 0; tap < call.kernel[0]; tap++) {
        const int64_t from = top * call.stride[0] + sign * (tap * call.dilation[0] - call.padding[0]);
        if (from < 0 || from >= x.height) continue;
        row.x[row.rows] = planeOf(x, plane) + from * x.width * block;
        row.weights[row.rows++] = packed + tap * call.kernel[1] * block;
      }
      float *target = planeOf(y, plane) + top * y.width * block;
      if (plain) {
        depthwiseOutputs(row, 0, y.width, target);
        continue;
      }
      const float *added = call.residual.data ? planeOf(call.residual, plane) + top * y.width * block : nullptr;
      for (int64_t first = 0; first < y.width; first += outputsInBuffer) {
        const int64_t last = smallerOf(first + outputsInBuffer, y.width);
        depthwiseOutputs(row, first, last, buffer);
        const AffineRun run = {buffer, added ? added + first * block : nullptr, target + first * block, false};
        applyAffine(run, (last - first) * block, parameters);
      }
    }
  });
}

static void depthwise(const DepthwiseCall &call) {
  withBlock(call.y.block, [&](auto block) { depthwiseRows<decltype(block)::value>(call); });
}

// ---------------------------------------------------------------------------------------------- weight gradient

/** Maximum number of taps of a kernel row summed at once, in registers. */
constexpr int tapsAtOnce = 5;

/** One row of dy against one row of x, for some taps of one kernel row. */
struct TapRow {
  const float *dy, *x;
  int64_t outputs, inputs, stride;
  /** Position that the first output reads for each tap; may be outside the row. */
  int64_t starts[tapsAtOnce];

  /** The outputs whose position for a tap is inside the row: from, to (exclusive). */
  int64_t from(int tap) const { return starts[tap] >= 0 ? 0 : (-starts[tap] + stride - 1) / stride; }
  int64_t to(int tap) const {
    const int64_t rest = inputs - starts[tap];
    return rest <= 0 ? 0 : smallerOf(outputs, (rest + stride - 1) / stride);
  }
};

/** sums[tap] += Σ dy·x over a row. */
template <int block, int taps>
FACEPARSE_SHARED void addTapRow(const TapRow &row, double (*sums)[block]) {
  Pack<block> partial[taps];
  int64_t first = 0, last = row.outputs;
  for (int tap = 0; tap < taps; tap++) {
    partial[tap] = zeroPack<block>();
    first = largerOf(first, row.from(tap)), last = smallerOf(last, row.to(tap));
  }
  const auto add = [&](int tap, int64_t output) __attribute__((always_inline)) {
    const float *x = row.x + (row.starts[tap] + output * row.stride) * block;
    partial[tap] = multiplyAdd(load<block>(row.dy + output * block), load<block>(x), partial[tap]);
  };
  for (int64_t output = first; output < last; output++) {
    for (int tap = 0; tap < taps; tap++) add(tap, output);
  }
  // Both ends, where only some of the taps can read.
  for (int tap = 0; tap < taps; tap++) {
    const int64_t end = row.to(tap);
    for (int64_t output = row.from(tap); output < smallerOf(end, first); output++) add(tap, output);
    for (int64_t output = largerOf(row.from(tap), largerOf(first, last)); output < end; output++) add(tap, output);
  }
  for (int tap = 0; tap < taps; tap++) {
    float values[block];
    store<block>(values, partial[tap]);
    for (int lane = 0; lane < block; lane++) sums[tap][lane] += values[lane];
  }
}

template <int block>
static void depthwiseBlocks(const DepthwiseGradientCall &call) {
  using AddRow = void (*)(const TapRow &, double (*)[block]);
  static const AddRow addRow[tapsAtOnce + 1] = {nullptr,           addTapRow<block, 1>, addTapRow<block, 2>,
                                                addTapRow<block, 3>, addTapRow<block, 4>, addTapRow<block, 5>};
  const FeatureMap &dy = call.dy, &x = call.x;
  const int64_t width = call.kernel[1], groups = (width + tapsAtOnce - 1) / tapsAtOnce;
  // One unit is a group of taps of one kernel row for one block of channels; it owns its sums.
  const int64_t units = dy.blocks() * call.kernel[0] * groups;
  parallelRanges(units, units * elementsOf(dy) / dy.blocks(), [&](int64_t begin, int64_t end) {
    for (int64_t unit = begin; unit < end; unit++) {
      const int64_t channelBlock = unit / (call.kernel[0] * groups), kernelRow = unit / groups % call.kernel[0];
      const int64_t firstTap = unit % groups * tapsAtOnce;
      const int taps = static_cast<int>(smallerOf(tapsAtOnce, width - firstTap));
      double sums[tapsAtOnce][block] = {};
      TapRow row;
      row.outputs = dy.width, row.inputs = x.width, row.stride = call.stride[1];
      for (int tap = 0; tap < taps; tap++) row.starts[tap] = (firstTap + tap) * call.dilation[1] - call.padding[1];
      for (int64_t image = 0; image < dy.images; image++) {
        for (int64_t y = 0; y < dy.height; y++) {
          const int64_t from = y * call.stride[0] + kernelRow * call.dilation[0] - call.padding[0];
          if (from < 0 || from >= x.height) continue;
          row.dy = planeOf(dy, image, channelBlock) + y * dy.width * block;
          row.x = planeOf(x, image, channelBlock) + from * x.width * block;
          addRow[taps](row, sums);
        }
      }
      for (int64_t lane = 0; lane < smallerOf(block, dy.channels - channelBlock * block); lane++) {
        float *weights = call.dWeight + ((channelBlock * block + lane) * call.kernel[0] + kernelRow) * width + firstTap;
        for (int tap = 0; tap < taps; tap++) weights[tap] = static_cast<float>(sums[tap][lane]);
      }
    }
  });
}

static void depthwiseGradient(const DepthwiseGradientCall &call) {
  withBlock(call.dy.block, [&](auto block) { depthwiseBlocks<decltype(block)::value>(call); });
}
