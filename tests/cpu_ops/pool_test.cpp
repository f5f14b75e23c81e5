#include <limits>

#include "backend/cpu/kernels/window.h"
#include "catch.h"
#include "naive.h"

using namespace agon;

namespace {

struct Case {
  Shape x;
  Window window;
};

std::vector<Case> cases() {
  Window same = Window::square(3, 2, 1);
  Window uneven = Window::square(3, 2, 0);
  uneven.pad_lo = {0, 1, 0};
  uneven.pad_hi = {2, 1, 0};
  uneven.kernel = {3, 2, 1};
  Window valid_only = Window::square(3, 1, 1);
  valid_only.count_include_pad = false;
  Window dilated = Window::square(2, 1, 1);
  dilated.dilation = {2, 3, 1};
  dilated.pad_hi = {1, 0, 0};
  Window line = Window::square(3, 2, 1);
  line.rank = 1;
  line.kernel = {3, 1, 1};
  line.pad_lo = line.pad_hi = {1, 0, 0};
  line.stride = {2, 1, 1};
  Window volume;
  volume.rank = 3;
  volume.kernel = {2, 3, 2};
  volume.stride = {2, 1, 2};
  volume.pad_lo = volume.pad_hi = {1, 1, 0};
  return {{{3, 7, 9, 5}, same},
          {{2, 6, 5, 130}, uneven},
          {{2, 5, 5, 3}, valid_only},
          {{1, 6, 7, 17}, dilated},
          {{4, 11, 6}, line},
          {{2, 4, 5, 6, 3}, volume},
          {{5, 32, 32, 16}, Window::square(2, 2, 0)},
          {{1, 40, 40, 80}, same}};
}

/// Calls tap(image, output pixel, input pixel) for every valid tap, by plain coordinates.
void for_each_tap(const cpu::PoolGeometry& p, const std::function<void(int64_t, int64_t, int64_t)>& tap) {
  for (int64_t n = 0; n < p.images; ++n)
    naive::for_each(
        {p.out[0], p.out[1], p.out[2], p.kernel[0], p.kernel[1], p.kernel[2]}, [&](const auto& i) {
          int64_t from = 0, to = 0;
          for (size_t axis = 0; axis < 3; ++axis) {
            const int64_t at = i[axis] * p.stride[axis] - p.pad[axis] + i[axis + 3] * p.dilation[axis];
            if (at < 0 || at >= p.in[axis]) return;
            from = from * p.in[axis] + at;
            to = to * p.out[axis] + i[axis];
          }
          tap(n, to, from);
        });
}

struct Sizes {
  size_t in, out;
  int64_t in_pixels, out_pixels, channels;
};
Sizes sizes(const cpu::PoolGeometry& p) {
  const int64_t in = p.in[0] * p.in[1] * p.in[2], out = p.out[0] * p.out[1] * p.out[2];
  return {static_cast<size_t>(p.images * in * p.channels), static_cast<size_t>(p.images * out * p.channels),
          in, out, p.channels};
}

}  // namespace

// Were a window's edge or divisor wrong, downsampling blocks would blur or darken borders.
TEST_CASE("average pools and their gradients equal plain loops") {
  for (const auto& [shape, window] : cases()) {
    INFO(shape.str());
    const auto pool = cpu::pool_geometry(shape, window);
    const Sizes s = sizes(pool);
    const auto x = naive::normals(s.in, 1), dy = naive::normals(s.out, 2);
    std::vector<float> y(s.out, 9), dx(s.in, 9);
    cpu::avg_pool(pool, x.data(), y.data());
    cpu::avg_pool_grad(pool, dy.data(), dx.data());

    std::vector<double> count(static_cast<size_t>(s.out_pixels), 0), exact_y(s.out, 0), exact_dx(s.in, 0);
    for_each_tap(pool, [&](int64_t n, int64_t o, int64_t) { count[static_cast<size_t>(o)] += n == 0; });
    if (window.count_include_pad)
      count.assign(count.size(), static_cast<double>(pool.kernel[0] * pool.kernel[1] * pool.kernel[2]));
    for_each_tap(pool, [&](int64_t n, int64_t o, int64_t i) {
      for (int64_t c = 0; c < s.channels; ++c) {
        const auto at_y = static_cast<size_t>((n * s.out_pixels + o) * s.channels + c);
        const auto at_x = static_cast<size_t>((n * s.in_pixels + i) * s.channels + c);
        exact_y[at_y] += x[at_x] / count[static_cast<size_t>(o)];
        exact_dx[at_x] += dy[at_y] / count[static_cast<size_t>(o)];
      }
    });
    for (size_t i = 0; i < s.out; ++i) REQUIRE(std::fabs(y[i] - exact_y[i]) < 1e-5);
    for (size_t i = 0; i < s.in; ++i) REQUIRE(std::fabs(dx[i] - exact_dx[i]) < 1e-5);
  }
}

