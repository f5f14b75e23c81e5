// Reductions, scans and sorting on the device against the host.
#include <algorithm>
#include <numeric>

#include "catch.h"
#include "programs.h"

using namespace programs;

// Broken: shuffles, the order of a last-block finish, or atomics on counters.
TEST_CASE("sum over a grid with a last-block finish", "[programs]") {
  for (const int n : {1, 31, 1000, 40000}) {
    const std::vector<float> x = random_floats(static_cast<size_t>(n), 3);
    DeviceArray<float> dx(x), partial(24), total(1);
    DeviceArray<unsigned> counter(1);
    counter.zero();
    float first = 0;
    for (int seed = 0; seed < 3; ++seed) {
      set_seed(seed);
      sum_blocks(dx.data(), n, partial.data(), 24, total.data(), counter.data());
      finish();
      CHECK(counter.host()[0] == 0);
      const float sum = total.host()[0];
      CHECK(sum == Approx(std::accumulate(x.begin(), x.end(), 0.0)).margin(1e-3));
      if (seed == 0) first = sum;
      CHECK(sum == first);  // bit by bit, whatever the order of the blocks
    }
  }
}

// Broken: comparisons, or a tree in shared memory.
TEST_CASE("index of the minimum", "[programs]") {
  for (const int n : {1, 100, 5000}) {
    std::vector<float> x = random_floats(static_cast<size_t>(n), 5);
    for (float& v : x) v = std::round(v * 50);  // with ties
    DeviceArray<float> dx(x);
    DeviceArray<int> index(1);
    minimum_index(dx.data(), n, index.data());
    finish();
    CHECK(index.host()[0] == std::min_element(x.begin(), x.end()) - x.begin());
  }
}

// Broken: atomics in shared or global memory lose counts.
TEST_CASE("histogram", "[programs]") {
  const int bins = 37;
  const std::vector<int> x = random_ints(10000, 7, 0, bins - 1);
  DeviceArray<int> dx(x);
  DeviceArray<unsigned> counts(bins);
  counts.zero();
  histogram(dx.data(), static_cast<int>(x.size()), counts.data(), bins);
  finish();
  std::vector<unsigned> expected(bins);
  for (const int v : x) ++expected[static_cast<size_t>(v)];
  CHECK(counts.host() == expected);
}

// Broken: ballots, or one lane's result given to the others.
TEST_CASE("compaction and grouping by votes", "[programs]") {
  const std::vector<int> x = random_ints(3000, 9, 0, 20);
  const int n = static_cast<int>(x.size());
  DeviceArray<int> dx(x), kept(x.size()), count(1), totals(21);
  kept.zero();
  count.zero();
  totals.zero();
  compact(dx.data(), n, kept.data(), count.data());
  group_counts(dx.data(), n, totals.data());
  finish();
  std::vector<int> expected, found = kept.host(), groups(21);
  for (const int v : x) {
    if (v % 2 == 0) expected.push_back(v);
    ++groups[static_cast<size_t>(v)];
  }
  found.resize(static_cast<size_t>(count.host()[0]));
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  CHECK(found == expected);
  CHECK(totals.host() == groups);
}

// Broken: 64-bit registers and shared memory of doubles.
TEST_CASE("sum of doubles", "[programs]") {
  std::vector<double> x(777);
  for (size_t i = 0; i < x.size(); ++i) x[i] = 1.0 / static_cast<double>(i + 1);
  DeviceArray<double> dx(x), total(1);
  sum_doubles(dx.data(), static_cast<int>(x.size()), total.data());
  finish();
  CHECK(total.host()[0] == Approx(std::accumulate(x.begin(), x.end(), 0.0)).epsilon(1e-14));
}

// Broken: shuffles upwards, or the order between launches of one stream.
TEST_CASE("inclusive scan over many blocks", "[programs]") {
  for (const int n : {1, 256, 257, 20000}) {
    const std::vector<int> x = random_ints(static_cast<size_t>(n), 11, -9, 9);
    DeviceArray<int> dx(x), y(x.size()), sums(static_cast<size_t>((n + 255) / 256));
    scan(dx.data(), n, y.data(), sums.data());
    finish();
    std::vector<int> expected(x.size());
    std::partial_sum(x.begin(), x.end(), expected.begin());
    CHECK(y.host() == expected);
  }
}

// Broken: loops whose lanes and warps run a different number of times.
TEST_CASE("segmented sums", "[programs]") {
  std::vector<int> starts{0};
  for (const int length : random_ints(50, 13, 0, 90)) starts.push_back(starts.back() + length);
  const std::vector<float> x = random_floats(static_cast<size_t>(starts.back()), 15);
  DeviceArray<float> dx(x), sums(50);
  DeviceArray<int> ds(starts);
  segmented_sum(dx.data(), ds.data(), 50, sums.data());
  finish();
  const std::vector<float> found = sums.host();
  for (size_t s = 0; s < 50; ++s)
    CHECK(found[s] ==
          Approx(std::accumulate(x.begin() + starts[s], x.begin() + starts[s + 1], 0.0)).margin(1e-4));
}

// Broken: barriers in nested loops, or exchanges in shared memory.
TEST_CASE("bitonic sort of a block", "[programs]") {
  for (const int n : {2, 64, 1024}) {
    std::vector<int> x = random_ints(static_cast<size_t>(n), 17, -1000, 1000);
    DeviceArray<int> dx(x);
    sort_block(dx.data(), n);
    finish();
    std::sort(x.begin(), x.end());
    CHECK(dx.host() == x);
  }
}
