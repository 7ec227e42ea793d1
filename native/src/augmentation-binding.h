#pragma once

#include <napi.h>

#include "arguments.h"
#include "augmentation.h"

namespace faceparse {

/** The functions that src/native-addon/addon.ts calls AddonAugmentation. They work on the thread that calls them. */
Napi::Object addonAugmentation(Napi::Env env);

/** Reads the arguments of `warpPhoto`: photo, width, height, boxes, mirrored, color, size, out, offset. */
PhotoWarp readPhotoWarp(Arguments &arguments);

}  // namespace faceparse
