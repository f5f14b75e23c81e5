#include "cuda/kernels/device.cuh"
#include "cuda/kernels/pool.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256;

/// Threads own packs of `width` channels of one pixel; [n, pixels.., packs] with packs innermost.
struct Grid {
  Divider packs, extents[3];
  uint32_t total;
};

struct Place {
  int64_t image;       ///< n
  int at[3], channel;  ///< pixel and first channel
};

template <int width>
__device__ Place place_of(const Grid& grid, uint32_t i) {
  Place p;
  p.channel = static_cast<int>(grid.packs.split(i)) * width;
  for (int axis = 2; axis >= 0; --axis) p.at[axis] = static_cast<int>(grid.extents[axis].split(i));
  p.image = i;
  return p;
}

template <int width>
struct Pack {
  float v[width];
};
template <int width>
__device__ Pack<width> get(const float* p) {
  if constexpr (width == 4) {
    const float4 x = load4(p);
    return {{x.x, x.y, x.z, x.w}};
  } else {
    return {{*p}};
  }
}
template <int width>
__device__ void put(float* p, const Pack<width>& x) {
  if constexpr (width == 4)
    store4(p, {x.v[0], x.v[1], x.v[2], x.v[3]});
  else
    *p = x.v[0];
}
template <int width>
__device__ void get(const int32_t* p, int32_t (&x)[width]) {
  if constexpr (width == 4) {
    const int4 four = *reinterpret_cast<const int4*>(p);
    x[0] = four.x, x[1] = four.y, x[2] = four.z, x[3] = four.w;
  } else {
    x[0] = *p;
  }
}
template <int width>
__device__ void put(int32_t* p, const int32_t (&x)[width]) {
  if constexpr (width == 4)
    *reinterpret_cast<int4*>(p) = {x[0], x[1], x[2], x[3]};
  else
    *p = x[0];
}

__device__ int64_t pixel(const int (&extents)[3], int a, int b, int c) {
  return (int64_t{a} * extents[1] + b) * extents[2] + c;
}
__device__ int64_t pixels(const int (&extents)[3]) {
  return int64_t{extents[0]} * extents[1] * extents[2];
}

/// Calls f(pixel of x, its index within the image) for the taps of the window at `out` that lie in the image.
template <class F>
__device__ void for_each_tap(const PoolArgs& a, const int (&out)[3], F&& f) {
  int first[3];
  for (int axis = 0; axis < 3; ++axis) first[axis] = out[axis] * a.stride[axis] - a.pad_lo[axis];
  for (int i = 0; i < a.kernel[0]; ++i) {
    const int x0 = first[0] + i * a.dilation[0];
    if (x0 < 0 || x0 >= a.in[0]) continue;
    for (int j = 0; j < a.kernel[1]; ++j) {
      const int x1 = first[1] + j * a.dilation[1];
      if (x1 < 0 || x1 >= a.in[1]) continue;
      for (int k = 0; k < a.kernel[2]; ++k) {
        const int x2 = first[2] + k * a.dilation[2];
        if (x2 >= 0 && x2 < a.in[2]) f(pixel(a.in, x0, x1, x2));
      }
    }
  }
}

/// The taps of the window at `out` that lie in the image.
__device__ int taps_inside(const PoolArgs& a, const int (&out)[3]) {
  int count = 1;
  for (int axis = 0; axis < 3; ++axis) {
    int inside = 0;
    for (int k = 0; k < a.kernel[axis]; ++k) {
      const int x = out[axis] * a.stride[axis] - a.pad_lo[axis] + k * a.dilation[axis];
      inside += x >= 0 && x < a.in[axis] ? 1 : 0;
    }
    count *= inside;
  }
  return count;
}

__device__ float share_of(const PoolArgs& a, const int (&out)[3]) {
  return 1.0f / static_cast<float>(a.count_include_pad ? a.kernel[0] * a.kernel[1] * a.kernel[2]
                                                       : taps_inside(a, out));
}

/// Calls f(out) for the windows that hold the pixel `at`, in order.
template <class F>
__device__ void for_each_window(const PoolArgs& a, const int (&at)[3], F&& f) {
  int lo[3], hi[3];
  for (int axis = 0; axis < 3; ++axis) {
    const int last = at[axis] + a.pad_lo[axis], span = (a.kernel[axis] - 1) * a.dilation[axis];
    lo[axis] = last > span ? (last - span + a.stride[axis] - 1) / a.stride[axis] : 0;
    hi[axis] = min(last / a.stride[axis], a.out[axis] - 1);
  }
  const auto taps = [&](int axis, int o) {
    return (at[axis] + a.pad_lo[axis] - o * a.stride[axis]) % a.dilation[axis] == 0;
  };
  for (int i = lo[0]; i <= hi[0]; ++i) {
    if (!taps(0, i)) continue;
    for (int j = lo[1]; j <= hi[1]; ++j) {
      if (!taps(1, j)) continue;
      for (int k = lo[2]; k <= hi[2]; ++k)
        if (taps(2, k)) {
          const int out[3] = {i, j, k};
          f(out);
        }
    }
  }
}

