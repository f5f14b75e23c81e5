#include "backend/cpu/kernels/blocked_conv.h"

#include <cstdio>

#include "agon/tensor.h"

#include "backend/cpu/kernels/amx.h"
#include "backend/cpu/kernels/amx_conv.h"
#include "backend/cpu/kernels/amx_weight_grad.h"
#include "catch.h"
#include "support.h"

using namespace agon;
using namespace agon::cpu;
using namespace agon::test;

namespace {

struct Named {
  const char* name;
  BlockedConv problem;
};

// images, height, width, channels, out height, out width, out channels, kernel, stride, padding
const std::vector<Named> cases{
    {"dcgan", {5, 8, 8, 48, 4, 4, 32, 4, 4, 2, 2, 1, 1}},
    {"one pixel", {1, 1, 1, 16, 1, 1, 16, 1, 1, 1, 1, 0, 0}},
    {"one pixel, all padding but one tap", {2, 1, 1, 16, 1, 1, 32, 3, 3, 1, 1, 1, 1}},
    {"odd strides, groups of images of unlike size", {11, 9, 11, 32, 3, 4, 16, 3, 5, 3, 2, 1, 0}},
    {"unused last row", {2, 8, 8, 16, 3, 3, 16, 3, 3, 2, 2, 0, 0}},
    {"padding only below", {1, 5, 5, 64, 5, 5, 16, 4, 4, 1, 1, 0, 0}},
    {"whole taps outside", {2, 2, 2, 16, 4, 4, 16, 5, 5, 1, 1, 3, 3}},
    {"several runs of images", {70, 6, 6, 16, 6, 6, 16, 3, 3, 1, 1, 1, 1}}};

struct Data {
  BlockedConv p;
  bool nhwc = false;
  ChannelLayout in{p.images, p.channels, p.height* p.width, nhwc ? p.channels : 16};
  ChannelLayout out{p.images, p.out_channels, p.out_height* p.out_width, nhwc ? p.out_channels : 16};
  std::vector<float> x = random_floats(in.size(), 1), y = random_floats(out.size(), 2);
  std::vector<float> w = random_floats(p.out_channels * p.kernel_h * p.kernel_w * p.channels, 3);

  /// Calls f(x index, KRSC weight index, y index) for every multiply-add of the convolution.
  template <class F>
  void for_each_product(const F& f) const {
    for (int64_t n = 0; n < p.images; ++n)
      for (int64_t oy = 0; oy < p.out_height; ++oy)
        for (int64_t ox = 0; ox < p.out_width; ++ox)
          for (int64_t ky = 0; ky < p.kernel_h; ++ky)
            for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
              const int64_t iy = oy * p.stride_h + ky - p.pad_top, ix = ox * p.stride_w + kx - p.pad_left;
              if (iy < 0 || iy >= p.height || ix < 0 || ix >= p.width) continue;
              for (int64_t o = 0; o < p.out_channels; ++o)
                for (int64_t c = 0; c < p.channels; ++c)
                  f(index_of(in, n, c, iy * p.width + ix),
                    static_cast<size_t>(((o * p.kernel_h + ky) * p.kernel_w + kx) * p.channels + c),
                    index_of(out, n, o, oy * p.out_width + ox));
            }
  }

  /// The weights as OIhw16i16o, or with `transposed` as OIhw16o16i.
  std::vector<float> blocked_weights(bool transposed) const {
    std::vector<float> result(w.size());
    const int64_t taps = p.kernel_h * p.kernel_w;
    for (int64_t o = 0; o < p.out_channels; ++o)
      for (int64_t t = 0; t < taps; ++t)
        for (int64_t c = 0; c < p.channels; ++c) {
          const int64_t block = (o / 16 * (p.channels / 16) + c / 16) * taps + t;
          const int64_t within = transposed ? o % 16 * 16 + c % 16 : c % 16 * 16 + o % 16;
          result[static_cast<size_t>(block * 256 + within)] =
              w[static_cast<size_t>((o * taps + t) * p.channels + c)];
        }
    return result;
  }
};

double times(float a, float b) {
  return static_cast<double>(a) * static_cast<double>(b);
}

}  // namespace

// Were a border clipped wrongly or a run of images added twice, every convolution would learn a wrong
// gradient.
TEST_CASE("blocked weight gradient agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    Data d{.p = p};
    std::vector<double> want(d.w.size());
    d.for_each_product([&](size_t i, size_t w, size_t o) { want[w] += times(d.x[i], d.y[o]); });
    blocked_weight_grad(p, d.x.data(), d.y.data(), d.w.data());
    INFO(name);
    CHECK(relative_error(d.w, want) < 3e-6);
  }
}

// Were a tap in the padding read or a group of channels or images lost, small layers would compute something
// else.
TEST_CASE("blocked convolution forward agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    Data d{.p = p};
    std::vector<double> want(d.y.size());
    d.for_each_product([&](size_t i, size_t w, size_t o) { want[o] += times(d.x[i], d.w[w]); });
    blocked_conv_forward(p, d.x.data(), d.blocked_weights(false).data(), d.y.data());
    INFO(name);
    CHECK(relative_error(d.y, want) < 3e-6);
  }
}

