#include <cstring>

#include "kernel-step.h"

namespace faceparse {

namespace {

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
  return lossWorkspaceBytes(kind, reader);
}

std::unique_ptr<Step> makeKernelStep(const std::string &kind, const PlanReader &reader) {
  if (kind == "elementwise") return std::make_unique<ElementwiseStep>(reader);
  if (kind == "copies") return std::make_unique<CopiesStep>(reader);
  if (kind == "clear") return std::make_unique<ClearStep>(reader);
  if (kind == "reduce") return makeReduce(reader);
  if (kind == "softmax") return makeSoftmax(reader);
  if (kind == "oneHot") return makeOneHot(reader);
  if (kind == "clearPadding") return makeClearPadding(reader);
  if (std::unique_ptr<Step> map = makeMapStep(kind, reader)) return map;
  return makeLossStep(kind, reader);
}

}  // namespace faceparse
