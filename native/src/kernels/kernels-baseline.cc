// The kernels for any processor of the target architecture.
#include "kernel-headers.h"

#define KERNEL_NAMESPACE baseline
#define KERNEL_SET_NAME "baseline"
#include "kernel-set.inl"
