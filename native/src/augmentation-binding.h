#pragma once

#include <napi.h>

#include "arguments.h"
#include "augmentation.h"

namespace faceparse {

/** The functions that src/native-addon/addon.ts calls AddonAugmentation. They work on the thread that calls them. */
Napi::Object addonAugmentation(Napi::Env env);

/** Pixels of one byte per channel. */
struct Source {
  Elements<uint8_t> data;
  int32_t width, height;
};

/** Reads an image and its size: data, width, height. */
Source readSource(Arguments &arguments, const char *name, int64_t channels);

/** Reads the arguments of `warpPhoto`: photo, width, height, boxes, mirrored, color, size, out, offset. */
PhotoWarp readPhotoWarp(Arguments &arguments);

}  // namespace faceparse
