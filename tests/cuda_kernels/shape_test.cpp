#include "cuda/kernels/shape.h"

#include <numeric>

#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;

namespace {

struct Problem {
  const char* name;
  std::vector<int64_t> extents, src_strides, dst_strides;
};

int64_t numel(const std::vector<int64_t>& extents) {
  return std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>());
}

std::vector<int64_t> row_major(const std::vector<int64_t>& extents) {
  std::vector<int64_t> strides(extents.size(), 1);
  for (size_t i = extents.size(); i-- > 1;) strides[i - 1] = strides[i] * extents[i];
  return strides;
}

/// dst = transpose(src, axes) in the terms of the copy.
Problem permutation(const char* name, const std::vector<int64_t>& extents, const std::vector<int>& axes) {
  Problem p{name, {}, {}, {}};
  const auto strides = row_major(extents);
  for (const int axis : axes) {
    p.extents.push_back(extents[static_cast<size_t>(axis)]);
    p.src_strides.push_back(strides[static_cast<size_t>(axis)]);
  }
  p.dst_strides = row_major(p.extents);
  return p;
}

int64_t last(const std::vector<int64_t>& extents, const std::vector<int64_t>& strides) {
  int64_t at = 0;
  for (size_t i = 0; i < extents.size(); ++i) at += (extents[i] - 1) * strides[i];
  return at;
}

/// Copies elements of type T and compares all of dst, places that are not written included.
template <class T>
int run(const Problem& p, size_t offset, int instance) {
  std::vector<T> src(static_cast<size_t>(last(p.extents, p.src_strides) + 1)),
      want(static_cast<size_t>(last(p.extents, p.dst_strides) + 1), T{99});
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<T>(i * 7 + 1);
  const Device<T> from(src, offset), to(want, offset);
  cuda::CopyArgs args;
  args.src = from.get();
  args.dst = to.get();
  args.element_size = sizeof(T);
  args.rank = static_cast<int>(p.extents.size());
  std::copy(p.extents.begin(), p.extents.end(), args.extents);
  std::copy(p.src_strides.begin(), p.src_strides.end(), args.src_strides);
  std::copy(p.dst_strides.begin(), p.dst_strides.end(), args.dst_strides);
  args.instance = instance;
  const int ran = cuda::copy_instance(args);
  if (ran < 0) return ran;
  succeed(cuda::launch_copy(args, nullptr));
  for (int64_t i = 0; i < numel(p.extents); ++i) {
    int64_t rest = i, at = 0, out = 0;
    for (size_t axis = p.extents.size(); axis-- > 0; rest /= p.extents[axis]) {
      at += rest % p.extents[axis] * p.src_strides[axis];
      out += rest % p.extents[axis] * p.dst_strides[axis];
    }
    want[static_cast<size_t>(out)] = src[static_cast<size_t>(at)];
  }
  CHECK(to.read() == want);
  return ran;
}

}  // namespace

// An element copied to another place, or outside of the tensor, by rows or by tiles.
TEST_CASE("strided copies", "[cuda]") {
  if (!have_device("strided copies")) return;
  const std::vector<Problem> problems = {{"scalar", {}, {}, {}},
                                         {"flat", {1000}, {1}, {1}},
                                         {"flat odd", {1001}, {1}, {1}},
                                         {"slice of rows", {7, 5, 12}, {240, 24, 1}, {60, 12, 1}},
                                         {"slice, odd", {3, 5, 7}, {143, 13, 1}, {35, 7, 1}},
                                         {"part of a concatenation", {6, 8}, {8, 1}, {20, 1}},
                                         {"every other", {50}, {2}, {3}},
                                         {"broadcast", {6, 5, 8}, {0, 1, 0}, {40, 8, 1}},
                                         {"broadcast rows", {6, 40}, {0, 1}, {40, 1}},
                                         permutation("transpose", {64, 96}, {1, 0}),
                                         permutation("transpose, odd", {37, 61}, {1, 0}),
                                         permutation("tall transpose", {1000, 3}, {1, 0}),
                                         permutation("wide transpose", {3, 1000}, {1, 0}),
                                         permutation("NHWC to NCHW", {2, 9, 7, 5}, {0, 3, 1, 2}),
                                         permutation("NCHW to NHWC", {2, 33, 8, 8}, {0, 2, 3, 1}),
                                         permutation("rotation", {5, 6, 7, 8}, {2, 0, 3, 1}),
                                         permutation("reversal", {3, 4, 5, 2, 3, 4}, {5, 4, 3, 2, 1, 0}),
                                         permutation("rows stay", {6, 5, 16}, {1, 0, 2}),
                                         permutation("pixel shuffle", {6, 5, 16, 2, 2}, {0, 3, 1, 4, 2}),
                                         permutation("pixel unshuffle", {6, 2, 5, 2, 16}, {0, 2, 4, 1, 3}),
                                         permutation("pixel shuffle by 3", {4, 3, 5, 3, 3}, {0, 3, 1, 4, 2})};
  Seen seen;
  for (const Problem& p : problems)
    for (const size_t offset : {size_t{0}, size_t{1}}) {
      INFO(p.name << " offset " << offset);
      seen.add(run<uint8_t>(p, offset, -1));
      seen.add(run<uint16_t>(p, offset, -1));
      seen.add(run<float>(p, offset, -1));
      seen.add(run<int64_t>(p, offset, -1));
      const int instance = run<float>(p, offset, 2);  // rows of single floats can copy anything
      CHECK(instance == 2);
    }
  CHECK(run<float>(problems[9], 0, -1) == 7);
  CHECK(run<float>(problems[1], 0, -1) == 4);
  seen.require_all(cuda::copy_instances());
}