// Were ties, padding or the flat index treated otherwise, gradients would flow to other pixels than torch's.
TEST_CASE("maximum pools, their indices and both adjoints equal plain loops") {
  for (const auto& [shape, window] : cases()) {
    INFO(shape.str());
    const auto pool = cpu::pool_geometry(shape, window);
    const Sizes s = sizes(pool);
    auto x = naive::integers(s.in, 3);  // with ties
    for (float& v : x) v -= 10;         // padding read as 0 would win
    x[s.in / 2] = -INFINITY;
    const auto dy = naive::integers(s.out, 4);
    std::vector<float> y(s.out), dx(s.in, 9), taken(s.out, 9);
    std::vector<int32_t> index(s.out);
    cpu::max_pool(pool, x.data(), y.data(), index.data());
    cpu::max_pool_grad(pool, dy.data(), index.data(), dx.data());
    cpu::max_pool_take(pool, x.data(), index.data(), taken.data());

    std::vector<float> exact_y(s.out, -INFINITY), exact_dx(s.in, 0);
    std::vector<int32_t> where(s.out, -1);
    for_each_tap(pool, [&](int64_t n, int64_t o, int64_t i) {
      for (int64_t c = 0; c < s.channels; ++c) {
        const auto at_y = static_cast<size_t>((n * s.out_pixels + o) * s.channels + c);
        const float value = x[static_cast<size_t>((n * s.in_pixels + i) * s.channels + c)];
        if (where[at_y] >= 0 && value <= exact_y[at_y]) continue;
        exact_y[at_y] = value;
        where[at_y] = static_cast<int32_t>(i);
      }
    });
    CHECK(y == exact_y);
    CHECK(index == where);
    for (size_t i = 0; i < s.out; ++i) {
      const auto image = static_cast<int64_t>(i) / (s.out_pixels * s.channels);
      const auto c = static_cast<int64_t>(i) % s.channels;
      exact_dx[static_cast<size_t>((image * s.in_pixels + where[i]) * s.channels + c)] += dy[i];
    }
    CHECK(dx == exact_dx);
    CHECK(taken == y);
  }
}

// Were NaN passed over, a diverged activation would hide behind a pool.
TEST_CASE("a NaN wins a maximum pool") {
  const auto pool = cpu::pool_geometry({1, 2, 2, 1}, Window::square(2, 2, 0));
  for (size_t at = 0; at < 4; ++at) {
    std::vector<float> x{4, 3, 2, 1};
    x[at] = NAN;
    float y = 0;
    int32_t index = -1;
    cpu::max_pool(pool, x.data(), &y, &index);
    CHECK(std::isnan(y));
    CHECK(index == static_cast<int32_t>(at));
  }
}

namespace {

/// Where a result pixel reads, as torch.nn.functional.interpolate defines it.
double source(ResizeMode mode, int64_t o, int64_t in, int64_t out) {
  const auto to = static_cast<double>(o), ratio = static_cast<double>(in) / static_cast<double>(out);
  switch (mode) {
    case ResizeMode::nearest:
      return std::floor(to * ratio + 1e-9);
    case ResizeMode::bilinear_half_pixel:
      return std::max(0.0, (to + 0.5) * ratio - 0.5);
    case ResizeMode::bilinear_align_corners:
      return out == 1 ? 0 : to * static_cast<double>(in - 1) / static_cast<double>(out - 1);
    case ResizeMode::bilinear_asymmetric:
      return to * ratio;
  }
  return 0;
}

}  // namespace

// Were sampling positions off by a fraction, upsampled images would shift; were the adjoint not the
// transpose, gradients through it would be wrong.
TEST_CASE("resizing and its adjoint equal plain interpolation") {
  struct Size {
    int64_t h, w, out_h, out_w, channels;
  };
  for (auto mode : {ResizeMode::nearest, ResizeMode::bilinear_half_pixel, ResizeMode::bilinear_align_corners,
                    ResizeMode::bilinear_asymmetric})
    for (const Size& s : {Size{4, 4, 8, 8, 3}, Size{5, 7, 3, 11, 17}, Size{1, 3, 4, 1, 2},
                          Size{9, 8, 1, 3, 5}, Size{33, 20, 66, 41, 64}}) {
      INFO(static_cast<int>(mode) << " " << s.h << "x" << s.w << " to " << s.out_h << "x" << s.out_w);
      const Shape in{3, s.h, s.w, s.channels}, out{3, s.out_h, s.out_w, s.channels};
      const auto x = naive::normals(static_cast<size_t>(in.numel()), 1);
      const auto dy = naive::normals(static_cast<size_t>(out.numel()), 2);
      std::vector<float> y(dy.size(), 9), dx(x.size(), 9);
      const cpu::ResizeKernel kernel(in, out, mode);
      kernel.run(x.data(), y.data());
      kernel.run_grad(dy.data(), dx.data());

      const auto from = cpu::row_major(in), to = cpu::row_major(out);
      std::vector<double> exact_y(y.size(), 0), exact_dx(dx.size(), 0);
      naive::for_each(out, [&](const naive::Index& i) {
        const double r = source(mode, i[1], s.h, s.out_h), q = source(mode, i[2], s.w, s.out_w);
        for (int corner = 0; corner < 4; ++corner) {
          naive::Index at = i;
          at[1] = std::min(static_cast<int64_t>(r) + corner / 2, s.h - 1);
          at[2] = std::min(static_cast<int64_t>(q) + corner % 2, s.w - 1);
          const double down = r - std::floor(r), right = q - std::floor(q);
          const double weight = (corner / 2 == 1 ? down : 1 - down) * (corner % 2 == 1 ? right : 1 - right);
          exact_y[naive::offset(i, to)] += weight * x[naive::offset(at, from)];
          exact_dx[naive::offset(at, from)] += weight * dy[naive::offset(i, to)];
        }
      });
      for (size_t i = 0; i < y.size(); ++i) REQUIRE(std::fabs(y[i] - exact_y[i]) < 1e-5);
      for (size_t i = 0; i < dx.size(); ++i) REQUIRE(std::fabs(dx[i] - exact_dx[i]) < 3e-5);
    }
}
