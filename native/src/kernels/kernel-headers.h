// Headers of the kernels of every instruction set. They are included before the compiler switches to that instruction set,
// because functions of the standard library must not be compiled for it.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "kernels.h"
