#include "cuda/kernels/columns.cuh"
#include "cuda/kernels/reduce.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256;

/// `width` neighbours from element i on.
template <int width, class T>
__device__ void load(const T* x, int64_t i, float (&v)[width]) {
  if constexpr (width == 4) {
    const float4 four = load4(x + i);
    v[0] = four.x, v[1] = four.y, v[2] = four.z, v[3] = four.w;
  } else {
    v[0] = load1(x + i);
  }
}

template <class Acc>
__device__ void take(Acc& acc, float x, bool square) {
  acc.add(square ? x * x : x);
}

/// [outer, rows, columns] over rows.
template <class Acc, int width, class T>
__global__ void __launch_bounds__(column_threads)
    reduce_columns_kernel(const T* x, float* y, ColumnGrid grid, bool square, float scale, void* workspace) {
  reduce_columns<Acc, 1, width>(
      grid, workspace, [](int, int) {},
      [&](Acc(&acc)[1][width], int64_t outer, int64_t row, int column) {
        float v[width];
        load(x, (outer * grid.rows + row) * grid.columns + column, v);
#pragma unroll
        for (int k = 0; k < width; ++k) take(acc[0][k], v[k], square);
      },
      [&](int64_t outer, int column, const double(&total)[1]) {
        y[outer * grid.columns + column] = static_cast<float>(total[0] * scale);
      });
}

/// `lanes` (a power of two up to 32) threads a row of [rows, length].
template <class Acc, int width, class T>
__global__ void __launch_bounds__(threads)
    reduce_rows_by_warp(const T* x, float* y, int64_t rows, int32_t length, int32_t lanes, bool square,
                        float scale) {
  const int lane = static_cast<int>(threadIdx.x) % lanes;
  const int64_t row = int64_t{blockIdx.x} * (threads / lanes) + static_cast<int>(threadIdx.x) / lanes;
  Acc acc;
  if (row < rows) {
#pragma unroll 4
    for (int i = lane * width; i < length; i += lanes * width) {
      float v[width];
      load(x, row * length + i, v);
#pragma unroll
      for (int k = 0; k < width; ++k) take(acc, v[k], square);
    }
  }
  double total = acc.total();
  for (int step = lanes / 2; step > 0; step /= 2)
    total = Acc::merge(total, __shfl_xor_sync(0xffffffffu, total, step));
  if (lane == 0 && row < rows) y[row] = static_cast<float>(total * scale);
}

/// `splits` blocks a row; the last one merges.
template <class Acc, int width, class T>
__global__ void __launch_bounds__(threads)
    reduce_rows_by_block(const T* x, float* y, int64_t length, int64_t share, uint32_t splits, bool square,
                         float scale, void* workspace) {
  const uint32_t row = blockIdx.x / splits, split = blockIdx.x % splits;
  const int64_t begin = split * share, end = begin + share < length ? begin + share : length;
  Acc acc;
#pragma unroll 4
  for (int64_t i = begin + threadIdx.x * width; i < end; i += threads * width) {
    float v[width];
    load(x, row * length + i, v);
#pragma unroll
    for (int k = 0; k < width; ++k) take(acc, v[k], square);
  }
  const double own = block_merge<Acc, threads>(acc.total());
  if (splits == 1) {
    if (threadIdx.x == 0) y[row] = static_cast<float>(own * scale);
    return;
  }
  auto* const counters = static_cast<uint32_t*>(workspace);
  auto* const partials = reinterpret_cast<double*>(counters + column_counters);
  if (threadIdx.x == 0) partials[blockIdx.x] = own;
  if (!last_block_done(counters + row, splits)) return;
  double part = Acc::zero();
  for (uint32_t s = threadIdx.x; s < splits; s += threads)
    part = Acc::merge(part, partials[row * splits + s]);
  const double total = block_merge<Acc, threads>(part);
  if (threadIdx.x == 0) y[row] = static_cast<float>(total * scale);
}

/// Any axes: a thread an output walks over the reduced ones.
struct Walk {
  int kept_rank = 0, reduced_rank = 0;
  Divider kept[max_rank], reduced[max_rank];
  int64_t kept_strides[max_rank] = {}, reduced_strides[max_rank] = {};
  uint32_t outputs = 1, terms = 1;
};

