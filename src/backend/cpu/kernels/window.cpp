#include "backend/cpu/kernels/window.h"

#include <algorithm>
#include <limits>

#include "backend/cpu/kernels/parallel.h"
#include "backend/cpu/kernels/vectorize.h"

namespace agon::cpu {
namespace {

constexpr int64_t grain = 8192;  // elements that a thread should have

int64_t product(const std::array<int64_t, 3>& extents) {
  return extents[0] * extents[1] * extents[2];
}

/// The taps [begin, end) along one axis that meet the image; the first source position is `at`.
struct Taps {
  int64_t begin, end, at;
};

inline Taps taps(const PoolGeometry& pool, size_t axis, int64_t o) {
  const int64_t start = o * pool.stride[axis] - pool.pad[axis], step = pool.dilation[axis];
  const int64_t begin = start < 0 ? (step - 1 - start) / step : 0;
  const int64_t beyond = start < pool.in[axis] ? (pool.in[axis] - start + step - 1) / step : 0;
  return {begin, std::max(begin, std::min(pool.kernel[axis], beyond)), start};
}

/// Calls tap(pixel) in order for every image pixel under the window of output pixel `o`; returns their
/// number.
template <class Tap>
inline int64_t for_each_tap(const PoolGeometry& pool, int64_t o, const Tap& tap) {
  const Taps t0 = taps(pool, 0, o / (pool.out[1] * pool.out[2]));
  const Taps t1 = taps(pool, 1, o / pool.out[2] % pool.out[1]);
  const Taps t2 = taps(pool, 2, o % pool.out[2]);
  for (int64_t k0 = t0.begin; k0 < t0.end; ++k0)
    for (int64_t k1 = t1.begin; k1 < t1.end; ++k1)
      for (int64_t k2 = t2.begin; k2 < t2.end; ++k2) {
        const int64_t i0 = t0.at + k0 * pool.dilation[0], i1 = t1.at + k1 * pool.dilation[1];
        tap((i0 * pool.in[1] + i1) * pool.in[2] + t2.at + k2 * pool.dilation[2]);
      }
  return (t0.end - t0.begin) * (t1.end - t1.begin) * (t2.end - t2.begin);
}

/// Every output pixel by itself: body(image, output pixel).
template <class Body>
void for_each_output(const PoolGeometry& pool, const Body& body) {
  const int64_t pixels = product(pool.out), work = pool.channels * product(pool.kernel);
  parallel_ranges(pool.images * pixels, std::max<int64_t>(1, grain / std::max<int64_t>(1, work)),
                  [=](int64_t begin, int64_t end, int) {
                    vectorize([=] {
                      for (int64_t i = begin; i < end; ++i) body(i / pixels, i % pixels);
                    });
                  });
}

/// Windows may overlap, so a thread has whole images, or some channels of them if images are few:
/// body(image, first channel, channels).
template <class Body>
void for_each_slice(const PoolGeometry& pool, const Body& body) {
  const int64_t width = pool.images >= max_threads() ? pool.channels : std::min<int64_t>(64, pool.channels);
  const int64_t slices = (pool.channels + width - 1) / width;
  const int64_t work = product(pool.in) * width;
  parallel_ranges(pool.images * slices, std::max<int64_t>(1, grain / std::max<int64_t>(1, work)),
                  [=](int64_t begin, int64_t end, int) {
                    vectorize([=] {
                      for (int64_t i = begin; i < end; ++i) {
                        const int64_t first = i % slices * width;
                        body(i / slices, first, std::min(width, pool.channels - first));
                      }
                    });
                  });
}

inline float share(const PoolGeometry& pool, int64_t valid) {
  if (valid == 0) return 0;
  return 1.0f / static_cast<float>(pool.count_include_pad ? product(pool.kernel) : valid);
}

inline void clear(const PoolGeometry& pool, float* image, int64_t channels) {
  for (int64_t p = 0; p < product(pool.in); ++p) std::fill_n(image + p * pool.channels, channels, 0.0f);
}

}  // namespace

PoolGeometry pool_geometry(const Shape& x, const Window& window) {
  PoolGeometry pool;
  pool.images = x[0];
  pool.channels = x[-1];
  for (int i = 0; i < window.rank; ++i) {
    const auto axis = static_cast<size_t>(i);
    pool.in[axis] = x[i + 1];
    pool.out[axis] = window.out(i, x[i + 1], window.kernel[axis]);
    pool.kernel[axis] = window.kernel[axis];
    pool.stride[axis] = window.stride[axis];
    pool.pad[axis] = window.pad_lo[axis];
    pool.dilation[axis] = window.dilation[axis];
  }
  pool.count_include_pad = window.count_include_pad;
  return pool;
}

void avg_pool(const PoolGeometry& pool, const float* x, float* y) {
  const int64_t channels = pool.channels;
  for_each_output(pool, [=](int64_t image, int64_t o) {
    const float* from = x + image * product(pool.in) * channels;
    float* to = y + (image * product(pool.out) + o) * channels;
    std::fill_n(to, channels, 0.0f);
    const int64_t valid = for_each_tap(pool, o, [=](int64_t pixel) {
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) to[c] += from[pixel * channels + c];
    });
    const float weight = share(pool, valid);
    for (int64_t c = 0; c < channels; ++c) to[c] *= weight;
  });
}

