// Which bytes of device memory a launch has touched: a bit a byte, for reads and for writes.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "cuda/simt/count/counters.h"

namespace agon::simt {

class Memory;

class Touch {
 public:
  explicit Touch(const Memory& memory);
  ~Touch();
  Touch(const Touch&) = delete;
  Touch& operator=(const Touch&) = delete;

  // Threads may mark at once. Addresses outside the device's range (registered host memory) are passed over.
  void read(std::uint64_t address, std::uint32_t bytes) { mark(read_, address, bytes); }
  void write(std::uint64_t address, std::uint32_t bytes) { mark(written_, address, bytes); }
  // The touched bytes by allocation.
  std::vector<Touched> collect();

 private:
  void mark(std::uint64_t* words, std::uint64_t address, std::uint32_t bytes);

  const Memory& memory_;
  std::uint64_t base_;
  // Reserved for the whole range; pages appear when touched.
  std::uint64_t *read_ = nullptr, *written_ = nullptr;
  std::uint8_t* chunks_ = nullptr;  // by 64 KiB: touched at all
  std::mutex mutex_;
  std::vector<std::uint64_t> touched_chunks_;
};

}  // namespace agon::simt
