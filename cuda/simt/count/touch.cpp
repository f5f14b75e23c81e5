#include "cuda/simt/count/touch.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <sys/mman.h>

#include "agon/error.h"

#include "cuda/simt/check/memory.h"

namespace agon::simt {

namespace {

constexpr std::uint64_t chunk_bits = 16;
constexpr std::uint64_t allocation_grain = 256;  // where allocations start

void* reserve(std::uint64_t bytes) {
  void* memory =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(memory != MAP_FAILED, ErrorKind::io,
        "simulated device: cannot reserve {} GiB of addresses for its counters: raise the limit of virtual "
        "memory (ulimit -v)",
        bytes >> 30);
  return memory;
}

std::uint64_t bits_between(std::uint64_t first, std::uint64_t last) {  // [first, last) of 64
  const std::uint64_t below = last == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << last) - 1;
  return below & (~std::uint64_t{0} << first);
}

std::uint64_t count_bits(const std::uint64_t* words, std::uint64_t first, std::uint64_t last) {
  std::uint64_t count = 0;
  while (first < last) {
    const std::uint64_t word_start = first & ~std::uint64_t{63}, end = std::min(last, word_start + 64);
    const std::uint64_t bits = words[first / 64] & bits_between(first - word_start, end - word_start);
    count += static_cast<std::uint64_t>(std::popcount(bits));
    first = end;
  }
  return count;
}

}  // namespace

Touch::Touch(const Memory& memory) : memory_(memory), base_(memory.base()) {
  read_ = static_cast<std::uint64_t*>(reserve(Memory::range_bytes / 8));
  written_ = static_cast<std::uint64_t*>(reserve(Memory::range_bytes / 8));
  chunks_ = static_cast<std::uint8_t*>(reserve(Memory::range_bytes >> chunk_bits));
}
Touch::~Touch() {
  munmap(read_, Memory::range_bytes / 8);
  munmap(written_, Memory::range_bytes / 8);
  munmap(chunks_, Memory::range_bytes >> chunk_bits);
}

void Touch::mark(std::uint64_t* words, std::uint64_t address, std::uint32_t bytes) {
  std::uint64_t first = address - base_;
  if (first >= Memory::range_bytes) return;
  const std::uint64_t last = first + bytes;
  for (std::uint64_t chunk = first >> chunk_bits; chunk <= (last - 1) >> chunk_bits; ++chunk) {
    std::atomic_ref seen(chunks_[chunk]);
    if (seen.load(std::memory_order_relaxed) || seen.exchange(1, std::memory_order_relaxed)) continue;
    const std::lock_guard lock(mutex_);
    touched_chunks_.push_back(chunk);
  }
  while (first < last) {
    const std::uint64_t word_start = first & ~std::uint64_t{63}, end = std::min(last, word_start + 64);
    const std::uint64_t bits = bits_between(first - word_start, end - word_start);
    std::atomic_ref word(words[first / 64]);
    if ((word.load(std::memory_order_relaxed) & bits) != bits) word.fetch_or(bits, std::memory_order_relaxed);
    first = end;
  }
}

std::vector<Touched> Touch::collect() {
  std::sort(touched_chunks_.begin(), touched_chunks_.end());
  std::vector<Touched> all;
  for (const std::uint64_t chunk : touched_chunks_) {
    const std::uint64_t end = (chunk + 1) << chunk_bits;
    for (std::uint64_t at = chunk << chunk_bits; at < end;) {
      const std::optional<Allocation> allocation = memory_.find(base_ + at);
      if (!allocation) {
        at += allocation_grain;
        continue;
      }
      const std::uint64_t last = std::min(allocation->address - base_ + allocation->bytes, end);
      if (all.empty() || all.back().address != allocation->address)
        all.push_back({allocation->address, allocation->bytes, 0, 0});
      all.back().read += count_bits(read_, at, last);
      all.back().written += count_bits(written_, at, last);
      at = (last + allocation_grain - 1) & ~(allocation_grain - 1);
    }
  }
  std::erase_if(all, [](const Touched& touched) { return !touched.read && !touched.written; });
  return all;
}

}  // namespace agon::simt
