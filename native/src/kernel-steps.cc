#include <cstring>
#include <unordered_map>

#include "step.h"

namespace faceparse {

namespace {

/** Far more than memory allows, and far less than would overflow. */
constexpr int64_t mostElements = int64_t{1} << 40;

/** A step that calls one kernel with arguments fixed at construction. */
template <typename Call>
class KernelStep : public Step {
 public:
  using Kernel = void (*)(const Call &);
  KernelStep(Kernel kernel, const Call &call) : kernel_(kernel), call_(call) {}
  void run() override { kernel_(call_); }

 private:
  const Kernel kernel_;
  const Call call_;
};

template <typename Call>
std::unique_ptr<Step> step(void (*kernel)(const Call &), const Call &call) {
  return std::make_unique<KernelStep<Call>>(kernel, call);
}

void copyAxes(const std::vector<int64_t> &values, int64_t *target, size_t count, const char *name, const PlanReader &reader) {
  if (values.size() != count || count > maxAxes) reader.fail(std::string("'") + name + "' has another number of axes");
  for (size_t i = 0; i < count; i++) target[i] = values[i];
}

/** The product of extents, all of which are from 1 on. */
int64_t product(const std::vector<int64_t> &extents, const PlanReader &reader) {
  int64_t result = 1;
  for (const int64_t extent : extents) {
    if (extent < 1 || __builtin_mul_overflow(result, extent, &result) || result > mostElements) reader.fail("a size is out of range");
  }
  return result;
}

/** Number of elements from the first to the last that strides reach, to check the memory that a call accesses. */
int64_t reach(const int64_t *extents, const int64_t *strides, int32_t axes, const PlanReader &reader) {
  int64_t last = 0;
  for (int32_t i = 0; i < axes; i++) {
    int64_t distance;
    if (extents[i] < 1 || strides[i] < 0) reader.fail("extents and strides must not be negative");
    if (__builtin_mul_overflow(extents[i] - 1, strides[i], &distance) || distance > mostElements) reader.fail("a stride is out of range");
    last += distance;
  }
  return last;
}

void requireSame(const FeatureMap &a, const FeatureMap &b, const PlanReader &reader) {
  if (b.data && (a.images != b.images || a.channels != b.channels || a.height != b.height || a.width != b.width || a.block != b.block)) {
    reader.fail("two feature maps that should be alike differ");
  }
}

class ElementwiseStep : public Step {
 public:
  explicit ElementwiseStep(const PlanReader &reader) {
    const auto extents = reader.integers("extents");
    if (extents.size() > maxAxes) reader.fail("too many axes");
    call_.axes = static_cast<int32_t>(extents.size());
    copyAxes(extents, call_.extents, extents.size(), "extents", reader);
    call_.length = reader.integer("length", 1);
    const int64_t rows = product(extents, reader);
    product({rows, call_.length}, reader);

    // One list an operand: offset, spread, period, strides.
    const auto operands = reader.integers("operands");
    const size_t width = 3 + extents.size();
    if (operands.size() % width != 0) reader.fail("'operands' has a wrong length");
    for (size_t i = 0; i < operands.size(); i += width) {
      ElementwiseOperand operand;
      operand.spread = static_cast<Spread>(operands[i + 1]);
      operand.period = operands[i + 2];
      for (int32_t axis = 0; axis < call_.axes; axis++) operand.strides[axis] = operands[i + 3 + axis];
      const int64_t run = operand.spread == Spread::full ? call_.length : operand.spread == Spread::scalar ? 1 : operand.period;
      if (operands[i + 1] < 0 || operands[i + 1] > 2 || run < 1 || run > call_.length) reader.fail("an operand has a wrong spread");
      const int64_t elements = reach(call_.extents, operand.strides, call_.axes, reader) + run;
      operand.data = static_cast<const float *>(reader.memoryAt(operands[i], elements * 4, "operands"));
      operands_.push_back(operand);
    }

    // One list an instruction: op, a, b, argument.
    const auto instructions = reader.integers("instructions");
    const auto immediates = reader.numbers("immediates");
    if (instructions.size() != immediates.size() * 4) reader.fail("'instructions' has a wrong length");
    for (size_t i = 0; i < immediates.size(); i++) {
      ElementwiseInstruction instruction;
      const int64_t *fields = &instructions[i * 4];
      const auto known = static_cast<int64_t>(operands_.size() + i);
      if (fields[0] < 0 || fields[0] >= elementwiseOpCount || fields[1] < 0 || fields[1] >= known || fields[2] < 0 || fields[2] >= known ||
          fields[3] < 0 || fields[3] >= activationCount) {
        reader.fail("instruction " + std::to_string(i) + " is not valid");
      }
      instruction.op = static_cast<ElementwiseOp>(fields[0]);
      instruction.a = static_cast<int32_t>(fields[1]);
      instruction.b = static_cast<int32_t>(fields[2]);
      instruction.argument = static_cast<int32_t>(fields[3]);
      instruction.immediate = immediates[i];
      instructions_.push_back(instruction);
    }
    if (operands_.size() + instructions_.size() > maxElementwiseValues) reader.fail("too many values");

    // Number of the value, offset.
    const auto outputs = reader.integers("outputs");
    for (size_t i = 0; i + 1 < outputs.size(); i += 2) {
      if (outputs[i] < 0 || outputs[i] >= static_cast<int64_t>(operands_.size() + instructions_.size())) reader.fail("an output has no value");
      outputValues_.push_back(static_cast<int32_t>(outputs[i]));
      outputs_.push_back(static_cast<float *>(reader.memoryAt(outputs[i + 1], rows * call_.length * 4, "outputs")));
    }
    call_.operands = operands_.data();
    call_.operandCount = static_cast<int32_t>(operands_.size());
    call_.instructions = instructions_.data();
    call_.instructionCount = static_cast<int32_t>(instructions_.size());
    call_.outputValues = outputValues_.data();
    call_.outputs = outputs_.data();
    call_.outputCount = static_cast<int32_t>(outputs_.size());
  }

