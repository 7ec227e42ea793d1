#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace faceparse {

/**
 * The thread that runs programs, one task after the other, and with it the team of OpenMP threads that works for it. JavaScript's own thread
 * stays free meanwhile. Numbers that are all but zero count as zero on these threads (they are slow otherwise);
 * JavaScript's arithmetic is left as it is.
 */
class Executor : public std::enable_shared_from_this<Executor> {
 public:
  Executor(Napi::Env env, int threads);
  ~Executor();
  Executor(const Executor &) = delete;
  Executor &operator=(const Executor &) = delete;

  int threads() const { return threads_; }

  /**
   * Runs `task` on the thread and settles the promise when it has ended: with what `finish` gives, or with an Error of the
   * exception that the task threw. To be called on JavaScript's thread, where `finish` is called too, and before it, also after
   * an exception, `ended`.
   */
  Napi::Promise post(
      Napi::Env env, std::function<void()> task, std::function<Napi::Value(Napi::Env)> finish, std::function<void()> ended = [] {});

 private:
  struct Job {
    std::function<void()> task;
    std::function<Napi::Value(Napi::Env)> finish;
    std::function<void()> ended;
    Napi::Promise::Deferred deferred;
    /** The executor outlives the callbacks that it has under way. */
    std::shared_ptr<Executor> executor;
    std::string error;
  };

  void work();
  /** Waits for the task that is under way, drops the others, and ends the thread; once. */
  void close();
  static void closeWithEnvironment(void *executor);
  void settled(Napi::Env env);

  const napi_env env_;
  const int threads_;
  bool closed_ = false;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::deque<Job *> jobs_;
  bool ending_ = false;
  int pending_ = 0;
  Napi::ThreadSafeFunction toJavaScript_;
  std::thread thread_;
};

/** While it lives, OpenMP regions of the calling thread have so many threads. */
class ThreadCount {
 public:
  explicit ThreadCount(int threads);
  ~ThreadCount();

 private:
  int before_;
};

}  // namespace faceparse
