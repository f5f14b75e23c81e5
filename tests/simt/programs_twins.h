#pragma once
#include <cstdint>
#include <vector>

/// Algorithms written once and compiled for host and device: with the same seed both must give the same word,
/// bit by bit. Each thread runs another seed, so that lanes part and meet in every way.
namespace programs {

struct Twin {
  const char* name;
  uint64_t (*host)(uint32_t seed);
  void (*device)(uint64_t* results, int n);  ///< seeds 0 .. n-1
};

std::vector<Twin> twins();

}  // namespace programs
