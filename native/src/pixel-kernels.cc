// The kernels of pixel-kernels.h for any processor of the target architecture, and the choice between the sets.
#include "pixel-kernels.h"

#include "kernels/kernels.h"

#define PIXEL_NAMESPACE pixels_baseline
#include "pixel-kernels.inl"

#if defined(__x86_64__)
#include <cstring>

namespace faceparse {
namespace pixels_avx2 {
extern const PixelKernelSet table;
}
}  // namespace faceparse
#endif

const faceparse::PixelKernelSet &faceparse::selectPixelKernels() {
#if defined(__x86_64__)
  // The other sets require more than AVX2.
  if (std::strcmp(selectKernels().name, "baseline") != 0) return pixels_avx2::table;
#endif
  return pixels_baseline::table;
}