void avg_pool_grad(const PoolGeometry& pool, const float* dy, float* dx) {
  for_each_slice(pool, [=](int64_t image, int64_t first, int64_t channels) {
    float* to = dx + image * product(pool.in) * pool.channels + first;
    clear(pool, to, channels);
    for (int64_t o = 0; o < product(pool.out); ++o) {
      const float* from = dy + (image * product(pool.out) + o) * pool.channels + first;
      const float weight = share(pool, for_each_tap(pool, o, [](int64_t) {}));
      for_each_tap(pool, o, [=](int64_t pixel) {
#pragma GCC ivdep
        for (int64_t c = 0; c < channels; ++c) to[pixel * pool.channels + c] += from[c] * weight;
      });
    }
  });
}

void max_pool(const PoolGeometry& pool, const float* x, float* y, int32_t* index) {
  const int64_t channels = pool.channels;
  for_each_output(pool, [=](int64_t image, int64_t o) {
    const float* from = x + image * product(pool.in) * channels;
    const int64_t at = (image * product(pool.out) + o) * channels;
    float* best = y + at;
    int32_t* where = index + at;
    std::fill_n(best, channels, -std::numeric_limits<float>::infinity());
    std::fill_n(where, channels, -1);
    for_each_tap(pool, o, [=](int64_t pixel) {
      const auto position = static_cast<int32_t>(pixel);
#pragma GCC ivdep
      for (int64_t c = 0; c < channels; ++c) {
        const float value = from[pixel * channels + c], old = best[c];
        const int32_t held = where[c];
        // The first valid position is taken even if it is -inf.
        const bool takes = (value > old) | (value != value) | (held < 0);
        best[c] = takes ? value : old;
        where[c] = takes ? position : held;
      }
    });
  });
}

void max_pool_grad(const PoolGeometry& pool, const float* dy, const int32_t* index, float* dx) {
  for_each_slice(pool, [=](int64_t image, int64_t first, int64_t channels) {
    float* to = dx + image * product(pool.in) * pool.channels + first;
    clear(pool, to, channels);
    for (int64_t o = 0; o < product(pool.out); ++o) {
      const int64_t at = (image * product(pool.out) + o) * pool.channels + first;
      for (int64_t c = 0; c < channels; ++c)
        if (index[at + c] >= 0) to[index[at + c] * pool.channels + c] += dy[at + c];
    }
  });
}

void max_pool_take(const PoolGeometry& pool, const float* x, const int32_t* index, float* y) {
  for_each_output(pool, [=](int64_t image, int64_t o) {
    const float* from = x + image * product(pool.in) * pool.channels;
    const int64_t at = (image * product(pool.out) + o) * pool.channels;
    for (int64_t c = 0; c < pool.channels; ++c)
      y[at + c] = index[at + c] >= 0 ? from[index[at + c] * pool.channels + c] : 0.0f;
  });
}

}  // namespace agon::cpu
