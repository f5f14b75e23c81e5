#include "backend/cpu/kernels/blocked_weight_grad.h"

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
    {"odd strides", {3, 9, 11, 32, 3, 4, 16, 3, 5, 3, 2, 1, 0}},
    {"unused last row", {2, 8, 8, 16, 3, 3, 16, 3, 3, 2, 2, 0, 0}},
    {"padding only below", {1, 5, 5, 64, 5, 5, 16, 4, 4, 1, 1, 0, 0}},
    {"whole taps outside", {2, 2, 2, 16, 4, 4, 16, 5, 5, 1, 1, 3, 3}},
    {"several runs of images", {70, 6, 6, 16, 6, 6, 16, 3, 3, 1, 1, 1, 1}}};

}  // namespace

// Were a border clipped wrongly or a run of images added twice, every convolution would learn a wrong
// gradient.
TEST_CASE("blocked weight gradient agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    const ChannelLayout in{p.images, p.channels, p.height * p.width, 16};
    const ChannelLayout out{p.images, p.out_channels, p.out_height * p.out_width, 16};
    const auto x = random_floats(in.size(), 1), dy = random_floats(out.size(), 2);
    std::vector<double> want(static_cast<size_t>(p.out_channels * p.kernel_h * p.kernel_w * p.channels));
    for (int64_t n = 0; n < p.images; ++n)
      for (int64_t y = 0; y < p.out_height; ++y)
        for (int64_t z = 0; z < p.out_width; ++z)
          for (int64_t ky = 0; ky < p.kernel_h; ++ky)
            for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
              const int64_t iy = y * p.stride_h + ky - p.pad_top, ix = z * p.stride_w + kx - p.pad_left;
              if (iy < 0 || iy >= p.height || ix < 0 || ix >= p.width) continue;
              for (int64_t o = 0; o < p.out_channels; ++o)
                for (int64_t c = 0; c < p.channels; ++c)
                  want[static_cast<size_t>(((o * p.kernel_h + ky) * p.kernel_w + kx) * p.channels + c)] +=
                      static_cast<double>(dy[index_of(out, n, o, y * p.out_width + z)]) *
                      static_cast<double>(x[index_of(in, n, c, iy * p.width + ix)]);
            }
    std::vector<float> got = random_floats(static_cast<int64_t>(want.size()), 3);
    blocked_weight_grad(p, x.data(), dy.data(), got.data());
    INFO(name);
    CHECK(relative_error(got, want) < 3e-6);
  }
}
