#include <cstdlib>
#include <cstring>

#include "kernels.h"

namespace faceparse {

namespace avx512 {
extern const Kernels table;
}
namespace avx2 {
extern const Kernels table;
}
namespace baseline {
extern const Kernels table;
}

namespace {

/** Whether FACEPARSE_NATIVE_ISA (avx512, avx2 or baseline) allows this set: it names the best one to use. */
bool allowed(int level) {
  const char *limit = std::getenv("FACEPARSE_NATIVE_ISA");
  if (limit == nullptr) return true;
  if (std::strcmp(limit, "baseline") == 0) return level <= 0;
  if (std::strcmp(limit, "avx2") == 0) return level <= 1;
  return true;
}

const Kernels &best() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2Set = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512Set = avx2Set && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512Set && allowed(2)) return avx512::table;
  if (avx2Set && allowed(1)) return avx2::table;
#endif
  return baseline::table;
}

}  // namespace

const Kernels &selectKernels() {
  static const Kernels &kernels = best();
  return kernels;
}

}  // namespace faceparse
