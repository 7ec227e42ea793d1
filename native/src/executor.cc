#include "executor.h"

#include <omp.h>

#include <exception>
#include <memory>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace faceparse {

namespace {

/** Treats numbers below 1e-38 as zero on the calling thread. */
void flushDenormals() {
#if defined(__x86_64__)
  _mm_setcsr(_mm_getcsr() | 0x8040);
#elif defined(__aarch64__)
  uint64_t control;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  asm volatile("msr fpcr, %0" : : "r"(control | (uint64_t{1} << 24)));
#endif
}

}  // namespace

ThreadCount::ThreadCount(int threads) : before_(omp_get_max_threads()) { omp_set_num_threads(threads); }
ThreadCount::~ThreadCount() { omp_set_num_threads(before_); }

Executor::Executor(Napi::Env env, int threads) : env_(env), threads_(threads) {
  // The function is never called: every call brings its own callback.
  toJavaScript_ = Napi::ThreadSafeFunction::New(
      env, Napi::Function::New(env, [](const Napi::CallbackInfo &) {}), "faceparse native engine", 0, 1);
  // An engine that has nothing to do does not keep the process alive.
  toJavaScript_.Unref(env);
  thread_ = std::thread([this] { work(); });
  // When a process or a worker ends, the thread has to end before Node takes the function apart: hooks run last come, first served.
  napi_add_env_cleanup_hook(env, closeWithEnvironment, this);
}

void Executor::closeWithEnvironment(void *executor) { static_cast<Executor *>(executor)->close(); }

Executor::~Executor() {
  if (closed_) return;
  napi_remove_env_cleanup_hook(env_, closeWithEnvironment, this);
  close();
}

void Executor::close() {
  closed_ = true;
  {
    std::lock_guard<std::mutex> lock(mutex_);
    ending_ = true;
  }
  ready_.notify_one();
  thread_.join();
  for (Job *job : jobs_) {
    // The job's own reference must not destroy the executor here.
    const auto self = std::move(job->executor);
    delete job;
  }
  jobs_.clear();
  toJavaScript_.Release();
}

Napi::Promise Executor::post(Napi::Env env, std::function<void()> task, std::function<Napi::Value(Napi::Env)> finish, std::function<void()> ended) {
  auto *job = new Job{std::move(task), std::move(finish), std::move(ended), Napi::Promise::Deferred::New(env), shared_from_this(), {}};
  const Napi::Promise promise = job->deferred.Promise();
  if (pending_++ == 0) toJavaScript_.Ref(env);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(job);
  }
  ready_.notify_one();
  return promise;
}

void Executor::settled(Napi::Env env) {
  if (--pending_ == 0) toJavaScript_.Unref(env);
}

void Executor::work() {
  omp_set_num_threads(threads_);
  flushDenormals();
#pragma omp parallel
  flushDenormals();
  while (true) {
    Job *job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      ready_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
      if (ending_) return;
      job = jobs_.front();
      jobs_.pop_front();
    }
    try {
      job->task();
    } catch (const std::exception &error) {
      job->error = error.what();
      if (job->error.empty()) job->error = "the native engine failed without a message";
    }
    // The task's captures go before JavaScript hears of its end, on the thread that used them.
    job->task = nullptr;
    toJavaScript_.NonBlockingCall(job, [](Napi::Env env, Napi::Function, Job *done) {
      const std::unique_ptr<Job> owned(done);
      Napi::HandleScope scope(env);
      owned->executor->settled(env);
      owned->ended();
      if (!owned->error.empty()) {
        owned->deferred.Reject(Napi::Error::New(env, owned->error).Value());
        return;
      }
      try {
        owned->deferred.Resolve(owned->finish(env));
      } catch (const Napi::Error &error) {
        owned->deferred.Reject(error.Value());
      } catch (const std::exception &error) {
        owned->deferred.Reject(Napi::Error::New(env, error.what()).Value());
      }
    });
  }
}

}  // namespace faceparse
