#include "executor.h"
#include "memory-block.h"
#include "onednn.h"
#include "plan-reader.h"

namespace faceparse {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Tag = memory::format_tag;

namespace {

constexpr auto float32 = memory::data_type::f32;

Tag mapTag(int64_t block) { return block == 16 ? Tag::nChw16c : block == 8 ? Tag::nChw8c : Tag::nchw; }

/** The parameters of a convolution. */
struct Geometry {
  memory::desc source, destination, weights, plainWeights, bias;
  memory::dims stride, dilation, paddingBefore, paddingAfter;
  bool hasBias;
};

Geometry readGeometry(const PlanReader &reader) {
  Geometry geometry;
  const auto images = reader.integer("images", 1);
  const auto groups = reader.integer("groups", 1);
  const auto four = [&](const char *name) {
    auto list = reader.integers(name);
    if (list.size() != 4) reader.fail(std::string("'") + name + "' wants four numbers");
    return list;
  };
  const auto pair = [&](const char *name) {
    auto list = reader.integers(name);
    if (list.size() != 2) reader.fail(std::string("'") + name + "' wants two numbers");
    return list;
  };
  const auto source = four("source"), destination = four("destination"), padding = four("padding");
  const auto kernel = pair("kernel"), dilation = pair("dilation");
  geometry.source = {{images, source[0], source[1], source[2]}, float32, mapTag(source[3])};
  geometry.destination = {{images, destination[0], destination[1], destination[2]}, float32, mapTag(destination[3])};
  memory::dims weights = {destination[0], source[0] / groups, kernel[0], kernel[1]};
  Tag plain = Tag::oihw;
  if (groups > 1) {
    weights = {groups, destination[0] / groups, source[0] / groups, kernel[0], kernel[1]};
    plain = Tag::goihw;
  }
  geometry.weights = {weights, float32, Tag::any};
  geometry.plainWeights = {weights, float32, plain};
  geometry.bias = {{destination[0]}, float32, Tag::x};
  geometry.hasBias = reader.flag("bias");
  geometry.stride = pair("stride");
  // oneDNN's dilation is the number of skipped positions.
  geometry.dilation = {dilation[0] - 1, dilation[1] - 1};
  geometry.paddingBefore = {padding[0], padding[1]};
  geometry.paddingAfter = {padding[2], padding[3]};
  return geometry;
}

/** Appends an activation; false if oneDNN does not support it. */
bool appendActivation(dnnl::post_ops &operations, Activation kind) {
  switch (kind) {
    case Activation::none: break;
    case Activation::relu: operations.append_eltwise(1, algorithm::eltwise_relu, 0, 0); break;
    case Activation::relu6: operations.append_eltwise(1, algorithm::eltwise_clip, 0, 6); break;
    case Activation::sigmoid: operations.append_eltwise(1, algorithm::eltwise_logistic, 0, 0); break;
    case Activation::silu: operations.append_eltwise(1, algorithm::eltwise_swish, 1, 0); break;
    case Activation::hardSwish: operations.append_eltwise(1, algorithm::eltwise_hardswish, 0, 0); break;
    case Activation::hardSigmoid: return false;
  }
  return true;
}

dnnl::primitive_attr attributes() {
  dnnl::primitive_attr result;
  result.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return result;
}

dnnl::convolution_forward::primitive_desc describeForward(
    const Geometry &g, algorithm how, prop_kind kind, const dnnl::primitive_attr &attr = attributes()) {
  using Description = dnnl::convolution_forward::desc;
  const auto description =
      g.hasBias ? Description(kind, how, g.source, g.weights, g.bias, g.destination, g.stride, g.dilation, g.paddingBefore, g.paddingAfter)
                : Description(kind, how, g.source, g.weights, g.destination, g.stride, g.dilation, g.paddingBefore, g.paddingAfter);
  return {description, attr, oneDnnEngine()};
}

/** Sets the fields that depend on the algorithm; throws dnnl::error if oneDNN does not support it. */
void describe(Convolution &convolution, const Geometry &g, algorithm how, const PlanReader &reader) {
  switch (convolution.direction) {
    case ConvolutionDirection::forward: {
      dnnl::post_ops operations;
      if (reader.flag("sum")) operations.append_sum(1);
      if (reader.has("activation") && !appendActivation(operations, reader.activation("activation"))) {
        reader.fail("oneDNN has no such activation after a convolution");
      }
      auto attr = attributes();
      attr.set_post_ops(operations);
      const auto kind = reader.flag("inference") ? prop_kind::forward_inference : prop_kind::forward_training;
      convolution.forward = describeForward(g, how, kind, attr);
      convolution.weights = convolution.forward.weights_desc();
      convolution.scratchpad = convolution.forward.scratchpad_desc();
      return;
    }
    case ConvolutionDirection::inputGradient: {
      const auto hint = describeForward(g, how, prop_kind::forward_training);
      convolution.inputGradient = {{how, g.source, g.weights, g.destination, g.stride, g.dilation, g.paddingBefore, g.paddingAfter},
                                   attributes(), oneDnnEngine(), hint};
      convolution.weights = convolution.inputGradient.weights_desc();
      convolution.scratchpad = convolution.inputGradient.scratchpad_desc();
      return;
    }
    case ConvolutionDirection::weightGradient: {
      const auto hint = describeForward(g, how, prop_kind::forward_training);
      convolution.weightGradient = {{how, g.source, g.weights, g.destination, g.stride, g.dilation, g.paddingBefore, g.paddingAfter},
                                    attributes(), oneDnnEngine(), hint};
      convolution.weights = convolution.weightGradient.diff_weights_desc();
      convolution.scratchpad = convolution.weightGradient.scratchpad_desc();
      return;
    }
  }
}

}  // namespace

bool canFollowConvolution(Activation kind) {
  dnnl::post_ops operations;
  return appendActivation(operations, kind);
}

const dnnl::engine &oneDnnEngine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

Napi::Object Primitives::addConvolution(const Napi::Object &request) {
  const MemoryBlock nothing(0);
  const PlanReader named(request, nothing, "a convolution");
  const PlanReader reader(request, nothing, named.text("label"));
  const std::string direction = reader.text("direction");
  Convolution convolution;
  convolution.direction = direction == "forward"         ? ConvolutionDirection::forward
                          : direction == "inputGradient" ? ConvolutionDirection::inputGradient
                                                         : ConvolutionDirection::weightGradient;
  std::string failure;
  bool found = false;
  // oneDNN decides how to split work between threads when a primitive is described.
  const ThreadCount count(threads_);
  try {
    const Geometry geometry = readGeometry(reader);
    convolution.source = geometry.source;
    convolution.destination = geometry.destination;
    convolution.plainWeights = geometry.plainWeights;
    convolution.bias = geometry.bias;
    convolution.hasBias = geometry.hasBias;
    for (const auto how : {algorithm::convolution_winograd, algorithm::convolution_direct}) {
      if (how == algorithm::convolution_winograd && !reader.flag("winograd")) continue;
      try {
        describe(convolution, geometry, how, reader);
        found = true;
        break;
      } catch (const dnnl::error &error) {
        failure = error.what();
      }
    }
  } catch (const dnnl::error &error) {
    failure = error.what();
  }
  if (!found) reader.fail("oneDNN cannot do it (" + failure + ")");
  const Napi::Env env = request.Env();
  const Napi::Object answer = Napi::Object::New(env);
  answer.Set("id", Napi::Number::New(env, static_cast<double>(convolutions_.size())));
  answer.Set("implementation", convolution.direction == ConvolutionDirection::forward ? convolution.forward.impl_info_str()
                               : convolution.direction == ConvolutionDirection::inputGradient
                                   ? convolution.inputGradient.impl_info_str()
                                   : convolution.weightGradient.impl_info_str());
  answer.Set("weightsBytes", static_cast<double>(convolution.weights.get_size()));
  answer.Set("plainWeights", convolution.weights == convolution.plainWeights);
  answer.Set("scratchpadBytes", static_cast<double>(convolution.scratchpad.get_size()));
  convolutions_.push_back(std::move(convolution));
  return answer;
}

Napi::Object Primitives::addMatrixProduct(const Napi::Object &request) {
  const MemoryBlock nothing(0);
  const PlanReader named(request, nothing, "a matrix product");
  const PlanReader reader(request, nothing, named.text("label"));
  const int64_t batch = reader.integer("batch", 1), rows = reader.integer("rows", 1), inner = reader.integer("inner", 1),
                columns = reader.integer("columns", 1);
  const auto matrix = [](int64_t count, int64_t height, int64_t width, bool transposed) {
    return memory::desc({count, height, width}, float32,
                        transposed ? memory::dims{height * width, 1, height} : memory::dims{height * width, width, 1});
  };
  MatrixProduct product;
  const ThreadCount count(threads_);
  try {
    product.a = matrix(batch, rows, inner, reader.flag("transposeA"));
    product.b = matrix(reader.flag("oneB") ? 1 : batch, inner, columns, reader.flag("transposeB"));
    product.c = matrix(batch, rows, columns, false);
    product.primitive = {{product.a, product.b, product.c}, attributes(), oneDnnEngine()};
    product.scratchpad = product.primitive.scratchpad_desc();
  } catch (const dnnl::error &error) {
    reader.fail(std::string("oneDNN cannot do it (") + error.what() + ")");
  }
  const Napi::Env env = request.Env();
  const Napi::Object answer = Napi::Object::New(env);
  answer.Set("id", Napi::Number::New(env, static_cast<double>(matrixProducts_.size())));
  answer.Set("implementation", product.primitive.impl_info_str());
  answer.Set("scratchpadBytes", static_cast<double>(product.scratchpad.get_size()));
  matrixProducts_.push_back(std::move(product));
  return answer;
}

const Convolution *Primitives::convolution(int64_t id) const {
  return id < static_cast<int64_t>(convolutions_.size()) ? &convolutions_[static_cast<size_t>(id)] : nullptr;
}

const MatrixProduct *Primitives::matrixProduct(int64_t id) const {
  return id < static_cast<int64_t>(matrixProducts_.size()) ? &matrixProducts_[static_cast<size_t>(id)] : nullptr;
}

}  // namespace faceparse