  void run() override { selectKernels().elementwise(call_); }

 private:
  ElementwiseCall call_;
  std::vector<ElementwiseOperand> operands_;
  std::vector<ElementwiseInstruction> instructions_;
  std::vector<int32_t> outputValues_;
  std::vector<float *> outputs_;
};

/** Several copies in one step. */
class CopiesStep : public Step {
 public:
  explicit CopiesStep(const PlanReader &reader) {
    // One list a copy: axes, source offset, target offset, extents, source strides, target strides.
    const auto fields = reader.integers("copies");
    for (size_t i = 0; i < fields.size();) {
      CopyCall call;
      if (i + 3 > fields.size() || fields[i] < 0 || fields[i] > maxAxes) reader.fail("'copies' is not valid");
      const auto axes = static_cast<size_t>(fields[i]);
      if (i + 3 + 3 * axes > fields.size()) reader.fail("'copies' is too short");
      call.axes = static_cast<int32_t>(axes);
      for (size_t axis = 0; axis < axes; axis++) {
        call.extents[axis] = fields[i + 3 + axis];
        call.sourceStrides[axis] = fields[i + 3 + axes + axis];
        call.targetStrides[axis] = fields[i + 3 + 2 * axes + axis];
      }
      call.source = reader.memoryAt(fields[i + 1], (reach(call.extents, call.sourceStrides, call.axes, reader) + 1) * 4, "source");
      call.target = reader.memoryAt(fields[i + 2], (reach(call.extents, call.targetStrides, call.axes, reader) + 1) * 4, "target");
      calls_.push_back(call);
      i += 3 + 3 * axes;
    }
  }

  void run() override {
    const Kernels &kernels = selectKernels();
    for (const CopyCall &call : calls_) kernels.copy(call);
  }

 private:
  std::vector<CopyCall> calls_;
};

class ClearStep : public Step {
 public:
  explicit ClearStep(const PlanReader &reader) : bytes_(reader.integer("bytes")), target_(reader.memory("target", bytes_)) {}
  void run() override { std::memset(target_, 0, static_cast<size_t>(bytes_)); }

