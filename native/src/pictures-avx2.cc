// The kernels of pictures.h for processors with AVX2; without FMA, see pictures.inl. Templates are compiled at the end of the file: the
// instruction set stays switched on up to there.
#include "pictures.h"

#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

#define PICTURES_AVX2
#define PICTURE_NAMESPACE pictures_avx2
#include "pictures.inl"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
