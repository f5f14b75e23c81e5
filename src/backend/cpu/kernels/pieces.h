#pragma once
#include <algorithm>

#include "backend/cpu/kernels/parallel.h"

namespace agon::cpu {

/// How samples that are treated one by one are dealt out to threads: whole, or where there are fewer samples
/// than threads in equal pieces of a sample.
struct Pieces {
  int64_t samples, size, each;  ///< each: pieces of a sample

  Pieces(int64_t sample_count, int64_t sample_size)
      : samples(sample_count),
        size(sample_size),
        each(std::clamp<int64_t>(max_threads() / sample_count, 1, sample_size)) {}

  int64_t count() const { return samples * each; }
  int64_t sample(int64_t piece) const { return piece / each; }
  /// Within the sample.
  int64_t begin(int64_t piece) const { return size * (piece % each) / each; }
  int64_t end(int64_t piece) const { return size * (piece % each + 1) / each; }

  /// first(piece) for all, then second(piece), which may read what `first` made of any piece of its sample.
  template <class First, class Second>
  void in_two_passes(const First& first, const Second& second) const {
    if (each == 1) {  // the second pass finds the sample in the cache
      parallel_ranges(samples, 1, [&](int64_t lo, int64_t hi, int) {
        for (int64_t piece = lo; piece < hi; ++piece) first(piece), second(piece);
      });
      return;
    }
    parallel_ranges(count(), 1, [&](int64_t lo, int64_t hi, int) {
      for (int64_t piece = lo; piece < hi; ++piece) first(piece);
    });
    parallel_ranges(count(), 1, [&](int64_t lo, int64_t hi, int) {
      for (int64_t piece = lo; piece < hi; ++piece) second(piece);
    });
  }
};

}  // namespace agon::cpu
