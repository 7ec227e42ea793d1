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
 * The thread that runs programs, one task after another, and its team of OpenMP threads. The JavaScript thread stays free
 * meanwhile. These threads flush denormal numbers to zero, which are slow otherwise; the arithmetic of JavaScript is not
 * affected.
 */
class Executor : public std::enable_shared_from_this<Executor> {
 public:
  Executor(Napi::Env env, int threads);
  ~Executor();
  Executor(const Executor &) = delete;
  Executor &operator=(const Executor &) = delete;

  int threads() const { return threads_; }

  /**
   * Runs `task` on the thread and settles the promise when it ends: with the result of `finish`, or with an Error for the
   * exception that the task threw. Must be called on the JavaScript thread. `ended` (also after an exception) and then `finish`
   * are called on that thread too.
   */
  Napi::Promise post(
      Napi::Env env, std::function<void()> task, std::function<Napi::Value(Napi::Env)> finish, std::function<void()> ended = [] {});

 private:
  struct Job {
    std::function<void()> task;
    std::function<Napi::Value(Napi::Env)> finish;
    std::function<void()> ended;
    Napi::Promise::Deferred deferred;
    /** The executor outlives its pending callbacks. */
    std::shared_ptr<Executor> executor;
    std::string error;
  };

  void work();
  /** Waits for the running task, drops the others and ends the thread; once. */
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

/** During its lifetime, OpenMP regions of the calling thread use this many threads. */
class ThreadCount {
 public:
  explicit ThreadCount(int threads);
  ~ThreadCount();

 private:
  int before_;
};

}  // namespace faceparse
