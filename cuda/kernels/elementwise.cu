#include <cuda_pipeline_primitives.h>
#include <vector>

#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/elementwise_ops.cuh"
#include "cuda/kernels/elementwise_plan.h"

/// The interpreter. A thread computes `width` neighbouring elements at a time; operands and temporaries live
/// in shared memory, slot-major, so that a warp's accesses to a slot are one conflict-free run. Dense f32
/// operands come by cp.async: all of them are in flight together whatever their number. Threads share nothing
/// with each other but the final sums, so the loop has no barrier.
namespace agon::cuda {
namespace {

constexpr int threads = elementwise_threads;

template <int width>
struct Vector {
  float v[width];
};
template <>
struct alignas(16) Vector<4> {
  float v[4];
};

template <int width, class F>
__device__ Vector<width> map(F&& f) {
  Vector<width> y;
#pragma unroll
  for (int i = 0; i < width; ++i) y.v[i] = f(i);
  return y;
}

/// An element of any dtype as f32.
__device__ float read(const void* data, DType dtype, int64_t i) {
  switch (dtype) {
    case DType::f32:
      return static_cast<const float*>(data)[i];
    case DType::bf16:
      return from_bf16(static_cast<const uint16_t*>(data)[i]);
    case DType::i32:
      return static_cast<float>(static_cast<const int32_t*>(data)[i]);
    default:
      return static_cast<float>(static_cast<const uint8_t*>(data)[i]);
  }
}

__device__ void write(void* data, DType dtype, int64_t i, float x) {
  switch (dtype) {
    case DType::f32:
      static_cast<float*>(data)[i] = x;
      return;
    case DType::bf16:
      static_cast<uint16_t*>(data)[i] = to_bf16(x);
      return;
    case DType::i32:
      static_cast<int32_t*>(data)[i] = __float2int_rn(x);
      return;
    default:
      static_cast<uint8_t*>(data)[i] = static_cast<uint8_t>(fminf(fmaxf(rintf(x), 0.0f), 255.0f));
  }
}

template <int width>
__device__ Vector<width> read_row(const void* data, DType dtype, int64_t i) {
  if constexpr (width == 4) {
    if (dtype == DType::f32 || dtype == DType::bf16) {
      const float4 x = dtype == DType::f32 ? load4(static_cast<const float*>(data) + i)
                                           : load4(static_cast<const uint16_t*>(data) + i);
      return {{x.x, x.y, x.z, x.w}};
    }
  }
  return map<width>([&](int k) { return read(data, dtype, i + k); });
}

template <int width>
__device__ void write_row(void* data, DType dtype, int64_t i, const Vector<width>& x) {
  if constexpr (width == 4) {
    if (dtype == DType::f32) return store4(static_cast<float*>(data) + i, {x.v[0], x.v[1], x.v[2], x.v[3]});
    if (dtype == DType::bf16)
      return store4(static_cast<uint16_t*>(data) + i, {x.v[0], x.v[1], x.v[2], x.v[3]});
  }
#pragma unroll
  for (int k = 0; k < width; ++k) write(data, dtype, i + k, x.v[k]);
}

/// Where an operand holds the element `i` of the program's space.
__device__ int64_t offset_of(const ElementwisePlan& plan, const PlannedInput& input, uint32_t i) {
  int64_t offset = 0;
  for (int axis = plan.rank - 1; axis > 0; --axis)
    offset += int64_t{plan.extents[axis].split(i)} * input.strides[axis];
  return offset + int64_t{i} * input.strides[0];
}

template <int width>
__device__ void fetch(const ElementwisePlan& plan, const PlannedInput& input, uint32_t group,
                      Vector<width>* slot) {
  const int64_t first = int64_t{group} * width;
  if (input.access == Access::dense) {
    if (input.dtype == DType::f32)
      __pipeline_memcpy_async(slot, static_cast<const float*>(input.data) + first, sizeof(Vector<width>));
    else
      *slot = read_row<width>(input.data, input.dtype, first);
    return;
  }
  const int64_t offset = offset_of(plan, input, static_cast<uint32_t>(first));
  if (input.access == Access::row) {
    *slot = read_row<width>(input.data, input.dtype, offset);
  } else {
    const float x = read(input.data, input.dtype, offset);
    *slot = map<width>([&](int) { return x; });
  }
}

template <int width>
__device__ Vector<width> execute(const PlannedInstruction& code, const Vector<width>& a,
                                 const Vector<width>& b, const Vector<width>& c) {
  const auto by = [&]<ElementwiseOp op>() {
    return map<width>([&](int i) { return apply<op>(a.v[i], b.v[i], c.v[i], code.p, code.q); });
  };
  const auto kind = static_cast<ActivationKind>(code.activation);
  switch (static_cast<ElementwiseOp>(code.op)) {
    case ElementwiseOp::neg:
      return by.template operator()<ElementwiseOp::neg>();
    case ElementwiseOp::abs:
      return by.template operator()<ElementwiseOp::abs>();
    case ElementwiseOp::sign:
      return by.template operator()<ElementwiseOp::sign>();
    case ElementwiseOp::exp:
      return by.template operator()<ElementwiseOp::exp>();
    case ElementwiseOp::log:
      return by.template operator()<ElementwiseOp::log>();
    case ElementwiseOp::sqrt:
      return by.template operator()<ElementwiseOp::sqrt>();
    case ElementwiseOp::rsqrt:
      return by.template operator()<ElementwiseOp::rsqrt>();
    case ElementwiseOp::softplus:
      return by.template operator()<ElementwiseOp::softplus>();
    case ElementwiseOp::clamp:
      return by.template operator()<ElementwiseOp::clamp>();
    case ElementwiseOp::activation:
      return with_activation(kind, [&]<ActivationKind f>() {
        return map<width>([&](int i) { return activate<f>(a.v[i], code.p); });
      });
    case ElementwiseOp::activation_grad:
      return with_activation(kind, [&]<ActivationKind f>() {
        return map<width>([&](int i) { return activate_grad<f>(a.v[i], b.v[i], code.p); });
      });
    case ElementwiseOp::add:
      return by.template operator()<ElementwiseOp::add>();
    case ElementwiseOp::sub:
      return by.template operator()<ElementwiseOp::sub>();
    case ElementwiseOp::mul:
      return by.template operator()<ElementwiseOp::mul>();
    case ElementwiseOp::div:
      return by.template operator()<ElementwiseOp::div>();
    case ElementwiseOp::maximum:
      return by.template operator()<ElementwiseOp::maximum>();
    case ElementwiseOp::minimum:
      return by.template operator()<ElementwiseOp::minimum>();
    case ElementwiseOp::greater:
      return by.template operator()<ElementwiseOp::greater>();
    case ElementwiseOp::greater_equal:
      return by.template operator()<ElementwiseOp::greater_equal>();
    case ElementwiseOp::equal:
      return by.template operator()<ElementwiseOp::equal>();
    case ElementwiseOp::where:
      return by.template operator()<ElementwiseOp::where>();
    default:
      return a;
  }
}

/// Adds up every thread's share of the summed results; the last block merges the blocks' sums in order.
template <int width>
__device__ void finish_sums(const ElementwisePlan& plan, const Vector<width>* totals, double* partials,
                            uint32_t* counter) {
  for (int k = 0; k < plan.sums; ++k) {
    double own = 0;
    for (int i = 0; i < width; ++i) own += totals[k * threads].v[i];
    const double sum = block_sum<threads>(own);
    if (threadIdx.x == 0) partials[int64_t{k} * gridDim.x + blockIdx.x] = sum;
  }
  if (!last_block_done(counter, gridDim.x)) return;
  for (int k = 0; k < plan.outputs; ++k) {
    const PlannedOutput& out = plan.output[k];
    if (out.sum < 0) continue;
    double own = 0;
    for (uint32_t i = threadIdx.x; i < gridDim.x; i += threads)
      own += partials[int64_t{out.sum} * gridDim.x + i];
    const double sum = block_sum<threads>(own);
    if (threadIdx.x == 0) *static_cast<float*>(out.data) = static_cast<float>(sum * out.scale);
  }
}

template <int width>
__global__ void __launch_bounds__(threads)
    elementwise_interpret(const __grid_constant__ ElementwisePlan plan, double* partials, uint32_t* counter) {
  extern __shared__ __align__(16) unsigned char memory[];
  Vector<width>* const own = reinterpret_cast<Vector<width>*>(memory) + threadIdx.x;
  Vector<width>* const totals = own + plan.slots * threads;
  for (int k = 0; k < plan.sums; ++k) totals[k * threads] = {};
  // Threads without work read nothing: the one element that a program has may be overwritten by its result.
  const uint32_t first = blockIdx.x * threads + threadIdx.x;
  for (int k = 0; k < plan.inputs && first < plan.groups; ++k) {
    const PlannedInput& input = plan.input[k];
    if (input.access != Access::uniform) continue;
    const float x = input.data == nullptr ? input.value : read(input.data, input.dtype, 0);
    own[input.slot * threads] = map<width>([&](int) { return x; });
  }

  for (uint32_t group = first; group < plan.groups; group += gridDim.x * threads) {
    for (int k = 0; k < plan.inputs; ++k)
      if (plan.input[k].access != Access::uniform)
        fetch<width>(plan, plan.input[k], group, own + plan.input[k].slot * threads);
    __pipeline_commit();
    __pipeline_wait_prior(0);
    for (int j = 0; j < plan.code; ++j) {
      const PlannedInstruction& code = plan.instruction[j];
      own[code.to * threads] =
          execute<width>(code, own[code.a * threads], own[code.b * threads], own[code.c * threads]);
    }
    for (int k = 0; k < plan.outputs; ++k) {
      const PlannedOutput& out = plan.output[k];
      const Vector<width> x = own[out.slot * threads];
      if (out.sum < 0) {
        write_row<width>(out.data, out.dtype, int64_t{group} * width, x);
      } else {
        Vector<width>& total = totals[out.sum * threads];
        total = map<width>([&](int i) { return total.v[i] + x.v[i]; });
      }
    }
  }
  if (plan.sums > 0) finish_sums<width>(plan, totals, partials, counter);
}

template <int width>
cudaError_t launch_interpreter(const ElementwisePlan& plan, void* workspace, cudaStream_t stream) {
  const int64_t most = plan.sums > 0 ? elementwise_sum_blocks : 4096;
  const int64_t needed = ceil_div(plan.groups, threads);
  const auto blocks = static_cast<unsigned>(needed < 1 ? 1 : needed < most ? needed : most);
  const size_t shared = static_cast<size_t>(plan.slots + plan.sums) * threads * sizeof(Vector<width>);
  auto* const counter = static_cast<uint32_t*>(workspace);
  auto* const partials =
      reinterpret_cast<double*>(static_cast<char*>(workspace) + (workspace != nullptr ? 16 : 0));
  elementwise_interpret<width><<<blocks, threads, shared, stream>>>(plan, partials, counter);
  return cudaGetLastError();
}

constexpr size_t most_shared = 47 << 10;  // what every device has, less what the final sums take
bool fits(const ElementwisePlan& plan) {
  return static_cast<size_t>(plan.slots + plan.sums) * threads * 4 * static_cast<size_t>(plan.width) <=
         most_shared;
}

/// Plans `args` for its instance: 0 interprets element by element, 1 by fours, 2 and up are compiled.
int choose(const ElementwiseArgs& args, ElementwisePlan& plan) {
  const int asked = args.instance;
  if (!plan_elementwise(args, asked == 0, plan)) return -1;
  if (asked == -1 || asked >= 2) {
    const int direct = direct_instance(plan);
    if (direct >= 0 && (asked == -1 || asked == direct + 2)) return direct + 2;
    if (asked >= 2) return -1;
  }
  if (plan.width == 4 && fits(plan)) return 1;
  if (asked == 1) return -1;
  if (plan.width == 4 && !plan_elementwise(args, true, plan)) return -1;
  return fits(plan) ? 0 : -1;
}

}  // namespace

std::span<const Instance> elementwise_instances() {
  static const std::vector<Instance> table = [] {
    std::vector<Instance> all{{"interpret_scalar"}, {"interpret_vector"}};
    for (int i = 0; i < direct_count(); ++i) all.push_back(direct_name(i));
    return all;
  }();
  return table;
}

size_t elementwise_workspace(const ElementwiseArgs& args) {
  size_t sums = 0;
  for (int k = 0; k < args.output_count; ++k) sums += args.outputs[k].sum ? 1 : 0;
  return sums == 0 ? 0 : 16 + sums * elementwise_sum_blocks * sizeof(double);
}

int elementwise_instance(const ElementwiseArgs& args) {
  ElementwisePlan plan;
  return choose(args, plan);
}

cudaError_t launch_elementwise(const ElementwiseArgs& args, cudaStream_t stream) {
  ElementwisePlan plan;
  const int instance = choose(args, plan);
  if (instance < 0 || (plan.sums > 0 && args.workspace == nullptr)) return cudaErrorInvalidValue;
  if (plan.groups == 0 && plan.sums == 0) return cudaSuccess;
  if (instance >= 2) return launch_direct(instance - 2, plan, stream);
  return instance == 1 ? launch_interpreter<4>(plan, args.workspace, stream)
                       : launch_interpreter<1>(plan, args.workspace, stream);
}

}  // namespace agon::cuda