// Were the taps of a stride matched to the wrong pixels, generators would upsample into seams.
TEST_CASE("blocked convolution input gradient agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    Data d{.p = p};
    std::vector<double> want(d.x.size());
    d.for_each_product([&](size_t i, size_t w, size_t o) { want[i] += times(d.y[o], d.w[w]); });
    blocked_conv_input_grad(p, d.y.data(), d.blocked_weights(true).data(), d.x.data());
    INFO(name);
    CHECK(relative_error(d.x, want) < 3e-6);
  }
}

namespace {

/// Rounds `values` to what bf16 holds, and returns them as bf16.
std::vector<bf16> round_to_bf16(std::vector<float>& values) {
  std::vector<bf16> result;
  for (float& v : values) {
    result.push_back({agon::to_bf16(v)});
    v = from_bf16(result.back().bits);
  }
  return result;
}

}  // namespace

// Were a pair of pixels packed crosswise, or a pixel in the padding read, bf16 training would go astray on
// processors with matrix registers alone.
TEST_CASE("weight gradient in matrix registers agrees with the sum in double") {
  if (!has_amx()) {
    std::puts("skipped: weight gradient in matrix registers agrees with the sum in double: no AMX");
    return;
  }
  for (const auto& [name, p] : cases) {
    Data d{.p = p, .nhwc = true};
    const auto x = round_to_bf16(d.x), y = round_to_bf16(d.y);
    std::vector<double> want(d.w.size());
    d.for_each_product([&](size_t i, size_t w, size_t o) { want[w] += times(d.x[i], d.y[o]); });
    const Buffer scratch(amx_weight_grad_scratch_bytes(p));
    amx_weight_grad(p, x.data(), y.data(), d.w.data(), scratch.data());
    INFO(name);
    CHECK(relative_error(d.w, want) < 3e-6);
  }
}

namespace {

// A multiple of 16 images; 32 channels on the side that is read, 16 on the other.
const std::vector<Named> amx_cases{
    {"dcgan", {32, 8, 8, 64, 4, 4, 32, 4, 4, 2, 2, 1, 1}},
    {"one and a half groups of images", {48, 3, 5, 32, 3, 5, 96, 3, 3, 1, 1, 1, 1}},
    {"one pixel", {16, 1, 1, 32, 1, 1, 32, 1, 1, 1, 1, 0, 0}},
    {"odd strides", {16, 9, 11, 32, 3, 4, 64, 3, 5, 3, 2, 1, 0}},
    {"unused last row", {16, 8, 8, 32, 3, 3, 32, 3, 3, 2, 2, 0, 0}},
    {"whole taps outside", {16, 2, 2, 32, 4, 4, 32, 5, 5, 1, 1, 3, 3}}};

/// The error left by rounding results to bf16.
constexpr double half_ulp = 1.0 / 256;

}  // namespace

// Were a tap in the padding read or a group of images lost, small layers would compute something else in
// bf16.
TEST_CASE("convolution in matrix registers, forward, agrees with the sum in double") {
  if (!has_amx()) {
    std::puts("skipped: convolution in matrix registers, forward, agrees with the sum in double: no AMX");
    return;
  }
  auto problems = amx_cases;
  problems.push_back({"half a group of results", {16, 4, 4, 32, 4, 4, 48, 3, 3, 1, 1, 1, 1}});
  for (const auto& [name, p] : problems) {
    Data d{.p = p, .nhwc = true};
    const auto x = round_to_bf16(d.x), w = round_to_bf16(d.w);
    std::vector<double> want(d.y.size());
    d.for_each_product([&](size_t i, size_t at, size_t o) { want[o] += times(d.x[i], d.w[at]); });
    std::vector<bf16> y(d.y.size());
    const Buffer scratch(amx_conv_scratch_bytes(p));
    amx_conv_forward(p, x.data(), w.data(), y.data(), scratch.data());
    for (size_t i = 0; i < y.size(); ++i) d.y[i] = from_bf16(y[i].bits);
    INFO(name);
    CHECK(relative_error(d.y, want) < half_ulp);
  }
}

// Were the taps of a stride matched to the wrong pixels, generators would upsample into seams in bf16.
TEST_CASE("input gradient in matrix registers agrees with the sum in double") {
  if (!has_amx()) {
    std::puts("skipped: input gradient in matrix registers agrees with the sum in double: no AMX");
    return;
  }
  auto problems = amx_cases;
  problems.push_back({"half a group of results", {16, 4, 4, 48, 4, 4, 32, 3, 3, 1, 1, 1, 1}});
  for (const auto& [name, p] : problems) {
    Data d{.p = p, .nhwc = true};
    const auto y = round_to_bf16(d.y), w = round_to_bf16(d.w);
    std::vector<double> want(d.x.size());
    d.for_each_product([&](size_t i, size_t at, size_t o) { want[i] += times(d.y[o], d.w[at]); });
    std::vector<bf16> x(d.x.size());
    const Buffer scratch(amx_conv_scratch_bytes(p));
    amx_conv_input_grad(p, y.data(), w.data(), x.data(), scratch.data());
    for (size_t i = 0; i < x.size(); ++i) d.x[i] = from_bf16(x[i].bits);
    INFO(name);
    CHECK(relative_error(d.x, want) < half_ulp);
  }
}
