// The weight gradient of a depthwise convolution, for the kernels that oneDNN has no fast code for (5×5 on small maps).

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
