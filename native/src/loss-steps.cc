#include "kernel-step.h"

namespace faceparse {

namespace {

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

}  // namespace

int64_t lossWorkspaceBytes(const std::string &kind, const PlanReader &reader) {
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

std::unique_ptr<Step> makeLossStep(const std::string &kind, const PlanReader &reader) {
  if (kind == "crossEntropy" || kind == "crossEntropyGradient") return makeCrossEntropy(kind, reader);
  if (kind == "lossHead") return std::make_unique<LossHeadStep>(reader, false);
  if (kind == "lossHeadGradient") return std::make_unique<LossHeadStep>(reader, true);
  if (kind == "lovasz") return makeLovasz(reader);
  return nullptr;
}

}  // namespace faceparse
