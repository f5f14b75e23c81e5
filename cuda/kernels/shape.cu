#include "cuda/kernels/copy_plan.h"
#include "cuda/kernels/shape.h"

namespace agon::cuda {
namespace {

constexpr int threads = 256;

template <class Word>
__global__ void __launch_bounds__(threads)
    copy_rows(const Word* src, Word* dst, const __grid_constant__ CopyPlan plan) {
  uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= plan.words) return;
  int64_t from = 0, to = 0;
  for (int axis = plan.rank - 1; axis >= 0; --axis) {
    const uint32_t at = axis > 0 ? plan.extents[axis].split(i) : i;
    from += at * plan.src_strides[axis];
    to += at * plan.dst_strides[axis];
  }
  dst[to] = src[from];
}

/// A word's place in the box: one word is left out every 32, so that strides of powers of two spread over
/// banks.
__device__ uint32_t skewed(uint32_t place) {
  return place + place / 32;
}

template <class Word>
__global__ void __launch_bounds__(threads)
    copy_tiles(const Word* src, Word* dst, const __grid_constant__ CopyPlan plan) {
  __shared__ Word box[most_box_words + most_box_words / 32];
  uint32_t block = blockIdx.x;
  int64_t src_first = 0, dst_first = 0;
  uint32_t room[max_rank];  // words of the box that lie in the tensor, by axis
#pragma unroll
  for (int axis = max_rank - 1; axis >= 0; --axis) {
    room[axis] = 1;
    if (axis >= plan.rank) continue;
    const uint32_t first = plan.boxes[axis].split(block) * plan.box[axis].divisor;
    room[axis] = plan.extents[axis].divisor - first;
    src_first += first * plan.src_strides[axis];
    dst_first += first * plan.dst_strides[axis];
  }
  __shared__ uint32_t rooms[max_rank];
#pragma unroll
  for (int axis = 0; axis < max_rank; ++axis)
    if (threadIdx.x == 0) rooms[axis] = room[axis];
  __syncthreads();

  for (uint32_t place = threadIdx.x; place < plan.box_words; place += threads) {
    uint32_t rest = place;
    int64_t from = src_first;
    bool inside = true;
    for (int k = plan.rank - 1; k >= 0; --k) {
      const int axis = plan.order[k];
      const uint32_t at = plan.box[axis].split(rest);
      from += at * plan.src_strides[axis];
      inside = inside && at < rooms[axis];
    }
    if (inside) box[skewed(place)] = src[from];
  }
  __syncthreads();
  for (uint32_t i = threadIdx.x; i < plan.box_words; i += threads) {
    uint32_t rest = i, place = 0;
    int64_t to = dst_first;
    bool inside = true;
    for (int axis = plan.rank - 1; axis >= 0; --axis) {
      const uint32_t at = plan.box[axis].split(rest);
      to += at * plan.dst_strides[axis];
      place += at * static_cast<uint32_t>(plan.place[axis]);
      inside = inside && at < rooms[axis];
    }
    if (inside) dst[to] = box[skewed(place)];
  }
}

/// dst's words with what they take from src.
struct PadPlan {
  int32_t rank;
  uint32_t words;
  Divider extents[max_rank];
  uint32_t src_extents[max_rank], lo[max_rank];
};

template <class Word>
__global__ void __launch_bounds__(threads)
    pad(const Word* src, Word* dst, const __grid_constant__ PadPlan plan) {
  const uint32_t i = blockIdx.x * threads + threadIdx.x;
  if (i >= plan.words) return;
  uint32_t rest = i;
  int64_t from = 0, stride = 1;
  bool inside = true;
  for (int axis = plan.rank - 1; axis >= 0; --axis) {
    const uint32_t at = plan.extents[axis].split(rest) - plan.lo[axis];  // wraps below lo
    inside = inside && at < plan.src_extents[axis];
    from += at * stride;
    stride *= plan.src_extents[axis];
  }
  dst[i] = inside ? src[from] : Word{};
}

template <class Word>
__global__ void __launch_bounds__(threads) fill(Word* dst, Word value, int64_t count) {
  const int64_t i = int64_t{blockIdx.x} * threads + threadIdx.x;
  if (i < count) dst[i] = value;
}

template <class Word>
void launch_rows(const CopyArgs& args, const CopyPlan& plan, cudaStream_t stream) {
  copy_rows<<<static_cast<unsigned>(ceil_div(plan.words, threads)), threads, 0, stream>>>(
      static_cast<const Word*>(args.src), static_cast<Word*>(args.dst), plan);
}
template <class Word>
void launch_tiles(const CopyArgs& args, const CopyPlan& plan, cudaStream_t stream) {
  copy_tiles<<<plan.box_count, threads, 0, stream>>>(static_cast<const Word*>(args.src),
                                                     static_cast<Word*>(args.dst), plan);
}
template <class Word>
void launch_pad_of(const PadArgs& args, const PadPlan& plan, cudaStream_t stream) {
  pad<<<static_cast<unsigned>(ceil_div(plan.words, threads)), threads, 0, stream>>>(
      static_cast<const Word*>(args.src), static_cast<Word*>(args.dst), plan);
}

constexpr void (*copies[])(const CopyArgs&, const CopyPlan&, cudaStream_t) = {
    launch_rows<uint8_t>,   launch_rows<uint16_t>,  launch_rows<uint32_t>,
    launch_rows<uint2>,     launch_rows<uint4>,     launch_tiles<uint8_t>,
    launch_tiles<uint16_t>, launch_tiles<uint32_t>, launch_tiles<uint2>};

/// The largest word that the innermost axis and both tensors allow, in bytes.
int pad_word(const PadArgs& args) {
  int word = 16;
  const int row = args.rank - 1;
  const auto fits = [&] {
    if (!aligned(args.src, static_cast<size_t>(word)) || !aligned(args.dst, static_cast<size_t>(word)))
      return false;
    for (const int64_t elements : {args.src_extents[row], args.extents[row], args.lo[row]})
      if (elements * args.element_size % word != 0) return false;
    return true;
  };
  while (word > args.element_size && (row < 0 || !fits())) word /= 2;
  return word;
}

}  // namespace