__device__ int64_t offset_of(uint32_t i, int rank, const Divider* extents, const int64_t* strides) {
  int64_t offset = 0;
  for (int axis = rank - 1; axis >= 0; --axis) offset += int64_t{extents[axis].split(i)} * strides[axis];
  return offset;
}

template <class Acc, class T>
__global__ void __launch_bounds__(threads)
    reduce_by_thread(const T* x, float* y, const __grid_constant__ Walk walk, bool square, float scale) {
  const uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= walk.outputs) return;
  const T* const first = x + offset_of(i, walk.kept_rank, walk.kept, walk.kept_strides);
  Acc acc;
  for (uint32_t j = 0; j < walk.terms; ++j)
    take(acc, load1(first + offset_of(j, walk.reduced_rank, walk.reduced, walk.reduced_strides)), square);
  y[i] = static_cast<float>(acc.total() * scale);
}

/// The instances: for each way the scalar and the vector kernel, then the same for bf16.
enum Way : int { by_columns, by_columns4, by_warp, by_warp4, by_block, by_block4, by_thread, ways };

struct Plan {
  int instance = -1;  ///< way, + ways for bf16
  int64_t outer = 1, length = 1, columns = 1;
  int64_t share = 0;  ///< by_block
  uint32_t splits = 1;
  ColumnGrid grid;
  Walk walk;
  size_t workspace = 0;
};

/// Merges axes into alternating groups, fills the walk and tells whether there is one reduced group only.
bool merge_axes(const ReduceArgs& args, Plan& plan) {
  int64_t extents[max_rank], strides[max_rank];
  bool reduced[max_rank];
  int groups = 0;
  for (int axis = 0; axis < args.rank; ++axis) {
    if (args.extents[axis] == 1) continue;
    if (groups > 0 && reduced[groups - 1] == args.reduced[axis]) {
      extents[groups - 1] *= args.extents[axis];
    } else {
      reduced[groups] = args.reduced[axis];
      extents[groups++] = args.extents[axis];
    }
  }
  int64_t stride = 1;
  for (int g = groups; g-- > 0; stride *= extents[g]) strides[g] = stride;

  Walk& w = plan.walk;
  for (int g = 0; g < groups; ++g) {
    if (reduced[g]) {
      w.reduced[w.reduced_rank] = Divider(extents[g]);
      w.reduced_strides[w.reduced_rank++] = strides[g];
      w.terms *= static_cast<uint32_t>(extents[g]);
      plan.length = extents[g];
    } else {
      w.kept[w.kept_rank] = Divider(extents[g]);
      w.kept_strides[w.kept_rank++] = strides[g];
      w.outputs *= static_cast<uint32_t>(extents[g]);
      (w.reduced_rank == 0 ? plan.outer : plan.columns) = extents[g];
    }
  }
  if (w.reduced_rank == 0)
    plan.columns = plan.outer, plan.outer = 1;  // nothing to add up: columns of one row
  return w.reduced_rank <= 1;
}

Plan plan_reduce(const ReduceArgs& args) {
  Plan plan;
  int64_t numel = 1;
  if (args.rank < 0 || args.rank > max_rank) return plan;
  for (int axis = 0; axis < args.rank; ++axis) numel *= args.extents[axis];
  if (numel >= int64_t{1} << 31 || (args.dtype != DType::f32 && args.dtype != DType::bf16)) return plan;
  const bool simple = merge_axes(args, plan) && numel > 0;
  const bool wide = simple && aligned(args.x, static_cast<size_t>(4 * size_of(args.dtype))) &&
                    (plan.columns > 1 ? plan.columns : plan.length) % 4 == 0;
  const int base = args.dtype == DType::bf16 ? ways : 0;

  const bool column_wise = plan.columns > 1 || plan.walk.reduced_rank == 0;
  int way = by_thread;
  if (simple) way = column_wise ? by_columns : plan.outer >= 256 || plan.length <= 1024 ? by_warp : by_block;
  if (simple && wide) ++way;
  if (args.instance >= 0) {
    const int asked = args.instance - base;
    if (asked < 0 || asked >= ways) return plan;
    const bool asks_columns = asked == by_columns || asked == by_columns4;
    const bool asks_four = asked == by_columns4 || asked == by_warp4 || asked == by_block4;
    if (asked != by_thread && (!simple || asks_columns != column_wise || (asks_four && !wide))) return plan;
    way = asked;
  }
  const int width = way == by_columns4 || way == by_warp4 || way == by_block4 ? 4 : 1;
  if (way == by_columns || way == by_columns4) {
    plan.grid = ColumnGrid(plan.outer, plan.length, plan.columns, width);
    plan.workspace = plan.grid.workspace(1, width);
  } else if (way == by_block || way == by_block4) {
    const int64_t most = ceil_div(plan.length, threads * 16);
    int64_t splits = plan.outer > column_counters ? 1 : ceil_div(640, plan.outer);
    splits = splits < most ? splits : most;
    plan.share = ceil_div(ceil_div(plan.length, splits), threads * 4) * threads * 4;
    plan.splits = static_cast<uint32_t>(ceil_div(plan.length, plan.share));
    if (plan.splits > 1)
      plan.workspace =
          column_counters * sizeof(uint32_t) + static_cast<size_t>(plan.outer) * plan.splits * sizeof(double);
  }
  plan.instance = base + way;
  return plan;
}

