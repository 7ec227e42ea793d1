// The kernels for any processor of the architecture that the compiler aims at.
#include "kernel-headers.h"

#define KERNEL_NAMESPACE baseline
#define KERNEL_SET_NAME "baseline"
#include "kernel-set.inl"
