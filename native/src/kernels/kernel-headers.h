// What the kernels of every instruction set need, included before the compiler is switched to that instruction set: functions
// of the standard library must not be compiled for it.
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
