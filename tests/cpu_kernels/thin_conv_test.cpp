#include "backend/cpu/kernels/thin_conv.h"

#include "catch.h"
#include "support.h"

using namespace agon;
using namespace agon::cpu;
using namespace agon::test;

namespace {

struct Named {
  const char* name;
  ThinConv problem;
};

// images, height, width, channels, wide height, wide width, wide channels, block, kernel, stride, padding
const std::vector<Named> cases{
    {"dcgan 8x8", {3, 8, 8, 3, 4, 4, 64, 16, 4, 4, 2, 2, 1, 1}},
    {"dcgan nhwc", {2, 16, 16, 3, 8, 8, 64, 64, 4, 4, 2, 2, 1, 1}},
    {"one grey pixel", {1, 1, 1, 1, 1, 1, 16, 16, 1, 1, 1, 1, 0, 0}},
    {"odd everything", {1, 7, 9, 3, 4, 3, 17, 17, 3, 5, 2, 3, 1, 1}},
    {"five wide channels", {2, 6, 5, 2, 6, 5, 5, 5, 3, 3, 1, 1, 1, 1}},
    {"one wide channel", {2, 9, 9, 4, 3, 3, 1, 1, 3, 3, 3, 3, 0, 0}},
    {"unused last row", {2, 8, 8, 3, 3, 3, 48, 16, 3, 3, 2, 2, 0, 0}},
    {"padding only below", {1, 5, 5, 1, 5, 5, 32, 16, 4, 4, 1, 1, 0, 0}},
    {"kernel wider than a register", {1, 20, 40, 4, 5, 9, 100, 100, 7, 7, 4, 4, 1, 0}},
    {"gaps between kernels", {1, 9, 9, 3, 3, 3, 16, 16, 2, 2, 3, 3, 0, 0}},
    {"long rows", {1, 4, 300, 3, 2, 150, 16, 16, 4, 4, 2, 2, 1, 1}}};

int64_t image_size(const ThinConv& p) {
  return p.images * p.height * p.width * p.channels;
}
int64_t wide_size(const ThinConv& p) {
  return p.images * p.wide_height * p.wide_width * p.wide_channels;
}
int64_t weights_size(const ThinConv& p) {
  return p.wide_channels * p.kernel_h * p.kernel_w * p.channels;
}

/// Calls f(image index, weight index, wide index) for every multiply-add of the convolution.
template <class F>
void for_each_product(const ThinConv& p, const F& f) {
  const ChannelLayout wide{p.images, p.wide_channels, p.wide_height * p.wide_width, p.wide_block};
  for (int64_t n = 0; n < p.images; ++n)
    for (int64_t y = 0; y < p.wide_height; ++y)
      for (int64_t x = 0; x < p.wide_width; ++x)
        for (int64_t o = 0; o < p.wide_channels; ++o)
          for (int64_t ky = 0; ky < p.kernel_h; ++ky)
            for (int64_t kx = 0; kx < p.kernel_w; ++kx) {
              const int64_t iy = y * p.stride_h + ky - p.pad_top, ix = x * p.stride_w + kx - p.pad_left;
              if (iy < 0 || iy >= p.height || ix < 0 || ix >= p.width) continue;
              for (int64_t c = 0; c < p.channels; ++c)
                f(static_cast<size_t>(((n * p.height + iy) * p.width + ix) * p.channels + c),
                  static_cast<size_t>(((o * p.kernel_h + ky) * p.kernel_w + kx) * p.channels + c),
                  index_of(wide, n, o, y * p.wide_width + x));
            }
}

struct Data {
  ThinConv problem;
  std::vector<float> image = random_floats(image_size(problem), 1);
  std::vector<float> weights = random_floats(weights_size(problem), 2),
                     wide = random_floats(wide_size(problem), 3);
  Scratch scratch{thin_conv_scratch_bytes(problem)};
};

}  // namespace

// Were a border, a tail of channels or the layout wrong, the discriminator's first layer would see another
// image.
TEST_CASE("thin convolution forward agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    Data d{p};
    const auto bias = random_floats(p.wide_channels, 4);
    const ChannelLayout layout{p.images, p.wide_channels, p.wide_height * p.wide_width, p.wide_block};
    std::vector<double> plain(d.wide.size()), activated(d.wide.size());
    for_each_product(p, [&](size_t i, size_t w, size_t o) {
      plain[o] += static_cast<double>(d.image[i]) * static_cast<double>(d.weights[w]);
    });
    for_each(layout, [&](size_t i, size_t c) {
      const double v = plain[i] + static_cast<double>(bias[c]);
      activated[i] = v > 0 ? v : 0.2 * v;
    });
    INFO(name);
    thin_conv_forward(p, d.image.data(), d.weights.data(), nullptr, {}, d.wide.data(), d.scratch.get());
    CHECK(relative_error(d.wide, plain) < 2e-6);
    thin_conv_forward(p, d.image.data(), d.weights.data(), bias.data(), {ActivationKind::leaky_relu, 0.2},
                      d.wide.data(), d.scratch.get());
    CHECK(relative_error(d.wide, activated) < 2e-6);
  }
}

// Were overlapping kernels added wrongly, generated images would show seams.
TEST_CASE("thin convolution input gradient agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    Data d{p};
    const auto bias = random_floats(p.channels, 4);
    std::vector<double> plain(d.image.size()), activated(d.image.size());
    for_each_product(p, [&](size_t i, size_t w, size_t o) {
      plain[i] += static_cast<double>(d.wide[o]) * static_cast<double>(d.weights[w]);
    });
    for (size_t i = 0; i < plain.size(); ++i)
      activated[i] = std::tanh(plain[i] + static_cast<double>(bias[i % static_cast<size_t>(p.channels)]));
    INFO(name);
    thin_conv_input_grad(p, d.wide.data(), d.weights.data(), nullptr, {}, d.image.data(), d.scratch.get());
    CHECK(relative_error(d.image, plain) < 2e-6);
    thin_conv_input_grad(p, d.wide.data(), d.weights.data(), bias.data(), {ActivationKind::tanh, 0},
                         d.image.data(), d.scratch.get());
    CHECK(relative_error(d.image, activated) < 4e-6);
  }
}

// Were a thread's part of the sum lost, the thin layers would learn from some of the batch only.
TEST_CASE("thin convolution weight gradient agrees with the sum in double") {
  for (const auto& [name, p] : cases) {
    Data d{p};
    std::vector<double> want(d.weights.size());
    for_each_product(p, [&](size_t i, size_t w, size_t o) {
      want[w] += static_cast<double>(d.image[i]) * static_cast<double>(d.wide[o]);
    });
    INFO(name);
    thin_conv_weight_grad(p, d.image.data(), d.wide.data(), d.weights.data(), d.scratch.get());
    CHECK(relative_error(d.weights, want) < 3e-6);
  }
}
