#include "cuda/kernels/pool.h"
#include "cuda/kernels/resize.h"
#include "cuda_kernels/support.h"

using namespace agon;
using namespace agon::test;
using cuda::PoolOp;

namespace {

/// A pool over [n, h, w, c]; the depth axis is left at 1.
cuda::PoolArgs pool_of(int64_t n, int h, int w, int channels, int kernel, int stride, int pad,
                       int dilation = 1) {
  cuda::PoolArgs args;
  args.n = n;
  args.channels = channels;
  const int in[] = {h, w};
  for (int i = 0; i < 2; ++i) {
    args.in[i + 1] = in[i];
    args.kernel[i + 1] = kernel;
    args.stride[i + 1] = stride;
    args.pad_lo[i + 1] = pad;
    args.dilation[i + 1] = dilation;
    args.out[i + 1] = (in[i] + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
  }
  return args;
}

/// Calls f(element of x, element of y, pixel within the image) for every pair a window makes, in order.
template <class F>
void for_each_pair(const cuda::PoolArgs& a, F&& f) {
  for (int64_t n = 0; n < a.n; ++n)
    for (int oh = 0; oh < a.out[1]; ++oh)
      for (int ow = 0; ow < a.out[2]; ++ow)
        for (int kh = 0; kh < a.kernel[1]; ++kh)
          for (int kw = 0; kw < a.kernel[2]; ++kw) {
            const int h = oh * a.stride[1] - a.pad_lo[1] + kh * a.dilation[1];
            const int w = ow * a.stride[2] - a.pad_lo[2] + kw * a.dilation[2];
            if (h < 0 || w < 0 || h >= a.in[1] || w >= a.in[2]) continue;
            for (int c = 0; c < a.channels; ++c) {
              const int64_t pixel = int64_t{h} * a.in[2] + w;
              f(static_cast<size_t>((n * a.in[1] * a.in[2] + pixel) * a.channels + c),
                static_cast<size_t>(((n * a.out[1] + oh) * a.out[2] + ow) * a.channels + c),
                static_cast<int32_t>(pixel));
            }
          }
}

const std::vector<cuda::PoolArgs> pools = {pool_of(2, 8, 8, 8, 2, 2, 0),      pool_of(3, 7, 9, 3, 3, 2, 1),
                                           pool_of(1, 1, 1, 1, 1, 1, 0),      pool_of(2, 6, 5, 4, 3, 1, 1),
                                           pool_of(1, 11, 10, 5, 3, 2, 2, 2), pool_of(2, 5, 5, 260, 4, 3, 1)};

}  // namespace

// Windows at borders, overlapping windows, dilation, or shares of windows that hang over the border.
TEST_CASE("average pools and their gradients", "[cuda]") {
  if (!have_device("average pools")) return;
  for (cuda::PoolArgs args : pools)
    for (const bool include_pad : {true, false}) {
      args.count_include_pad = include_pad;
      const int64_t large = args.n * args.in[1] * args.in[2] * args.channels,
                    small = args.n * args.out[1] * args.out[2] * args.channels;
      const auto x = random_floats(large, 1), dy = random_floats(small, 2);
      const Device<float> d_x(x), d_dy(dy), y(dy.size()), dx(x.size());
      std::vector<double> count(dy.size(), include_pad ? args.kernel[1] * args.kernel[2] : 0),
          want(dy.size()), want_dx(x.size());
      if (!include_pad) for_each_pair(args, [&](size_t, size_t o, int32_t) { ++count[o]; });
      for_each_pair(args, [&](size_t i, size_t o, int32_t) {
        want[o] += x[i] / count[o];
        want_dx[i] += dy[o] / count[o];
      });
      args.op = PoolOp::avg;
      args.x = d_x.get();
      args.y = y.get();
      succeed(cuda::launch_pool(args, nullptr));
      CHECK(relative_error(y.read(), want) <= 1e-6);
      args.op = PoolOp::avg_grad;
      args.x = dx.get();
      args.y = d_dy.get();
      succeed(cuda::launch_pool(args, nullptr));
      CHECK(relative_error(dx.read(), want_dx) <= 1e-6);
    }
}

// A tie that does not go to the first, an index of another image, or a gradient that misses a window.
TEST_CASE("max pools, their gradients and the adjoint of those", "[cuda]") {
  if (!have_device("max pools")) return;
  for (cuda::PoolArgs args : pools) {
    const int64_t large = args.n * args.in[1] * args.in[2] * args.channels,
                  small = args.n * args.out[1] * args.out[2] * args.channels;
    auto x = random_floats(large, 1);
    for (float& v : x) v = std::round(v * 3);  // many ties
    const auto dy = random_floats(small, 2), other = random_floats(large, 3);
    const Device<float> d_x(x), d_dy(dy), d_other(other), y(dy.size()), dx(x.size()), taken(dy.size());
    const Device<int32_t> index(dy.size());
    std::vector<float> want(dy.size(), -INFINITY);
    std::vector<int32_t> want_index(dy.size(), -1);
    std::vector<size_t> source(dy.size());
    for_each_pair(args, [&](size_t i, size_t o, int32_t pixel) {
      if (want_index[o] >= 0 && x[i] <= want[o]) return;
      want[o] = x[i];
      want_index[o] = pixel;
      source[o] = i;
    });
    std::vector<double> want_dx(x.size()), want_taken;
    for (size_t o = 0; o < source.size(); ++o) {
      want_dx[source[o]] += dy[o];
      want_taken.push_back(other[source[o]]);
    }
    args.index = index.get();
    args.op = PoolOp::max;
    args.x = d_x.get();
    args.y = y.get();
    succeed(cuda::launch_pool(args, nullptr));
    CHECK(y.read() == want);
    CHECK(index.read() == want_index);
    args.op = PoolOp::max_grad;
    args.x = dx.get();
    args.y = d_dy.get();
    succeed(cuda::launch_pool(args, nullptr));
    CHECK(relative_error(dx.read(), want_dx) <= 1e-6);
    args.op = PoolOp::max_take;
    args.x = d_other.get();
    args.y = taken.get();
    succeed(cuda::launch_pool(args, nullptr));
    CHECK(relative_error(taken.read(), want_taken) == 0);
  }
}

// Sampling at another place than torch.nn.functional.interpolate, or a gradient that misses a reader.
TEST_CASE("resampling and its gradient", "[cuda]") {
  if (!have_device("resampling")) return;
  struct Sizes {
    int in_h, in_w, out_h, out_w, channels;
  };
  for (const Sizes& s : {Sizes{4, 4, 8, 8, 8},
                         {5, 7, 3, 4, 3},
                         {1, 1, 5, 5, 1},
                         {6, 6, 1, 1, 2},
                         {7, 5, 16, 11, 4},
                         {9, 8, 9, 8, 1},
                         {32, 32, 75, 75, 3}})
    for (const auto mode :
         {cuda::ResizeMode::nearest, cuda::ResizeMode::bilinear_half_pixel,
          cuda::ResizeMode::bilinear_align_corners, cuda::ResizeMode::bilinear_asymmetric}) {
      constexpr int64_t n = 2;
      const auto x = random_floats(n * s.in_h * s.in_w * s.channels, 1),
                 dy = random_floats(n * s.out_h * s.out_w * s.channels, 2);
      std::vector<double> want(dy.size()), want_dx(x.size());
      const auto place = [&](int o, int in, int out) {
        const double ratio = static_cast<double>(in) / out;
        if (mode == cuda::ResizeMode::nearest) return std::floor(static_cast<double>(o * in / out));
        if (mode == cuda::ResizeMode::bilinear_half_pixel) return std::max(0.0, (o + 0.5) * ratio - 0.5);
        if (mode == cuda::ResizeMode::bilinear_align_corners)
          return out == 1 ? 0 : o * (in - 1.0) / (out - 1.0);
        return o * ratio;
      };
      for (int64_t image = 0; image < n; ++image)
        for (int r = 0; r < s.out_h; ++r)
          for (int c = 0; c < s.out_w; ++c)
            for (int half = 0; half < 4; ++half) {
              const double row = place(r, s.in_h, s.out_h), column = place(c, s.in_w, s.out_w);
              const int r0 = std::min(static_cast<int>(row), s.in_h - 1),
                        c0 = std::min(static_cast<int>(column), s.in_w - 1);
              const double wr = half / 2 == 0 ? 1 - (row - r0) : row - r0,
                           wc = half % 2 == 0 ? 1 - (column - c0) : column - c0;
              const int64_t from_r = std::min(r0 + half / 2, s.in_h - 1),
                            from_c = std::min(c0 + half % 2, s.in_w - 1);
              for (int k = 0; k < s.channels; ++k) {
                const auto i =
                    static_cast<size_t>(((image * s.in_h + from_r) * s.in_w + from_c) * s.channels + k);
                const auto o = static_cast<size_t>(((image * s.out_h + r) * s.out_w + c) * s.channels + k);
                want[o] += wr * wc * x[i];
                want_dx[i] += wr * wc * dy[o];
              }
            }
      const Device<float> d_x(x), d_dy(dy), y(dy.size()), dx(x.size());
      cuda::ResizeArgs args{mode, false, d_x.get(), y.get(), n, s.in_h, s.in_w, s.out_h, s.out_w, s.channels};
      INFO(s.in_h << " x " << s.in_w << " to " << s.out_h << " x " << s.out_w << " mode "
                  << static_cast<int>(mode));
      succeed(cuda::launch_resize(args, nullptr));
      CHECK(relative_error(y.read(), want) <= 1e-6);
      args.grad = true;
      args.x = dx.get();
      args.y = d_dy.get();
      succeed(cuda::launch_resize(args, nullptr));
      CHECK(relative_error(dx.read(), want_dx) <= 1e-6);
    }
}