 private:
  const int64_t bytes_;
  void *const target_;
};

/** Reads extents and flags of a reduction; returns the number of kept sums. */
int64_t readReduction(const PlanReader &reader, ReduceCall &call) {
  const auto extents = reader.integers("extents"), reduced = reader.integers("reduced");
  call.axes = static_cast<int32_t>(extents.size());
  copyAxes(extents, call.extents, extents.size(), "extents", reader);
  if (reduced.size() != extents.size()) reader.fail("'reduced' has another number of axes");
  int64_t kept = 1;
  for (size_t i = 0; i < reduced.size(); i++) {
    call.reduced[i] = reduced[i] != 0;
    if (extents[i] < 1) reader.fail("an extent is below 1");
    if (!call.reduced[i]) kept *= extents[i];
  }
  return kept;
}

std::unique_ptr<Step> makeReduce(const PlanReader &reader) {
  ReduceCall call;
  const int64_t kept = readReduction(reader, call);
  call.source = reader.array<float>("source", product(reader.integers("extents"), reader));
  call.target = reader.array<float>("target", kept);
  call.factor = reader.number("factor");
  call.workspace = reader.memory("workspace", reduceWorkspace(call));
  return step(selectKernels().reduceSum, call);
}

int64_t statisticsValues(const FeatureMap &x) { return x.images * x.blocks() * x.block * 2; }

/** Reads the arguments of every normalisation call except its maps; x has already been read. */
template <typename Call>
void readNormalization(const PlanReader &reader, Call &call) {
  call.activation = reader.activation("activation");
  const int64_t channels = call.x.channels;
  call.gamma = reader.array<float>("gamma", channels);
  call.beta = reader.array<float>("beta", channels);
  call.mean = reader.array<float>("mean", channels);
  call.variance = reader.array<float>("variance", channels);
  call.epsilon = reader.number("epsilon");
}

/** The maps of a forward call, and the rest. */
template <typename Call>
void readNormalizedMaps(const PlanReader &reader, Call &call) {
  call.x = reader.map("x");
  call.y = reader.map("y");
  call.residual = reader.optionalMap("residual");
  for (const FeatureMap &map : {call.y, call.residual}) requireSame(call.x, map, reader);
  readNormalization(reader, call);
}

std::unique_ptr<Step> makeNormalize(const PlanReader &reader) {
  NormalizeCall call;
  readNormalizedMaps(reader, call);
  call.workspace = reader.array<double>("workspace", statisticsValues(call.x));
  return step(selectKernels().normalize, call);
}

std::unique_ptr<Step> makeNormalizeGradient(const PlanReader &reader) {
  NormalizeGradientCall call;
  const auto terms = reader.maps("terms");
  if (terms.empty() || terms.size() > maxGradientTerms) reader.fail("there must be 1 to " + std::to_string(maxGradientTerms) + " terms");
  call.termCount = static_cast<int32_t>(terms.size());
  call.x = reader.map("x");
  for (size_t i = 0; i < terms.size(); i++) {
    call.terms[i] = terms[i];
    requireSame(call.x, terms[i], reader);
  }
  call.source = reader.optionalMap("activationSource");
  call.dx = reader.map("dx");
  call.dz = reader.optionalMap("dz");
  for (const FeatureMap &map : {call.source, call.dx, call.dz}) requireSame(call.x, map, reader);
  readNormalization(reader, call);
  call.dGamma = reader.array<float>("dGamma", call.x.channels);
  call.dBeta = reader.array<float>("dBeta", call.x.channels);
  call.workspace = reader.array<double>("workspace", statisticsValues(call.x));
  return step(selectKernels().normalizeGradient, call);
}

std::unique_ptr<Step> makeNormalizeInference(const PlanReader &reader) {
  NormalizeInferenceCall call;
  readNormalizedMaps(reader, call);
  return step(selectKernels().normalizeInference, call);
}

void requirePlanes(const FeatureMap &a, const FeatureMap &b, const PlanReader &reader) {
  if (a.images != b.images || a.channels != b.channels || a.block != b.block) reader.fail("two feature maps do not fit");
}

template <typename Call>
void readWindow(const PlanReader &reader, Call &call) {
  copyAxes(reader.integers("kernel"), call.kernel, 2, "kernel", reader);
  copyAxes(reader.integers("stride"), call.stride, 2, "stride", reader);
  copyAxes(reader.integers("padding"), call.padding, 2, "padding", reader);
  for (int i = 0; i < 2; i++) {
    if (call.kernel[i] < 1 || call.stride[i] < 1 || call.padding[i] < 0) reader.fail("a window is not valid");
  }
}

std::unique_ptr<Step> makePool(const std::string &kind, const PlanReader &reader) {
  PoolCall call;
  call.x = reader.map("x");
  call.y = reader.map("y");
  requirePlanes(call.x, call.y, reader);
  readWindow(reader, call);
  return step(kind == "maxPool" ? selectKernels().maxPool : selectKernels().avgPool, call);
}

std::unique_ptr<Step> makePoolGradient(const std::string &kind, const PlanReader &reader) {
  PoolGradientCall call;
  call.dy = reader.map("dy");
  call.dx = reader.map("dx");
  call.x = reader.optionalMap("x");
  call.y = reader.optionalMap("y");
  requirePlanes(call.dx, call.dy, reader);
  if (kind == "maxPoolGradient") {
    requireSame(call.dx, reader.map("x"), reader);
    requireSame(call.dy, reader.map("y"), reader);
  }
  readWindow(reader, call);
  return step(kind == "maxPoolGradient" ? selectKernels().maxPoolGradient : selectKernels().avgPoolGradient, call);
}

/** The window of a depthwise convolution, with its dilation. */
template <typename Call>
void readDilatedWindow(const PlanReader &reader, Call &call) {
  readWindow(reader, call);
  copyAxes(reader.integers("dilation"), call.dilation, 2, "dilation", reader);
  for (int i = 0; i < 2; i++) {
    if (call.dilation[i] < 1 || call.kernel[i] > 1 << 16) reader.fail("a window is not valid");
  }
}

std::unique_ptr<Step> makeDepthwise(const PlanReader &reader) {
  DepthwiseCall call;
  call.x = reader.map("x");
  call.y = reader.map("y");
  call.residual = reader.optionalMap("residual");
  requirePlanes(call.x, call.y, reader);
  requireSame(call.y, call.residual, reader);
  readDilatedWindow(reader, call);
  call.transposed = reader.flag("transposed");
  const int64_t taps = call.kernel[0] * call.kernel[1];
  if (taps > maxDepthwiseTaps) reader.fail("the kernel has too many taps");
  if (call.transposed && (call.stride[0] != 1 || call.stride[1] != 1)) reader.fail("a transposed one has stride 1");
  call.weight = reader.array<float>("weights", call.x.channels * taps);
  call.bias = reader.optionalArray<float>("biasVector", call.x.channels);
  call.activation = reader.activation("activation");
  return step(selectKernels().depthwise, call);
}

std::unique_ptr<Step> makeDepthwiseGradient(const PlanReader &reader) {
  DepthwiseGradientCall call;
  call.dy = reader.map("dy");
  call.x = reader.map("x");
  requirePlanes(call.x, call.dy, reader);
  readDilatedWindow(reader, call);
  call.dWeight = reader.array<float>("dWeight", call.x.channels * call.kernel[0] * call.kernel[1]);
  return step(selectKernels().depthwiseGradient, call);
}

std::unique_ptr<Step> makeAdaptivePool(const std::string &kind, const PlanReader &reader) {
  AdaptivePoolCall call;
  call.x = reader.map("x");
  call.y = reader.map("y");
  requirePlanes(call.x, call.y, reader);
  return step(kind == "adaptiveAvgPool" ? selectKernels().adaptiveAvgPool : selectKernels().adaptiveAvgPoolGradient, call);
}

/** Taps as [low, high, fraction] one after the other. */
std::vector<ResizeTap> readTaps(const PlanReader &reader, const char *name, int64_t inputs, int64_t outputs) {
  const auto fields = reader.numbers(name);
  if (static_cast<int64_t>(fields.size()) != outputs * 3) reader.fail(std::string("'") + name + "' has another number of taps");
  std::vector<ResizeTap> taps(static_cast<size_t>(outputs));
  for (size_t i = 0; i < taps.size(); i++) {
    taps[i] = {static_cast<int32_t>(fields[3 * i]), static_cast<int32_t>(fields[3 * i + 1]), fields[3 * i + 2]};
    if (taps[i].low < 0 || taps[i].low >= inputs || taps[i].high < 0 || taps[i].high >= inputs) reader.fail("a tap is outside of the map");
  }
  return taps;
}

class ResizeStep : public Step {
 public:
  ResizeStep(void (*kernel)(const ResizeCall &), const PlanReader &reader) : kernel_(kernel) {
    call_.x = reader.map("x");
    call_.y = reader.map("y");
    requirePlanes(call_.x, call_.y, reader);
    rows_ = readTaps(reader, "rows", call_.x.height, call_.y.height);
    columns_ = readTaps(reader, "columns", call_.x.width, call_.y.width);
    call_.rows = rows_.data();
    call_.columns = columns_.data();
  }
  void run() override { kernel_(call_); }

