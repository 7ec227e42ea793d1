// All kernels, compiled for one instruction set, and their table. KERNEL_NAMESPACE and KERNEL_SET_NAME are set.

namespace faceparse {
namespace KERNEL_NAMESPACE {

#include "vector-math.inl"
#include "activations.inl"
#include "elementwise.inl"
#include "copy.inl"
#include "reduce.inl"
#include "classify.inl"
#include "loss-head.inl"
#include "lovasz.inl"
#include "feature-map.inl"
#include "normalize-parts.inl"
#include "normalize.inl"
#include "normalize-gradient.inl"
#include "pool.inl"
#include "depthwise.inl"
#include "resize.inl"

extern const Kernels table;
const Kernels table = {
    KERNEL_SET_NAME,
    elementwise,
    copy,
    reduceSum,
    normalize,
    normalizeGradient,
    normalizeInference,
    maxPool,
    maxPoolGradient,
    avgPool,
    avgPoolGradient,
    adaptiveAvgPool,
    adaptiveAvgPoolGradient,
    depthwise,
    depthwiseGradient,
    resize,
    resizeGradient,
    softmax,
    oneHot,
    crossEntropy,
    crossEntropyGradient,
    lossHead,
    lossHeadGradient,
    lovasz,
    clearPadding,
};

}  // namespace KERNEL_NAMESPACE
}  // namespace faceparse
