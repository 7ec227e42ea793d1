// The kernels for processors with AVX-512. GCC compiles templates and the bodies of parallel regions at the end of the
// file, so the instruction set stays enabled until there.
#include "kernel-headers.h"

#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
#endif
// GCC before 13 defines these for options only, not for the pragma.
#undef __AVX2__
#define __AVX2__ 1
#undef __FMA__
#define __FMA__ 1
#undef __AVX512F__
#define __AVX512F__ 1
#define KERNEL_NAMESPACE avx512
#define KERNEL_SET_NAME "avx512"
#include "kernel-set.inl"
#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
