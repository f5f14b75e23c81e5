#include "cuda/kernels/device.cuh"
#include "cuda/kernels/resize.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256;

/// The source pixels of output pixel o along one axis. All modes sample at a rational place, worked out
/// exactly: (o * step + start) / scale, with `scale` > 0.
struct Axis {
  int32_t in, out, step, start, scale;
};

Axis axis_of(ResizeMode mode, int in, int out) {
  if (mode == ResizeMode::bilinear_half_pixel) return {in, out, 2 * in, in - out, 2 * out};
  if (mode == ResizeMode::bilinear_align_corners && out == 1) return {in, out, 0, 0, 1};
  if (mode == ResizeMode::bilinear_align_corners) return {in, out, in - 1, 0, out - 1};
  return {in, out, in, 0, out};
}

struct Source {
  int first, second;
  float weight;  ///< of the second
};

template <bool linear>
__device__ Source source_of(const Axis& axis, int o) {
  const int at = max(o * axis.step + axis.start, 0), first = min(at / axis.scale, axis.in - 1);
  if constexpr (!linear) return {first, first, 0};
  return {first, min(first + 1, axis.in - 1),
          static_cast<float>(at - first * axis.scale) / static_cast<float>(axis.scale)};
}

/// An output pixel not above the first one that reads input pixel i.
__device__ int first_reader(const Axis& axis, int i) {
  if (axis.step == 0) return 0;
  const int64_t above = int64_t{i - 1} * axis.scale - axis.start;
  return above <= 0 ? 0 : static_cast<int>(min(above / axis.step, int64_t{axis.out - 1}));
}

/// The weight of input pixel i in an output pixel with that source.
template <bool linear>
__device__ float weight_of(const Source& s, int i) {
  if constexpr (!linear) return s.first == i ? 1.0f : 0.0f;
  return (s.first == i ? 1 - s.weight : 0.0f) + (s.second == i ? s.weight : 0.0f);
}

struct Grid {
  Divider packs, height, width;  ///< of the tensor that is written
  uint32_t total;
  Axis rows, columns;
};

template <int width>
struct Pack {
  float v[width] = {};
  __device__ void add(const float* p, float weight) {
    if constexpr (width == 4) {
      const float4 x = load4(p);
      v[0] += weight * x.x, v[1] += weight * x.y, v[2] += weight * x.z, v[3] += weight * x.w;
    } else {
      v[0] += weight * *p;
    }
  }
  __device__ void put(float* p) const {
    if constexpr (width == 4)
      store4(p, {v[0], v[1], v[2], v[3]});
    else
      *p = v[0];
  }
};

template <bool linear, int width>
__global__ void __launch_bounds__(threads)
    resize_forward(const __grid_constant__ ResizeArgs a, const __grid_constant__ Grid grid) {
  uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= grid.total) return;
  const int64_t own = int64_t{i} * width;
  const int channel = static_cast<int>(grid.packs.split(i)) * width;
  const Source column = source_of<linear>(grid.columns, static_cast<int>(grid.width.split(i)));
  const Source row = source_of<linear>(grid.rows, static_cast<int>(grid.height.split(i)));
  const float* const image = a.x + int64_t{i} * a.in_h * a.in_w * a.channels + channel;
  const auto at = [&](int r, int c) { return image + (int64_t{r} * a.in_w + c) * a.channels; };
  Pack<width> y;
  if constexpr (linear) {
    y.add(at(row.first, column.first), (1 - row.weight) * (1 - column.weight));
    y.add(at(row.first, column.second), (1 - row.weight) * column.weight);
    y.add(at(row.second, column.first), row.weight * (1 - column.weight));
    y.add(at(row.second, column.second), row.weight * column.weight);
  } else {
    y.add(at(row.first, column.first), 1);
  }
  y.put(a.y + own);
}

template <bool linear, int width>
__global__ void __launch_bounds__(threads)
    resize_backward(const __grid_constant__ ResizeArgs a, const __grid_constant__ Grid grid) {
  uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= grid.total) return;
  const int64_t own = int64_t{i} * width;
  const int channel = static_cast<int>(grid.packs.split(i)) * width;
  const int to_column = static_cast<int>(grid.width.split(i));
  const int to_row = static_cast<int>(grid.height.split(i));
  const float* const image = a.y + int64_t{i} * a.out_h * a.out_w * a.channels + channel;
  Pack<width> x;
  for (int r = first_reader(grid.rows, to_row); r < a.out_h; ++r) {
    const Source row = source_of<linear>(grid.rows, r);
    if (row.first > to_row) break;
    const float by_row = weight_of<linear>(row, to_row);
    if (by_row == 0) continue;
    for (int c = first_reader(grid.columns, to_column); c < a.out_w; ++c) {
      const Source column = source_of<linear>(grid.columns, c);
      if (column.first > to_column) break;
      const float weight = by_row * weight_of<linear>(column, to_column);
      if (weight != 0) x.add(image + (int64_t{r} * a.out_w + c) * a.channels, weight);
    }
  }
  x.put(a.x + own);
}

template <int width>
void launch(const ResizeArgs& args, const Grid& grid, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(ceil_div(grid.total, threads));
  const bool linear = args.mode != ResizeMode::nearest;
  if (args.grad)
    linear ? resize_backward<true, width><<<blocks, threads, 0, stream>>>(args, grid)
           : resize_backward<false, width><<<blocks, threads, 0, stream>>>(args, grid);
  else
    linear ? resize_forward<true, width><<<blocks, threads, 0, stream>>>(args, grid)
           : resize_forward<false, width><<<blocks, threads, 0, stream>>>(args, grid);
}

}  // namespace

cudaError_t launch_resize(const ResizeArgs& args, cudaStream_t stream) {
  constexpr int most = 1 << 14;  // positions times extents stay below 2^31
  for (const int extent : {args.in_h, args.in_w, args.out_h, args.out_w})
    if (extent < 1 || extent > most) return cudaErrorInvalidValue;
  const int height = args.grad ? args.in_h : args.out_h, width = args.grad ? args.in_w : args.out_w;
  const bool wide = args.channels % 4 == 0 && aligned(args.x, 16) && aligned(args.y, 16);
  const int packs = wide ? args.channels / 4 : args.channels;
  const int64_t total = args.n * height * width * packs;
  if (args.n * height * width * args.channels >= int64_t{1} << 31) return cudaErrorInvalidValue;
  if (total == 0) return cudaSuccess;
  const Grid grid{Divider(packs),
                  Divider(height),
                  Divider(width),
                  static_cast<uint32_t>(total),
                  axis_of(args.mode, args.in_h, args.out_h),
                  axis_of(args.mode, args.in_w, args.out_w)};
  wide ? launch<4>(args, grid, stream) : launch<1>(args, grid, stream);
  return cudaGetLastError();
}

}  // namespace agon::cuda
