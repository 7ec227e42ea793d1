// The kernels of pixel-kernels.h for processors with AVX2; without FMA, see pixel-kernels.inl. Templates are compiled at the end of the file: the
// instruction set stays switched on up to there.
#include "pixel-kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define PIXEL_NAMESPACE pixels_avx2
#include "pixel-kernels.inl"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
