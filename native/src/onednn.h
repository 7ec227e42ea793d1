#pragma once

#include <napi.h>

#include <dnnl.hpp>
#include <vector>

#include "kernels/kernels.h"

namespace faceparse {

/** oneDNN's CPU engine; it has no state that needs separation, so one instance is shared. */
const dnnl::engine &oneDnnEngine();

/** Whether oneDNN can apply an activation to the result of a convolution. */
bool canFollowConvolution(Activation kind);

enum class ConvolutionDirection { forward, inputGradient, weightGradient };

/** A convolution that oneDNN supports; the planner queries it and the steps refer to it. */
struct Convolution {
  ConvolutionDirection direction;
  dnnl::memory::desc source, destination, weights, plainWeights, bias;
  bool hasBias = false;
  dnnl::memory::desc scratchpad;
  dnnl::convolution_forward::primitive_desc forward;
  dnnl::convolution_backward_data::primitive_desc inputGradient;
  dnnl::convolution_backward_weights::primitive_desc weightGradient;
};

/** A matrix product that oneDNN supports. */
struct MatrixProduct {
  dnnl::memory::desc a, b, c, scratchpad;
  dnnl::matmul::primitive_desc primitive;
};

/** The primitives that one plan refers to by number. */
class Primitives {
 public:
  explicit Primitives(int threads) : threads_(threads) {}

  /**
   * Looks for the best way to do a convolution. `request`: direction, images, groups, source and destination ([channels, height,
   * width, block], block 1 for the plain layout), kernel, stride, padding ([top, left, bottom, right]), dilation, bias,
   * activation, sum (adds to what is in the destination), inference, winograd (whether it is preferred).
   * Returns { id, implementation, weightsBytes, plainWeights, scratchpadBytes }.
   */
  Napi::Object addConvolution(const Napi::Object &request);
  /** `request`: batch, rows, inner, columns, transposeA, transposeB, oneB (b is one matrix for the whole batch). Returns { id, implementation, scratchpadBytes }. */
  Napi::Object addMatrixProduct(const Napi::Object &request);

  /** Null if the number is unknown. */
  const Convolution *convolution(int64_t id) const;
  const MatrixProduct *matrixProduct(int64_t id) const;

 private:
  int threads_;
  std::vector<Convolution> convolutions_;
  std::vector<MatrixProduct> matrixProducts_;
};

}  // namespace faceparse
