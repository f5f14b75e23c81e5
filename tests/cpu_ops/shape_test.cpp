#include "backend/cpu/kernels/shape.h"

#include <random>

#include "catch.h"
#include "naive.h"

using namespace agon;
using cpu::Strides;

namespace {

/// Copies by the kernel and by the naive loop into arrays of equal filling, and compares all of them.
bool copies_right(const Shape& extents, const Strides& source, const Strides& target, unsigned seed) {
  const auto x = naive::normals(naive::span(extents, source), seed);
  std::vector<float> y(naive::span(extents, target), -7.0f), expected = y;
  naive::for_each(extents, [&](const naive::Index& index) {
    expected[naive::offset(index, target)] = x[naive::offset(index, source)];
  });
  cpu::CopyKernel(extents, source, target).run(x.data(), y.data());
  return y == expected;
}

/// Strides by axis of a row-major array of `extents` permuted, each grown by `padding`.
Strides permuted(const Shape& extents, const std::vector<int>& order, int64_t padding) {
  Strides strides{};
  int64_t step = 1;
  for (size_t i = order.size(); i-- > 0;) {
    strides[static_cast<size_t>(order[i])] = step;
    step *= extents[order[i]] + padding;
  }
  return strides;
}

}  // namespace

// Were an axis or a tile's edge mixed up, transposed tensors would be scrambled.
TEST_CASE("boxes are copied between arrays of any strides") {
  std::mt19937 engine(3);
  constexpr int64_t sizes[] = {1, 2, 3, 7, 8, 9, 16, 19, 65};
  for (unsigned seed = 0; seed < 300; ++seed) {
    Shape extents;
    const int rank = 1 + static_cast<int>(engine() % 6);
    std::vector<int> order;
    for (int axis = 0; axis < rank; ++axis) {
      extents.push_back(sizes[engine() % std::size(sizes)]);
      order.push_back(axis);
    }
    if (extents.numel() > 100000) continue;
    std::shuffle(order.begin(), order.end(), engine);
    Strides source = permuted(extents, order, engine() % 3 == 0 ? 1 : 0);
    if (engine() % 3 == 0) source[engine() % static_cast<unsigned>(rank)] = 0;
    std::shuffle(order.begin(), order.end(), engine);
    const Strides target = permuted(extents, order, engine() % 3 == 0 ? 2 : 0);
    INFO("seed " << seed << " extents " << extents.str());
    CHECK(copies_right(extents, source, target, seed));
  }
}

// Were work of large copies dealt out with gaps, images would lose rows.
TEST_CASE("large copies cover everything") {
  const Shape image{5, 67, 300};
  CHECK(copies_right(image, cpu::row_major(image), permuted(image, {0, 2, 1}, 0), 1));
  CHECK(copies_right({130, 515}, {1, 130}, {515, 1}, 2));
  CHECK(copies_right({100000}, {2}, {1}, 3));
  CHECK(copies_right({3, 50000}, {0, 1}, {50000, 1}, 4));
  CHECK(copies_right({70000, 3}, {1, 0}, {3, 1}, 5));
}

// Were blocked reorders wrong, convolutions would see other channels.
TEST_CASE("blocked layout holds groups of 16 channels") {
  for (int64_t pixels : {1, 6, 1025})
    for (int64_t channels : {16, 48, 512}) {
      constexpr int64_t images = 3;
      const auto x = naive::normals(static_cast<size_t>(images * pixels * channels), 5);
      std::vector<float> y(x.size()), back(x.size());
      cpu::to_blocked(x.data(), images, pixels, channels, y.data());
      size_t wrong = 0;
      for (int64_t n = 0; n < images; ++n)
        for (int64_t p = 0; p < pixels; ++p)
          for (int64_t c = 0; c < channels; ++c)
            wrong += x[static_cast<size_t>((n * pixels + p) * channels + c)] !=
                     y[static_cast<size_t>(((n * channels / 16 + c / 16) * pixels + p) * 16 + c % 16)];
      CHECK(wrong == 0);
      cpu::from_blocked(y.data(), images, pixels, channels, back.data());
      CHECK(back == x);
    }
}

// Were the fill cut wrongly, constants would keep old memory.
TEST_CASE("fill writes every element and no more") {
  std::vector<float> y(100001, 1.0f);
  cpu::fill(y.data(), 100000, 2.5f);
  CHECK(std::ranges::count(y, 2.5f) == 100000);
  CHECK(y.back() == 1.0f);
}
