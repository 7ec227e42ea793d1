// The kernels of augmentation.h for any processor of the target architecture, and the choice between the sets.
#include "augmentation.h"

#include "kernels/kernels.h"

#define AUGMENTATION_NAMESPACE augmentation_baseline
#include "augmentation.inl"

#if defined(__x86_64__)
#include <cstring>

namespace faceparse {
namespace augmentation_avx2 {
extern const AugmentationKernelSet table;
}
}  // namespace faceparse
#endif

const faceparse::AugmentationKernelSet &faceparse::selectAugmentationKernels() {
#if defined(__x86_64__)
  // The other sets require more than AVX2.
  if (std::strcmp(selectKernels().name, "baseline") != 0) return augmentation_avx2::table;
#endif
  return augmentation_baseline::table;
}