template <PoolOp op, int width>
__global__ void __launch_bounds__(threads, 4)
    pool(const __grid_constant__ PoolArgs a, const __grid_constant__ Grid grid) {
  const uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= grid.total) return;
  const Place p = place_of<width>(grid, i);
  const int64_t own = int64_t{i} * width;  // of this thread's pixel in the tensor that is written
  const int64_t image = p.image * pixels(a.in), pooled = p.image * pixels(a.out);
  const auto in_x = [&](int64_t at) { return (image + at) * a.channels + p.channel; };
  const auto in_y = [&](const int(&out)[3]) {
    return (pooled + pixel(a.out, out[0], out[1], out[2])) * a.channels + p.channel;
  };

  Pack<width> result{};
  if constexpr (op == PoolOp::avg) {
    const float share = share_of(a, p.at);
    for_each_tap(a, p.at, [&](int64_t at) {
      const auto x = get<width>(a.x + in_x(at));
      for (int k = 0; k < width; ++k) result.v[k] += x.v[k];
    });
    for (int k = 0; k < width; ++k) result.v[k] *= share;
    put(a.y + own, result);
  } else if constexpr (op == PoolOp::max) {
    int32_t index[width];
    for (int k = 0; k < width; ++k) index[k] = -1, result.v[k] = -__builtin_huge_valf();
    for_each_tap(a, p.at, [&](int64_t at) {
      const auto x = get<width>(a.x + in_x(at));
      for (int k = 0; k < width; ++k) {
        if (index[k] >= 0 && !(x.v[k] > result.v[k] || isnan(x.v[k]))) continue;
        result.v[k] = x.v[k];
        index[k] = static_cast<int32_t>(at);
      }
    });
    put(a.y + own, result);
    put(a.index + own, index);
  } else if constexpr (op == PoolOp::max_take) {
    int32_t index[width];
    get(a.index + own, index);
    for (int k = 0; k < width; ++k) result.v[k] = a.x[in_x(index[k]) + k];
    put(a.y + own, result);
  } else if constexpr (op == PoolOp::avg_grad) {
    for_each_window(a, p.at, [&](const int(&out)[3]) {
      const float share = share_of(a, out);
      const auto y = get<width>(a.y + in_y(out));
      for (int k = 0; k < width; ++k) result.v[k] += y.v[k] * share;
    });
    put(a.x + own, result);
  } else {
    const auto here = static_cast<int32_t>(pixel(a.in, p.at[0], p.at[1], p.at[2]));
    for_each_window(a, p.at, [&](const int(&out)[3]) {
      const auto y = get<width>(a.y + in_y(out));
      int32_t index[width];
      get(a.index + in_y(out), index);
      for (int k = 0; k < width; ++k)
        if (index[k] == here) result.v[k] += y.v[k];
    });
    put(a.x + own, result);
  }
}

template <PoolOp op>
cudaError_t launch(const PoolArgs& args, cudaStream_t stream) {
  const bool to_image = op == PoolOp::avg_grad || op == PoolOp::max_grad;
  const int(&extents)[3] = to_image ? args.in : args.out;
  const bool wide =
      args.channels % 4 == 0 && aligned(args.x, 16) && aligned(args.y, 16) && aligned(args.index, 16);
  const int packs = wide ? args.channels / 4 : args.channels;
  const int64_t total = args.n * extents[0] * extents[1] * extents[2] * packs;
  if (total * (wide ? 4 : 1) >= int64_t{1} << 31) return cudaErrorInvalidValue;
  if (total == 0) return cudaSuccess;
  const Grid grid{Divider(packs),
                  {Divider(extents[0]), Divider(extents[1]), Divider(extents[2])},
                  static_cast<uint32_t>(total)};
  const auto blocks = static_cast<unsigned>(ceil_div(total, threads));
  if (wide)
    pool<op, 4><<<blocks, threads, 0, stream>>>(args, grid);
  else
    pool<op, 1><<<blocks, threads, 0, stream>>>(args, grid);
  return cudaGetLastError();
}

}  // namespace

cudaError_t launch_pool(const PoolArgs& args, cudaStream_t stream) {
  switch (args.op) {
    case PoolOp::avg:
      return launch<PoolOp::avg>(args, stream);
    case PoolOp::avg_grad:
      return launch<PoolOp::avg_grad>(args, stream);
    case PoolOp::max:
      return launch<PoolOp::max>(args, stream);
    case PoolOp::max_grad:
      return launch<PoolOp::max_grad>(args, stream);
    default:
      return launch<PoolOp::max_take>(args, stream);
  }
}

}  // namespace agon::cuda