 private:
  void (*const kernel_)(const ResizeCall &);
  ResizeCall call_;
  std::vector<ResizeTap> rows_, columns_;
};

std::unique_ptr<Step> makeSoftmax(const PlanReader &reader) {
  SoftmaxCall call;
  call.outer = reader.integer("outer", 1);
  call.length = reader.integer("length", 1);
  call.inner = reader.integer("inner", 1);
  const int64_t all = product({call.outer, call.length, call.inner}, reader);
  call.x = reader.array<float>("x", all);
  call.y = reader.array<float>("y", all);
  call.logarithm = reader.flag("logarithm");
  return step(selectKernels().softmax, call);
}

std::unique_ptr<Step> makeOneHot(const PlanReader &reader) {
  OneHotCall call;
  call.images = reader.integer("images", 1);
  call.classes = reader.integer("classes", 1);
  call.pixels = reader.integer("pixels", 1);
  const int64_t all = product({call.images, call.classes, call.pixels}, reader);
  call.labels = reader.array<int32_t>("labels", call.images * call.pixels);
  call.y = reader.array<float>("y", all);
  return step(selectKernels().oneHot, call);
}

std::unique_ptr<Step> makeCrossEntropy(const std::string &kind, const PlanReader &reader) {
  CrossEntropyCall call{};
  call.images = reader.integer("images", 1);
  call.classes = reader.integer("classes", 1);
  call.pixels = reader.integer("pixels", 1);
  product({call.images, call.classes, call.pixels}, reader);
  const int64_t all = call.images * call.pixels;
  call.logits = reader.array<float>("logits", all * call.classes);
  call.labels = reader.array<int32_t>("labels", all);
  call.weights = reader.array<float>("weights", call.classes);
  call.labelSmoothing = reader.number("labelSmoothing");
  if (kind == "crossEntropy") {
    call.loss = reader.array<float>("loss", all);
    call.weight = reader.array<float>("weight", all);
    return step(selectKernels().crossEntropy, call);
  }
  call.dLoss = reader.array<float>("dLoss", all);
  call.dLogits = reader.array<float>("dLogits", all * call.classes);
  return step(selectKernels().crossEntropyGradient, call);
}

class LossHeadStep : public Step {
 public:
  LossHeadStep(const PlanReader &reader, bool gradient)
      : kernel_(gradient ? selectKernels().lossHeadGradient : selectKernels().lossHead) {
    call_.logits = reader.map("logits");
    call_.outputHeight = reader.integer("outputHeight", 1);
    call_.outputWidth = reader.integer("outputWidth", 1);
    if (reader.has("rows")) {
      rows_ = readTaps(reader, "rows", call_.logits.height, call_.outputHeight);
      columns_ = readTaps(reader, "columns", call_.logits.width, call_.outputWidth);
      call_.rows = rows_.data();
      call_.columns = columns_.data();
    } else if (call_.logits.height != call_.outputHeight || call_.logits.width != call_.outputWidth) {
      reader.fail("without taps the logits must have the size of the labels");
    }
    const int64_t sums = call_.logits.images * call_.logits.channels;
    product({call_.logits.images, call_.logits.channels, call_.outputHeight, call_.outputWidth}, reader);
    call_.labels = reader.array<int32_t>("labels", call_.logits.images * call_.outputHeight * call_.outputWidth);
    call_.weights = reader.optionalArray<float>("weights", call_.logits.channels);
    if (call_.weights) call_.labelSmoothing = reader.number("labelSmoothing");
    if (gradient) {
      call_.dLogits = reader.map("dLogits");
      requireSame(call_.logits, call_.dLogits, reader);
      if (call_.weights) call_.dLossSum = reader.array<float>("dLossSum", 1);
      call_.dOverlap = reader.optionalArray<float>("dOverlap", sums);
      if (call_.dOverlap) call_.dPredicted = reader.array<float>("dPredicted", sums);
    } else {
      if (call_.weights) {
        call_.lossSum = reader.array<float>("lossSum", 1);
        call_.weightSum = reader.array<float>("weightSum", 1);
      }
      call_.overlap = reader.optionalArray<float>("overlap", sums);
      if (call_.overlap) {
        call_.predicted = reader.array<float>("predicted", sums);
        call_.actual = reader.array<float>("actual", sums);
      }
    }
    call_.workspace = reader.memory("workspace", lossHeadWorkspace(call_));
  }
  void run() override { kernel_(call_); }

