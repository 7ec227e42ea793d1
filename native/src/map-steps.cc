#include "kernel-step.h"

namespace faceparse {

namespace {

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

}  // namespace

std::unique_ptr<Step> makeMapStep(const std::string &kind, const PlanReader &reader) {
  const Kernels &kernels = selectKernels();
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
  return nullptr;
}

}  // namespace faceparse