std::span<const Instance> copy_instances() {
  static constexpr Instance table[] = {{"rows_1"},  {"rows_2"},  {"rows_4"},  {"rows_8"}, {"rows_16"},
                                       {"tiles_1"}, {"tiles_2"}, {"tiles_4"}, {"tiles_8"}};
  return table;
}

int copy_instance(const CopyArgs& args) {
  return plan_copy(args).instance;
}

cudaError_t launch_copy(const CopyArgs& args, cudaStream_t stream) {
  const CopyPlan plan = plan_copy(args);
  if (plan.instance < 0) return cudaErrorInvalidValue;
  if (plan.words == 0) return cudaSuccess;
  copies[plan.instance](args, plan, stream);
  return cudaGetLastError();
}

cudaError_t launch_pad(const PadArgs& args, cudaStream_t stream) {
  const int size = args.element_size;
  if (args.rank < 0 || args.rank > max_rank || (size != 1 && size != 2 && size != 4 && size != 8))
    return cudaErrorInvalidValue;
  const int word = pad_word(args);
  PadPlan plan{args.rank, 1, {}, {}, {}};
  int64_t words = 1;
  for (int i = 0; i < args.rank; ++i) {
    const int64_t unit = i + 1 == args.rank ? word / size : 1;
    if (args.lo[i] < 0 || args.lo[i] + args.src_extents[i] > args.extents[i]) return cudaErrorInvalidValue;
    plan.extents[i] = Divider(args.extents[i] / unit);
    plan.src_extents[i] = static_cast<uint32_t>(args.src_extents[i] / unit);
    plan.lo[i] = static_cast<uint32_t>(args.lo[i] / unit);
    words *= args.extents[i] / unit;
  }
  if (words >= int64_t{1} << 31) return cudaErrorInvalidValue;
  if (words == 0) return cudaSuccess;
  plan.words = static_cast<uint32_t>(words);
  constexpr void (*pads[])(const PadArgs&, const PadPlan&, cudaStream_t) = {
      launch_pad_of<uint8_t>, launch_pad_of<uint16_t>, launch_pad_of<uint32_t>, launch_pad_of<uint2>,
      launch_pad_of<uint4>};
  int log = 0;
  while (1 << log < word) ++log;
  pads[log](args, plan, stream);
  return cudaGetLastError();
}

cudaError_t launch_fill(const FillArgs& args, cudaStream_t stream) {
  if (args.count == 0) return cudaSuccess;
  const auto blocks = [&](int64_t words) { return static_cast<unsigned>(ceil_div(words, threads)); };
  const auto as_float = static_cast<float>(args.value);
  const auto as_int = static_cast<int32_t>(args.value);
  const bool wide = args.count % 4 == 0 && aligned(args.dst, 16);
  if (args.dtype == DType::f32 && wide)
    fill<<<blocks(args.count / 4), threads, 0, stream>>>(
        static_cast<float4*>(args.dst), float4{as_float, as_float, as_float, as_float}, args.count / 4);
  else if (args.dtype == DType::f32)
    fill<<<blocks(args.count), threads, 0, stream>>>(static_cast<float*>(args.dst), as_float, args.count);
  else if (args.dtype == DType::bf16)
    fill<<<blocks(args.count), threads, 0, stream>>>(
        static_cast<uint16_t*>(args.dst), __bfloat16_as_ushort(__float2bfloat16_rn(as_float)), args.count);
  else if (args.dtype == DType::i32)
    fill<<<blocks(args.count), threads, 0, stream>>>(static_cast<int32_t*>(args.dst), as_int, args.count);
  else
    fill<<<blocks(args.count), threads, 0, stream>>>(static_cast<uint8_t*>(args.dst),
                                                     static_cast<uint8_t>(as_int), args.count);
  return cudaGetLastError();
}

}  // namespace agon::cuda
