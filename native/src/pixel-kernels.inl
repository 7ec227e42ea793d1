// The kernels of pixel-kernels.h, compiled once for each instruction set (PIXEL_NAMESPACE). They must not use standard library functions that
// generate code, because the linker might use this file's copy where it must run on every processor.
//
// Multiplications and additions are not fused, because fused operations round differently from JavaScript. The x86 sets are chosen without FMA;
// elsewhere a compiler setting ensures this.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif !defined(__x86_64__)
#pragma GCC optimize("fp-contract=off")
#endif
#pragma GCC diagnostic ignored "-Wpsabi"

namespace faceparse {
namespace PIXEL_NAMESPACE {

namespace {

using Doubles = double __attribute__((vector_size(32)));
using Floats = float __attribute__((vector_size(16)));
using Integers = int32_t __attribute__((vector_size(16)));
using UnsignedIntegers = uint32_t __attribute__((vector_size(16)));
using Longs = int64_t __attribute__((vector_size(32)));
using Bytes = uint8_t __attribute__((vector_size(4)));
/** The bits of a float. */
using FloatBits = int32_t __attribute__((may_alias));

template <typename Vector, typename Value>
inline Vector load(const Value *from) {
  Vector vector;
  __builtin_memcpy(&vector, from, sizeof vector);
  return vector;
}

template <typename Vector, typename Value>
inline void store(Value *to, const Vector &vector) {
  __builtin_memcpy(to, &vector, sizeof vector);
}

#include "pixel-argmax.inl"
#include "pixel-input.inl"
#include "pixel-probabilities.inl"

}  // namespace

extern const PixelKernelSet table;
const PixelKernelSet table = {argmax, addProbabilities, meanLogarithms, photoToInput, blockMeans};

}  // namespace PIXEL_NAMESPACE
}  // namespace faceparse
