#pragma once

#include <napi.h>

namespace faceparse {

/** The functions of pixel-kernels.h for JavaScript; they work on libuv's threads and return promises. */
Napi::Object addonPixels(Napi::Env env);

}  // namespace faceparse
