// A mutex for work that takes microseconds: whoever waits looks again for a while before it sleeps,
// as going to sleep and waking up cost more than the work.
#pragma once

#include <mutex>

namespace cvm {

class SpinningMutex {
 public:
  void lock() {
    for (int i = 0; i < rounds; ++i) {
      if (mutex_.try_lock()) return;
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
    mutex_.lock();
  }
  bool try_lock() { return mutex_.try_lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  static constexpr int rounds = 200;  // About 10 us.

  std::mutex mutex_;
};

}  // namespace cvm