template <class Acc, int width, class T>
void launch_wide(const ReduceArgs& args, const Plan& plan, int way, cudaStream_t stream) {
  const auto* const x = static_cast<const T*>(args.x);
  const bool square = args.kind == ReduceKind::sum_squares;
  if (way == by_columns || way == by_columns4)
    reduce_columns_kernel<Acc, width><<<plan.grid.blocks, column_threads, 0, stream>>>(
        x, args.y, plan.grid, square, args.scale, args.workspace);
  else if (way == by_warp || way == by_warp4) {
    // Whole sectors side by side, then four loads a lane, where the row is long enough.
    int lanes = 1;
    while (lanes < 32 && lanes * width < plan.length &&
           (lanes * width < 32 || lanes * width * 4 < plan.length))
      lanes *= 2;
    reduce_rows_by_warp<Acc, width>
        <<<static_cast<unsigned>(ceil_div(plan.outer, threads / lanes)), threads, 0, stream>>>(
            x, args.y, plan.outer, static_cast<int32_t>(plan.length), lanes, square, args.scale);
  } else
    reduce_rows_by_block<Acc, width><<<static_cast<unsigned>(plan.outer) * plan.splits, threads, 0, stream>>>(
        x, args.y, plan.length, plan.share, plan.splits, square, args.scale, args.workspace);
}

template <class Acc, class T>
cudaError_t launch(const ReduceArgs& args, const Plan& plan, cudaStream_t stream) {
  const int way = plan.instance % ways;
  if (way == by_thread)
    reduce_by_thread<Acc>
        <<<static_cast<unsigned>(ceil_div(plan.walk.outputs, threads)), threads, 0, stream>>>(
            static_cast<const T*>(args.x), args.y, plan.walk, args.kind == ReduceKind::sum_squares,
            args.scale);
  else if (way == by_columns4 || way == by_warp4 || way == by_block4)
    launch_wide<Acc, 4, T>(args, plan, way, stream);
  else
    launch_wide<Acc, 1, T>(args, plan, way, stream);
  return cudaGetLastError();
}

}  // namespace

std::span<const Instance> reduce_instances() {
  static constexpr Instance table[] = {{"columns"},
                                       {"columns_vector"},
                                       {"warp"},
                                       {"warp_vector"},
                                       {"block"},
                                       {"block_vector"},
                                       {"thread"},
                                       {"columns_bf16"},
                                       {"columns_vector_bf16"},
                                       {"warp_bf16"},
                                       {"warp_vector_bf16"},
                                       {"block_bf16"},
                                       {"block_vector_bf16"},
                                       {"thread_bf16"}};
  return table;
}

int reduce_instance(const ReduceArgs& args) {
  return plan_reduce(args).instance;
}

size_t reduce_workspace(const ReduceArgs& args) {
  return plan_reduce(args).workspace;
}

cudaError_t launch_reduce(const ReduceArgs& args, cudaStream_t stream) {
  const Plan plan = plan_reduce(args);
  if (plan.instance < 0 || (plan.workspace > 0 && args.workspace == nullptr)) return cudaErrorInvalidValue;
  if (plan.walk.outputs == 0) return cudaSuccess;
  const bool max = args.kind == ReduceKind::max;
  if (args.dtype == DType::bf16)
    return max ? launch<Max, uint16_t>(args, plan, stream) : launch<Sum, uint16_t>(args, plan, stream);
  return max ? launch<Max, float>(args, plan, stream) : launch<Sum, float>(args, plan, stream);
}

}  // namespace agon::cuda
