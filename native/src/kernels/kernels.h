// The add-on's own kernels: operations that oneDNN lacks or that are faster when fused. They are plain functions on memory that
// the caller has planned; none of them allocates. Every function splits its work over OpenMP threads. Sums are split
// independently of the number of threads, so that results are the same for any number of threads.
#pragma once

#include <cstdint>

namespace faceparse {

/**
 * A feature map in memory: element (n, c, y, x) lies at
 *   data[n * imageStride + (c / block) * (height * width * block) + (y * width + x) * block + c % block].
 * block 1 is the plain layout N×C×H×W; 8 and 16 are oneDNN's nChw8c and nChw16c, whose channels past `channels` (up to
 * the next multiple of the block) are zero and must stay zero. A larger imageStride makes the map a view of some of the channels
 * of a wider map.
 */
struct FeatureMap {
  float *data = nullptr;
  int64_t images = 0, channels = 0, height = 0, width = 0, block = 1, imageStride = 0;
  int64_t blocks() const { return (channels + block - 1) / block; }
  int64_t plane() const { return height * width * block; }
};

#define FACEPARSE_ACTIVATIONS(use) use(none) use(relu) use(relu6) use(sigmoid) use(silu) use(hardSigmoid) use(hardSwish)
#define FACEPARSE_NAME(name) name,
#define FACEPARSE_TEXT(name) #name,

enum class Activation : int32_t { FACEPARSE_ACTIVATIONS(FACEPARSE_NAME) };

/** By number. */
constexpr const char *activationNames[] = {FACEPARSE_ACTIVATIONS(FACEPARSE_TEXT)};
constexpr int activationCount = sizeof(activationNames) / sizeof(*activationNames);

#undef FACEPARSE_ACTIVATIONS
#undef FACEPARSE_NAME
#undef FACEPARSE_TEXT

// ---------------------------------------------------------------------------------------------- elementwise

/** How an elementwise program reads an operand along the innermost run of elements. */
enum class Spread : int32_t {
  full,      // one value for each element
  scalar,    // one value for the whole run
  periodic,  // `period` values that repeat: a vector of channels under a blocked map
};

constexpr int maxAxes = 6;

struct ElementwiseOperand {
  const float *data = nullptr;
  /** Elements to skip for one step along each outer axis (0 where it repeats). */
  int64_t strides[maxAxes] = {};
  Spread spread = Spread::full;
  int64_t period = 0;
};

enum class ElementwiseOp : int32_t {
#define FACEPARSE_ELEMENTWISE(name, arity, value) name,
#include "elementwise-ops.def"
};

/** By number. */
constexpr const char *elementwiseOpNames[] = {
#define FACEPARSE_ELEMENTWISE(name, arity, value) #name,
#include "elementwise-ops.def"
};
constexpr int elementwiseOpCount = sizeof(elementwiseOpNames) / sizeof(*elementwiseOpNames);

/** One instruction; it defines the value with number `operands + its index`. a and b are numbers of values. */
struct ElementwiseInstruction {
  ElementwiseOp op;
  int32_t a, b;
  int32_t argument;  // the Activation
  float immediate;
};

constexpr int maxElementwiseValues = 96;

/**
 * Runs a straight-line program over every element of a shape: outer axes × a run of `length` elements. Values are kept
 * in chunks that stay in the first-level cache. Outputs are dense over the whole shape; one may be the memory of a `full` operand
 * with the same strides (in place).
 */
struct ElementwiseCall {
  int32_t axes = 0;             // outer axes
  int64_t extents[maxAxes] = {};
  int64_t length = 0;
  const ElementwiseOperand *operands = nullptr;
  int32_t operandCount = 0;
  const ElementwiseInstruction *instructions = nullptr;
  int32_t instructionCount = 0;
  /** For each output, the number of its value and its destination. */
  const int32_t *outputValues = nullptr;
  float *const *outputs = nullptr;
  int32_t outputCount = 0;
};

// ---------------------------------------------------------------------------------------------- copies and sums

/** Copies between strided views of 4-byte elements (float or int32); a source stride of 0 repeats. */
struct CopyCall {
  int32_t axes = 0;
  int64_t extents[maxAxes] = {};
  int64_t sourceStrides[maxAxes] = {}, targetStrides[maxAxes] = {};
  const void *source = nullptr;
  void *target = nullptr;
};

/**
 * Sums over some axes of a dense array: axis i of `extents` is summed where reduced[i], kept otherwise; the target is dense
 * over the kept axes, each sum times `factor`. Sums are formed in blocks and finished in double precision: relative error
 * about 1e-7 for millions of terms. `workspace` has room for reduceWorkspace(call) bytes.
 */
struct ReduceCall {
  int32_t axes = 0;
  int64_t extents[maxAxes] = {};
  bool reduced[maxAxes] = {};
  const float *source = nullptr;
  float *target = nullptr;
  float factor = 1;
  void *workspace = nullptr;
};

// ---------------------------------------------------------------------------------------------- normalisation

/**
 * Batch normalisation with the statistics of the batch, then optionally + residual, then an activation:
 * y = act(a·x + b [+ residual]), a = gamma/√(variance + epsilon), b = beta − a·mean, per channel.
 * gamma, beta, mean, variance: plain vectors of `channels`. mean and variance (biased) are written.
 * x is read twice. y may be x (in place).
 */
struct NormalizeCall {
  FeatureMap x, y, residual;  // residual: data is null where there is none
  Activation activation = Activation::none;
  const float *gamma = nullptr, *beta = nullptr;
  float *mean = nullptr, *variance = nullptr;
  float epsilon = 0;
  /** images · blocks · block · 2 doubles. */
  double *workspace = nullptr;
};

constexpr int maxGradientTerms = 4;

/**
 * The gradient of that: dz = (Σ terms) · act′, then with xhat = (x − mean)/√(variance + epsilon) over the m values of a channel:
 * dBeta = Σ dz, dGamma = Σ dz·xhat, dx = gamma/√(variance + epsilon) · (dz − dBeta/m − xhat·dGamma/m).
 * `source` is what activationGradient reads (the output, or the value before the activation); where its data is null
 * it is computed from x (possible without a residual only). dz, where its data is set, receives dz: the
 * gradient of the residual. dx and dz may each be the memory of a term.
 */
struct NormalizeGradientCall {
  FeatureMap terms[maxGradientTerms];
  int32_t termCount = 0;
  FeatureMap x, source, dx, dz;
  Activation activation = Activation::none;
  const float *gamma = nullptr, *beta = nullptr, *mean = nullptr, *variance = nullptr;
  float *dGamma = nullptr, *dBeta = nullptr;
  float epsilon = 0;
  /** images · blocks · block · 2 doubles. */
  double *workspace = nullptr;
};

/** y = act(a·x + b [+ residual]) with given statistics; y may be x. */
struct NormalizeInferenceCall {
  FeatureMap x, y, residual;
  Activation activation = Activation::none;
  const float *gamma = nullptr, *beta = nullptr, *mean = nullptr, *variance = nullptr;
  float epsilon = 0;
};

// ---------------------------------------------------------------------------------------------- pooling, resizing

/** Max or average pooling; the padding does not count. */
struct PoolCall {
  FeatureMap x, y;
  int64_t kernel[2], stride[2], padding[2];  // vertical, horizontal; the padding at top and left
};

/** Gradients of PoolCall: dx is overwritten. For max pooling x and y are those of the forward pass; the first maximum of a window in row order gets all. */
struct PoolGradientCall {
  FeatureMap dy, dx, x, y;
  int64_t kernel[2], stride[2], padding[2];
};

/** Cell i of n covers ⌊i·H/n⌋ to ⌈(i+1)·H/n⌉ exclusive, on both axes: a mean (forward), or spread back (gradient). */
struct AdaptivePoolCall {
  FeatureMap x, y;  // gradient: y holds dy, x receives dx
};

/** Where one output position reads along an axis: `low` with 1 − fraction, `high` with fraction. */
struct ResizeTap {
  int32_t low, high;
  float fraction;
};

/** Bilinear or nearest, by taps: rows has one tap an output row, columns one an output column. */
struct ResizeCall {
  FeatureMap x, y;  // gradient: y holds dy, x receives dx (overwritten)
  const ResizeTap *rows = nullptr, *columns = nullptr;
};

/** Maximum number of taps of a depthwise kernel. */
constexpr int64_t maxDepthwiseTaps = 128;

/**
 * A depthwise convolution with one filter a channel: y = act(Σ weight[c, ky, kx]·x + bias [+ residual]), where output (y, x)
 * reads (y·stride + ky·dilation − padding, …) and nothing outside of the map. Transposed, with stride 1: the gradient of its
 * input, where x holds dy and output (y, x) reads (y − ky·dilation + padding, …). y may be the residual.
 */
struct DepthwiseCall {
  FeatureMap x, y, residual;                              // residual: data is null where there is none
  int64_t kernel[2], stride[2], padding[2], dilation[2];  // vertical, horizontal; the padding at top and left
  const float *weight = nullptr, *bias = nullptr;         // channels × kernel, plain; bias: null where there is none
  Activation activation = Activation::none;
  bool transposed = false;
};

/**
 * The weight gradient of a depthwise convolution with one filter a channel: dWeight[c, ky, kx] = Σ dy·x over images and
 * outputs, where output (y, x) reads (y·stride + ky·dilation − padding, …) and nothing outside of the map.
 */
struct DepthwiseGradientCall {
  FeatureMap dy, x;
  int64_t kernel[2], stride[2], padding[2], dilation[2];  // vertical, horizontal; the padding at top and left
  float *dWeight = nullptr;                               // channels × kernel, plain
};

// ---------------------------------------------------------------------------------------------- classification

/** Softmax or log-softmax along the middle axis of outer × length × inner, dense. y may be x. */
struct SoftmaxCall {
  int64_t outer, length, inner;
  const float *x;
  float *y;
  bool logarithm;
};

/** Labels N×pixels as N×classes×pixels with ones. */
struct OneHotCall {
  int64_t images, classes, pixels;
  const int32_t *labels;
  float *y;
};

/** Cross-entropy of every pixel as src/graph/ops/softmax.ts defines it; plain layout. Gradient: dLogits from dLoss. */
struct CrossEntropyCall {
  int64_t images, classes, pixels;
  const float *logits;
  const int32_t *labels;
  const float *weights;  // one a class
  float labelSmoothing;
  float *loss, *weight;          // forward: N×pixels each
  const float *dLoss;            // gradient: N×pixels
  float *dLogits;                // gradient
};

/**
 * The whole head, fused: logits (any layout) are resized to outputHeight×outputWidth by taps (or kept if rows is null), followed
 * by softmax p, cross-entropy summed over all pixels, and the sums that region losses need. The large logits are never stored
 * as a whole.
 *   lossSum = Σ loss, weightSum = Σ weight (as CrossEntropyCall; weights null: no cross-entropy);
 *   overlap[n, c] = Σ p_c over pixels labelled c, predicted[n, c] = Σ p_c over pixels with a known label,
 *   actual[n, c] = number of pixels labelled c (overlap null: none of the three).
 * Gradient: dLogits (of the small logits, overwritten) from dLossSum (a scalar in memory) and dOverlap, dPredicted (N×C).
 */
struct LossHeadCall {
  FeatureMap logits;
  int64_t outputHeight, outputWidth;
  const ResizeTap *rows = nullptr, *columns = nullptr;
  const int32_t *labels = nullptr;
  const float *weights = nullptr;
  float labelSmoothing = 0;
  float *lossSum = nullptr, *weightSum = nullptr;
  float *overlap = nullptr, *predicted = nullptr, *actual = nullptr;
  const float *dLossSum = nullptr, *dOverlap = nullptr, *dPredicted = nullptr;
  FeatureMap dLogits;
  /** lossHeadWorkspace(call) bytes. */
  void *workspace = nullptr;
};

/**
 * The Lovász extension of the Jaccard loss as src/graph/ops/lovasz.ts defines it, for each class of each image: the errors
 * |[label = c] − p| in falling order, equal ones by pixel, each times the rise of the Jaccard loss J that it brings. Plain layout.
 */
struct LovaszCall {
  int64_t images, classes, pixels;  // fewer than 2³¹ pixels
  const float *probabilities;
  const int32_t *labels;
  float *loss;    // N×classes: Σ error·rise
  float *slope;   // N×classes×pixels: the rise for pixels of another class, minus it for those of the class
  float *actual;  // N×classes: the number of pixels labelled c
  /** lovaszWorkspace(call) bytes. */
  void *workspace;
};

/** The kernels of one instruction set. */
struct Kernels {
  const char *name;  // "avx512", "avx2" or "baseline"
  void (*elementwise)(const ElementwiseCall &);
  void (*copy)(const CopyCall &);
  void (*reduceSum)(const ReduceCall &);
  void (*normalize)(const NormalizeCall &);
  void (*normalizeGradient)(const NormalizeGradientCall &);
  void (*normalizeInference)(const NormalizeInferenceCall &);
  void (*maxPool)(const PoolCall &);
  void (*maxPoolGradient)(const PoolGradientCall &);
  void (*avgPool)(const PoolCall &);
  void (*avgPoolGradient)(const PoolGradientCall &);
  void (*adaptiveAvgPool)(const AdaptivePoolCall &);
  void (*adaptiveAvgPoolGradient)(const AdaptivePoolCall &);
  void (*depthwise)(const DepthwiseCall &);
  void (*depthwiseGradient)(const DepthwiseGradientCall &);
  void (*resize)(const ResizeCall &);
  void (*resizeGradient)(const ResizeCall &);
  void (*softmax)(const SoftmaxCall &);
  void (*oneHot)(const OneHotCall &);
  void (*crossEntropy)(const CrossEntropyCall &);
  void (*crossEntropyGradient)(const CrossEntropyCall &);
  void (*lossHead)(const LossHeadCall &);
  void (*lossHeadGradient)(const LossHeadCall &);
  void (*lovasz)(const LovaszCall &);
  /** Zeroes the padding channels of a blocked map. */
  void (*clearPadding)(const FeatureMap &);
};

/**
 * Number of threads that workspaces support: the number of processors at the first call. Plans are created on one thread and
 * run on another, and the number of available processors can change in between.
 */
int64_t workspaceThreads();

/** Workspace of a call, in bytes. */
int64_t reduceWorkspace(const ReduceCall &call);
int64_t lossHeadWorkspace(const LossHeadCall &call);
int64_t lovaszWorkspace(const LovaszCall &call);

/** The kernels for the best instruction set of this processor. */
const Kernels &selectKernels();

}  // namespace faceparse
