#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "agon/error.h"
#include "agon/image.h"

namespace agon {
namespace {

constexpr int fraction_bits = 22;  // 8 bits of pixel and 2 of overshoot fit above them

double triangle(double x) {
  x = std::abs(x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

/// Keys' cubic with a = -0.5 (Keys 1981).
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double sinc(double x) {
  if (x == 0.0) return 1.0;
  x *= std::numbers::pi;
  return std::sin(x) / x;
}

double lanczos3(double x) {
  return -3.0 <= x && x < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

struct Kernel {
  double (*weight)(double);
  double support;
};

Kernel kernel_of(ResizeFilter filter) {
  switch (filter) {
    case ResizeFilter::bilinear:
      return {triangle, 1.0};
    case ResizeFilter::bicubic:
      return {cubic, 2.0};
    case ResizeFilter::lanczos:
      return {lanczos3, 3.0};
  }
  fail(ErrorKind::internal, "resize: unknown filter {}", static_cast<int>(filter));
}

/// The input samples that make one output sample: weights[k] times input first + k.
struct Taps {
  int first = 0;
  std::vector<int32_t> weights;
};

std::vector<Taps> taps_of(int from, int to, const Kernel& kernel) {
  const double scale = static_cast<double>(from) / to;
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  const double shrink = 1.0 / stretch;
  std::vector<Taps> all(static_cast<size_t>(to));
  std::vector<double> weights;
  for (int i = 0; i < to; ++i) {
    const double centre = (i + 0.5) * scale;
    const int first = std::max(0, static_cast<int>(centre - support + 0.5));
    const int last = std::min(from, static_cast<int>(centre + support + 0.5));
    weights.clear();
    double sum = 0.0;
    for (int x = first; x < last; ++x) {
      weights.push_back(kernel.weight((x - centre + 0.5) * shrink));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    for (double w : weights) {
      const double fixed = (sum != 0.0 ? w / sum : w) * (1 << fraction_bits);
      taps.weights.push_back(static_cast<int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
  }
  return all;
}

uint8_t to_pixel(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> fraction_bits, 0, 255));
}

Image resize_width(const Image& image, int width, const Kernel& kernel) {
  const auto all = taps_of(image.width, width, kernel);
  Image result(image.height, width, image.channels);
  uint8_t* out = result.pixels.data();
  for (int y = 0; y < image.height; ++y) {
    const uint8_t* row =
        &image.pixels[static_cast<size_t>(y * image.width) * static_cast<size_t>(image.channels)];
    for (const Taps& taps : all)
      for (int c = 0; c < image.channels; ++c) {
        int32_t sum = 1 << (fraction_bits - 1);
        const uint8_t* in = row + taps.first * image.channels + c;
        for (int32_t weight : taps.weights) {
          sum += weight * *in;
          in += image.channels;
        }
        *out++ = to_pixel(sum);
      }
  }
  return result;
}

Image resize_height(const Image& image, int height, const Kernel& kernel) {
  const auto all = taps_of(image.height, height, kernel);
  Image result(height, image.width, image.channels);
  const auto row = static_cast<size_t>(image.width) * static_cast<size_t>(image.channels);
  std::vector<int32_t> sums(row);
  uint8_t* out = result.pixels.data();
  for (const Taps& taps : all) {
    std::ranges::fill(sums, 1 << (fraction_bits - 1));
    const uint8_t* in = &image.pixels[static_cast<size_t>(taps.first) * row];
    for (int32_t weight : taps.weights) {
      for (size_t x = 0; x < row; ++x) sums[x] += weight * in[x];
      in += row;
    }
    out = std::ranges::transform(sums, out, to_pixel).out;
  }
  return result;
}

}  // namespace

Image resize(const Image& image, int height, int width, ResizeFilter filter) {
  check(height > 0 && width > 0, ErrorKind::usage, "resize: to {}x{} pixels", width, height);
  const Kernel kernel = kernel_of(filter);
  Image result = width == image.width ? image : resize_width(image, width, kernel);
  return height == image.height ? result : resize_height(result, height, kernel);
}

}  // namespace agon