 private:
  void (*const kernel_)(const LossHeadCall &);
  LossHeadCall call_;
  std::vector<ResizeTap> rows_, columns_;
};

/** Reads the size of a call; returns the number of probabilities. */
int64_t readLovasz(const PlanReader &reader, LovaszCall &call) {
  call.images = reader.integer("images", 1);
  call.classes = reader.integer("classes", 1);
  call.pixels = reader.integer("pixels", 1);
  if (call.pixels > INT32_MAX) reader.fail("an image has too many pixels");
  return product({call.images, call.classes, call.pixels}, reader);
}

std::unique_ptr<Step> makeLovasz(const PlanReader &reader) {
  LovaszCall call;
  const int64_t all = readLovasz(reader, call), sums = call.images * call.classes;
  call.probabilities = reader.array<float>("probabilities", all);
  call.labels = reader.array<int32_t>("labels", call.images * call.pixels);
  call.loss = reader.array<float>("loss", sums);
  call.slope = reader.array<float>("slope", all);
  call.actual = reader.array<float>("actual", sums);
  call.workspace = reader.array<uint64_t>("workspace", lovaszWorkspace(call) / static_cast<int64_t>(sizeof(uint64_t)));
  return step(selectKernels().lovasz, call);
}

std::unique_ptr<Step> makeClearPadding(const PlanReader &reader) {
  return step(selectKernels().clearPadding, reader.map("map"));
}

}  // namespace

int64_t workspaceBytes(const Napi::Object &request) {
  const MemoryBlock nothing(0);
  const PlanReader named(request, nothing, "a workspace");
  const std::string kind = named.text("kind");
  const PlanReader reader(request, nothing, "the workspace of " + kind);
  if (kind == "reduce") {
    ReduceCall call;
    readReduction(reader, call);
    return reduceWorkspace(call);
  }
  if (kind == "lovasz") {
    LovaszCall call;
    readLovasz(reader, call);
    return lovaszWorkspace(call);
  }
  if (kind != "lossHead" && kind != "lossHeadGradient") reader.fail("it has none");
  LossHeadCall call;
  const auto logits = reader.integers("logits");
  if (logits.size() != 5) reader.fail("'logits' wants five numbers");
  call.logits.images = logits[0];
  call.logits.channels = logits[1];
  call.logits.height = logits[2];
  call.logits.width = logits[3];
  call.logits.block = logits[4];
  call.outputHeight = reader.integer("outputHeight", 1);
  call.outputWidth = reader.integer("outputWidth", 1);
  // The values of the taps do not matter, only whether they exist.
  const ResizeTap tap{};
  if (reader.flag("taps")) call.rows = call.columns = &tap;
  return lossHeadWorkspace(call);
}

std::unique_ptr<Step> makeKernelStep(const std::string &kind, const PlanReader &reader) {
  const Kernels &kernels = selectKernels();
  if (kind == "elementwise") return std::make_unique<ElementwiseStep>(reader);
  if (kind == "copies") return std::make_unique<CopiesStep>(reader);
  if (kind == "clear") return std::make_unique<ClearStep>(reader);
  if (kind == "reduce") return makeReduce(reader);
  if (kind == "normalize") return makeNormalize(reader);
  if (kind == "normalizeGradient") return makeNormalizeGradient(reader);
  if (kind == "normalizeInference") return makeNormalizeInference(reader);
  if (kind == "maxPool" || kind == "avgPool") return makePool(kind, reader);
  if (kind == "maxPoolGradient" || kind == "avgPoolGradient") return makePoolGradient(kind, reader);
  if (kind == "adaptiveAvgPool" || kind == "adaptiveAvgPoolGradient") return makeAdaptivePool(kind, reader);
  if (kind == "depthwise") return makeDepthwise(reader);
  if (kind == "depthwiseGradient") return makeDepthwiseGradient(reader);
  if (kind == "resize") return std::make_unique<ResizeStep>(kernels.resize, reader);
  if (kind == "resizeGradient") return std::make_unique<ResizeStep>(kernels.resizeGradient, reader);
  if (kind == "softmax") return makeSoftmax(reader);
  if (kind == "oneHot") return makeOneHot(reader);
  if (kind == "crossEntropy" || kind == "crossEntropyGradient") return makeCrossEntropy(kind, reader);
  if (kind == "lossHead") return std::make_unique<LossHeadStep>(reader, false);
  if (kind == "lossHeadGradient") return std::make_unique<LossHeadStep>(reader, true);
  if (kind == "lovasz") return makeLovasz(reader);
  if (kind == "clearPadding") return makeClearPadding(reader);
  return nullptr;
}

}  // namespace faceparse
