// Selects the kernels for the best instruction set that processor and environment allow.
#include <cstdio>
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

enum Level { baselineLevel, avx2Level, avx512Level };

/** The best level that FACEPARSE_NATIVE_ISA (avx512, avx2 or baseline) allows. */
Level allowedLevel() {
  const char *name = std::getenv("FACEPARSE_NATIVE_ISA");
  if (name == nullptr || std::strcmp(name, "avx512") == 0) return avx512Level;
  if (std::strcmp(name, "avx2") == 0) return avx2Level;
  if (std::strcmp(name, "baseline") == 0) return baselineLevel;
  std::fprintf(stderr, "faceparse: FACEPARSE_NATIVE_ISA is %s; it may be avx512, avx2 or baseline\n", name);
  return avx512Level;
}

const Kernels &best() {
  const Level allowed = allowedLevel();
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool avx2Set = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512Set = avx2Set && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (avx512Set && allowed >= avx512Level) return avx512::table;
  if (avx2Set && allowed >= avx2Level) return avx2::table;
#else
  (void)allowed;
#endif
  return baseline::table;
}

}  // namespace

const Kernels &selectKernels() {
  static const Kernels &kernels = best();
  return kernels;
}

}  // namespace faceparse
