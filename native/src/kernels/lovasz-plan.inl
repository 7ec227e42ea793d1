// The workspace of the Lovász extension; used by lovasz.inl and workspaces.cc.

/** Number of threads that can work at once: each sorts one plane, with two lists of 64 bits per pixel. */
static inline int64_t lovaszRooms(const LovaszCall &call) {
  return std::min(workspaceThreads(), call.images * call.classes);
}

static inline int64_t lovaszBytes(const LovaszCall &call) {
  return lovaszRooms(call) * 2 * call.pixels * static_cast<int64_t>(sizeof(uint64_t));
}
