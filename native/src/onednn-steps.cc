#include <unordered_map>

#include "onednn.h"
#include "step.h"

namespace faceparse {

using dnnl::memory;

namespace {

constexpr auto float32 = memory::data_type::f32;

/** The thread waits for every step, so one stream is enough. */
dnnl::stream &stream() {
  thread_local dnnl::stream value(oneDnnEngine());
  return value;
}

memory at(const memory::desc &description, void *data) { return {description, oneDnnEngine(), data}; }

/** A primitive with its arguments; code is generated in `prepare`. */
class PrimitiveStep : public Step {
 public:
  void run() override { primitive_.execute(stream(), arguments_); }

 protected:
  dnnl::primitive primitive_;
  std::unordered_map<int, memory> arguments_;
};

/** The primitive of the step, which the planner queried before. */
template <typename Kind>
const Kind &known(const Kind *primitive, const PlanReader &reader) {
  if (!primitive) reader.fail("the primitive " + std::to_string(reader.integer("primitive")) + " was never asked for");
  return *primitive;
}

memory::desc mapDescription(const FeatureMap &map) {
  const auto tag = map.block == 16  ? memory::format_tag::nChw16c
                   : map.block == 8 ? memory::format_tag::nChw8c
                                    : memory::format_tag::nchw;
  return {{map.images, map.channels, map.height, map.width}, float32, tag};
}

/** oneDNN's maps have no gaps between images. */
void requireDense(const FeatureMap &map, const char *name, const PlanReader &reader) {
  if (map.images > 1 && map.imageStride != map.blocks() * map.plane()) {
    reader.fail(std::string("'") + name + "' is a part of a wider map");
  }
}

FeatureMap denseMap(const PlanReader &reader, const char *name, const memory::desc &expected) {
  const FeatureMap map = reader.map(name);
  requireDense(map, name, reader);
  if (mapDescription(map) != expected) reader.fail(std::string("'") + name + "' is not the map that was asked about");
  return map;
}

class ConvolutionStep : public PrimitiveStep {
 public:
  ConvolutionStep(const PlanReader &reader, const Primitives &primitives)
      : convolution_(known(primitives.convolution(reader.integer("primitive")), reader)) {
    const auto source = at(convolution_.source, denseMap(reader, "source", convolution_.source).data);
    const auto destination = at(convolution_.destination, denseMap(reader, "destination", convolution_.destination).data);
    const auto weights = at(convolution_.weights, reader.memory("weights", static_cast<int64_t>(convolution_.weights.get_size())));
    switch (convolution_.direction) {
      case ConvolutionDirection::forward:
        arguments_ = {{DNNL_ARG_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DST, destination}};
        if (convolution_.hasBias) {
          arguments_[DNNL_ARG_BIAS] = at(convolution_.bias, reader.memory("biasVector", static_cast<int64_t>(convolution_.bias.get_size())));
        }
        break;
      case ConvolutionDirection::inputGradient:
        arguments_ = {{DNNL_ARG_DIFF_SRC, source}, {DNNL_ARG_WEIGHTS, weights}, {DNNL_ARG_DIFF_DST, destination}};
        break;
      case ConvolutionDirection::weightGradient:
        arguments_ = {{DNNL_ARG_SRC, source}, {DNNL_ARG_DIFF_WEIGHTS, weights}, {DNNL_ARG_DIFF_DST, destination}};
        break;
    }
    const auto bytes = static_cast<int64_t>(convolution_.scratchpad.get_size());
    if (bytes > 0) arguments_[DNNL_ARG_SCRATCHPAD] = at(convolution_.scratchpad, reader.memory("scratchpad", bytes));
  }

  void prepare() override {
    switch (convolution_.direction) {
      case ConvolutionDirection::forward: primitive_ = dnnl::convolution_forward(convolution_.forward); break;
      case ConvolutionDirection::inputGradient: primitive_ = dnnl::convolution_backward_data(convolution_.inputGradient); break;
      case ConvolutionDirection::weightGradient: primitive_ = dnnl::convolution_backward_weights(convolution_.weightGradient); break;
    }
  }

 private:
  const Convolution convolution_;
};

class MatrixProductStep : public PrimitiveStep {
 public:
  MatrixProductStep(const PlanReader &reader, const Primitives &primitives)
      : product_(known(primitives.matrixProduct(reader.integer("primitive")), reader)) {
    const auto operand = [&](const char *name, const memory::desc &description) {
      return at(description, reader.memory(name, static_cast<int64_t>(description.get_size())));
    };
    arguments_ = {{DNNL_ARG_SRC, operand("a", product_.a)},
                  {DNNL_ARG_WEIGHTS, operand("b", product_.b)},
                  {DNNL_ARG_DST, operand("c", product_.c)}};
    if (product_.scratchpad.get_size() > 0) arguments_[DNNL_ARG_SCRATCHPAD] = operand("scratchpad", product_.scratchpad);
  }

  void prepare() override { primitive_ = dnnl::matmul(product_.primitive); }

 private:
  const MatrixProduct product_;
};

/** Converts data from one layout to another. */
class ReorderStep : public PrimitiveStep {
 public:
  ReorderStep(const memory &from, const memory &to) : from_(from), to_(to) {
    arguments_ = {{DNNL_ARG_FROM, from_}, {DNNL_ARG_TO, to_}};
  }

  void prepare() override {
    dnnl::primitive_attr attributes;
    attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
    const dnnl::reorder::primitive_desc description(oneDnnEngine(), from_.get_desc(), oneDnnEngine(), to_.get_desc(), attributes);
    const auto scratchpad = description.scratchpad_desc();
    // Only a few kinds of reorder need a scratchpad; it is allocated here, once.
    if (scratchpad.get_size() > 0) arguments_[DNNL_ARG_SCRATCHPAD] = memory(scratchpad, oneDnnEngine());
    primitive_ = dnnl::reorder(description);
  }

 private:
  memory from_, to_;
};

/** Converts between the plain weights of a graph and the weights of a convolution. */
std::unique_ptr<Step> makeWeightReorder(const PlanReader &reader, const Primitives &primitives) {
  const Convolution &convolution = known(primitives.convolution(reader.integer("primitive")), reader);
  const auto plain = at(convolution.plainWeights, reader.memory("plain", static_cast<int64_t>(convolution.plainWeights.get_size())));
  const auto own = at(convolution.weights, reader.memory("weights", static_cast<int64_t>(convolution.weights.get_size())));
  const bool fromPlain = convolution.direction != ConvolutionDirection::weightGradient;
  return std::make_unique<ReorderStep>(fromPlain ? plain : own, fromPlain ? own : plain);
}

std::unique_ptr<Step> makeMapReorder(const PlanReader &reader) {
  const FeatureMap from = reader.map("from"), to = reader.map("to");
  requireDense(from, "from", reader);
  requireDense(to, "to", reader);
  return std::make_unique<ReorderStep>(at(mapDescription(from), from.data), at(mapDescription(to), to.data));
}

}  // namespace

std::unique_ptr<Step> makeOneDnnStep(const std::string &kind, const PlanReader &reader, const Primitives &primitives) {
  if (kind == "convolution") return std::make_unique<ConvolutionStep>(reader, primitives);
  if (kind == "matrixProduct") return std::make_unique<MatrixProductStep>(reader, primitives);
  if (kind == "reorderWeights") return makeWeightReorder(reader, primitives);
  if (kind == "reorder") return makeMapReorder(reader);
  return nullptr;
}

}  // namespace faceparse
