// The room that the Lovász extension wants; read by lovasz.inl and by workspaces.cc.

/** Threads that can work at once: each sorts a plane of its own, with two lists of 64 bits a pixel. */
static inline int64_t lovaszRooms(const LovaszCall &call) {
  return std::min(workspaceThreads(), call.images * call.classes);
}

static inline int64_t lovaszBytes(const LovaszCall &call) {
  return lovaszRooms(call) * 2 * call.pixels * static_cast<int64_t>(sizeof(uint64_t));
}
