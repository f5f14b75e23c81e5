// The full check of an access, thread by thread and word by word: for what the vector code does not pass.
#pragma once

#include <cstdint>

#include "cuda/simt/check/fast.h"
#include "cuda/simt/check/launch.h"

namespace agon::simt {

enum class WordSpace : std::uint8_t { shared, global };

// One thread's place in time.
struct Actor {
  LaunchChecker& launch;
  LaunchChecker::State& state;
  const BlockOrder& order;
  std::uint64_t block;
  std::uint32_t thread;
  std::uint32_t pc;
};

// What an access does to a word.
enum class Deed : std::uint8_t { read, matrix_read, strong_read, write, strong_write, atomic, async_issue };

// `count` bytes at `address` (a device address, or an offset in shared memory). False: not there, reported.
bool check_words(const Actor& actor, const fast::View& view, WordSpace space, Deed deed,
                 std::uint64_t address, std::uint32_t count);

}  // namespace agon::simt
