// The kernels of augmentation.h for processors with AVX2; without FMA, see augmentation.inl. Templates are compiled at the end of the file: the
// instruction set stays switched on up to there.
#include "augmentation.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define AUGMENTATION_AVX2
#define AUGMENTATION_NAMESPACE augmentation_avx2
#include "augmentation.inl"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
