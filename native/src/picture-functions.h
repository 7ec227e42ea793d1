#pragma once

#include <napi.h>

namespace faceparse {

/** The functions that src/engine/native/addon.ts calls PictureFunctions. They work on the thread that calls them. */
Napi::Object pictureFunctions(Napi::Env env);

}  // namespace faceparse
