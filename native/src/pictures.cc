// The kernels of pictures.h for any processor of the architecture that the compiler aims at, and the choice between the sets.
#include "pictures.h"

#include "kernels/kernels.h"

#define PICTURE_NAMESPACE pictures_baseline
#include "pictures.inl"

#if defined(__x86_64__)
#include <cstring>

namespace faceparse {
namespace pictures_avx2 {
extern const PictureKernels table;
}
}  // namespace faceparse
#endif

const faceparse::PictureKernels &faceparse::selectPictureKernels() {
#if defined(__x86_64__)
  // The other sets ask for more than AVX2.
  if (std::strcmp(selectKernels().name, "baseline") != 0) return pictures_avx2::table;
#endif
  return pictures_baseline::table;
}