namespace {

struct Padding {
  std::vector<int64_t> src, lo, extents;
};

template <class T>
void check_padding(const Padding& p, size_t offset) {
  std::vector<T> src(static_cast<size_t>(numel(p.src))), want(static_cast<size_t>(numel(p.extents)));
  for (size_t i = 0; i < src.size(); ++i) src[i] = static_cast<T>(i * 7 + 1);
  const Device<T> from(src, offset), to(want.size(), offset);
  cuda::PadArgs args;
  args.src = from.get();
  args.dst = to.get();
  args.element_size = sizeof(T);
  args.rank = static_cast<int>(p.src.size());
  std::copy(p.src.begin(), p.src.end(), args.src_extents);
  std::copy(p.lo.begin(), p.lo.end(), args.lo);
  std::copy(p.extents.begin(), p.extents.end(), args.extents);
  succeed(cuda::launch_pad(args, nullptr));
  const auto strides = row_major(p.extents);
  for (int64_t i = 0; i < numel(p.src); ++i) {
    int64_t rest = i, at = 0;
    for (size_t axis = p.src.size(); axis-- > 0; rest /= p.src[axis])
      at += (rest % p.src[axis] + p.lo[axis]) * strides[axis];
    want[static_cast<size_t>(at)] = src[static_cast<size_t>(i)];
  }
  CHECK(to.read() == want);
}

}  // namespace

// Padding that shifts, or leaves what is not zero.
TEST_CASE("padding with zeros", "[cuda]") {
  if (!have_device("padding")) return;
  const std::vector<Padding> problems = {{{5}, {2}, {9}},
                                         {{2, 3, 4, 8}, {0, 1, 2, 0}, {2, 5, 7, 8}},
                                         {{2, 3, 4, 6}, {0, 1, 2, 2}, {2, 5, 7, 10}},
                                         {{2, 3, 4, 3}, {0, 1, 0, 2}, {3, 4, 5, 7}},
                                         {{1, 1}, {0, 0}, {1, 1}},
                                         {{3, 0}, {0, 1}, {4, 2}}};
  for (const Padding& p : problems)
    for (const size_t offset : {size_t{0}, size_t{1}}) {
      check_padding<uint8_t>(p, offset);
      check_padding<uint16_t>(p, offset);
      check_padding<float>(p, offset);
      check_padding<int64_t>(p, offset);
    }
}

// A fill that stops early or rounds wrongly.
TEST_CASE("filling with a value", "[cuda]") {
  if (!have_device("filling")) return;
  for (const int64_t n : {1, 1000, 1003}) {
    const auto count = static_cast<size_t>(n);
    const Device<float> f(count);
    const Device<uint16_t> half(count);
    const Device<int32_t> i(count);
    const Device<uint8_t> byte(count);
    succeed(cuda::launch_fill({f.get(), cuda::DType::f32, 0.3, n}, nullptr));
    succeed(cuda::launch_fill({half.get(), cuda::DType::bf16, 0.3, n}, nullptr));
    succeed(cuda::launch_fill({i.get(), cuda::DType::i32, -3, n}, nullptr));
    succeed(cuda::launch_fill({byte.get(), cuda::DType::u8, 200, n}, nullptr));
    CHECK(f.read() == std::vector<float>(count, 0.3f));
    CHECK(half.read() == std::vector<uint16_t>(count, to_bf16(0.3f)));
    CHECK(i.read() == std::vector<int32_t>(count, -3));
    CHECK(byte.read() == std::vector<uint8_t>(count, 200));
  }
}
