#pragma once

#include <napi.h>

namespace faceparse {

/** The functions that src/native-addon/addon.ts calls AddonAugmentation. They work on the thread that calls them. */
Napi::Object addonAugmentation(Napi::Env env);

}  // namespace faceparse
