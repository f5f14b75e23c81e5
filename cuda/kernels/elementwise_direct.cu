#include "cuda/kernels/elementwise_ops.cuh"
#include "cuda/kernels/elementwise_plan.h"

/// Compiled instances of the commonest programs: one instruction, every operand dense and aligned. A thread
/// moves 16 bytes of the widest operand at a time, two times, both loads in flight together.
namespace agon::cuda {
namespace {

constexpr int threads = 256, unroll = 2;

template <ElementwiseOp op, ActivationKind f>
__device__ float compute(float a, float b, float alpha) {
  if constexpr (op == ElementwiseOp::activation) return activate<f>(a, alpha);
  if constexpr (op == ElementwiseOp::activation_grad) return activate_grad<f>(a, b, alpha);
  return apply<op>(a, b, 0, 0, 0);
}

template <ElementwiseOp op, ActivationKind f, class In, class Out>
__global__ void __launch_bounds__(threads)
    elementwise_direct(const In* a, const In* b, Out* y, float alpha, uint32_t groups) {
  constexpr bool two = op != ElementwiseOp::activation && op != ElementwiseOp::cast;
  const uint32_t first = blockIdx.x * threads * unroll + threadIdx.x;
  float4 u[unroll], v[unroll];
#pragma unroll
  for (int k = 0; k < unroll; ++k) {
    const uint32_t i = first + k * threads;
    if (i >= groups) break;
    u[k] = load4(a + int64_t{i} * 4);
    v[k] = two ? load4(b + int64_t{i} * 4) : u[k];
  }
#pragma unroll
  for (int k = 0; k < unroll; ++k) {
    const uint32_t i = first + k * threads;
    if (i >= groups) break;
    store4(y + int64_t{i} * 4,
           {compute<op, f>(u[k].x, v[k].x, alpha), compute<op, f>(u[k].y, v[k].y, alpha),
            compute<op, f>(u[k].z, v[k].z, alpha), compute<op, f>(u[k].w, v[k].w, alpha)});
  }
}

struct Direct {
  Instance instance;
  ElementwiseOp op;
  ActivationKind activation;
  DType in, out;
  void (*launch)(const void* a, const void* b, void* y, float alpha, uint32_t groups, unsigned blocks,
                 cudaStream_t stream);
};

template <DType dtype>
using Stored = std::conditional_t<dtype == DType::bf16, uint16_t, float>;

template <ElementwiseOp op, ActivationKind f = ActivationKind::identity, DType in = DType::f32,
          DType out = DType::f32>
constexpr Direct direct(const char* name) {
  using In = Stored<in>;
  using Out = Stored<out>;
  return {{name},
          op,
          f,
          in,
          out,
          [](const void* a, const void* b, void* y, float alpha, uint32_t groups, unsigned blocks,
             cudaStream_t stream) {
            elementwise_direct<op, f><<<blocks, threads, 0, stream>>>(
                static_cast<const In*>(a), static_cast<const In*>(b), static_cast<Out*>(y), alpha, groups);
          }};
}

using enum ElementwiseOp;
using Kind = ActivationKind;
constexpr Direct table[] = {
    direct<activation, Kind::relu>("relu"),
    direct<activation, Kind::leaky_relu>("leaky_relu"),
    direct<activation, Kind::elu>("elu"),
    direct<activation, Kind::tanh>("tanh"),
    direct<activation, Kind::sigmoid>("sigmoid"),
    direct<activation_grad, Kind::relu>("relu_grad"),
    direct<activation_grad, Kind::leaky_relu>("leaky_relu_grad"),
    direct<activation_grad, Kind::elu>("elu_grad"),
    direct<activation_grad, Kind::tanh>("tanh_grad"),
    direct<activation_grad, Kind::sigmoid>("sigmoid_grad"),
    direct<add>("add"),
    direct<mul>("mul"),
    direct<cast>("copy"),
    direct<cast, Kind::identity, DType::f32, DType::bf16>("to_bf16"),
    direct<cast, Kind::identity, DType::bf16, DType::f32>("from_bf16"),
    direct<add, Kind::identity, DType::bf16, DType::bf16>("add_bf16"),
    direct<activation, Kind::leaky_relu, DType::bf16, DType::bf16>("leaky_relu_bf16"),
    direct<activation_grad, Kind::leaky_relu, DType::bf16, DType::bf16>("leaky_relu_grad_bf16"),
};

}  // namespace

int direct_count() {
  return static_cast<int>(std::size(table));
}

const Instance& direct_name(int instance) {
  return table[instance].instance;
}

int direct_instance(const ElementwisePlan& plan) {
  if (plan.code != 1 || plan.outputs != 1 || plan.sums != 0 || plan.width != 4) return -1;
  for (int k = 0; k < plan.inputs; ++k)
    if (plan.input[k].access != Access::dense || plan.input[k].dtype != plan.input[0].dtype) return -1;
  const PlannedInstruction& code = plan.instruction[0];
  for (int i = 0; i < direct_count(); ++i) {
    const Direct& d = table[i];
    const bool activates = d.op == activation || d.op == activation_grad;
    if (static_cast<int>(d.op) == code.op && plan.inputs > 0 && d.in == plan.input[0].dtype &&
        d.out == plan.output[0].dtype && (!activates || static_cast<int>(d.activation) == code.activation))
      return i;
  }
  return -1;
}

cudaError_t launch_direct(int instance, const ElementwisePlan& plan, cudaStream_t stream) {
  const PlannedInstruction& code = plan.instruction[0];
  // Before a slot is reused, slots are the operands' numbers.
  const auto blocks = static_cast<unsigned>(ceil_div(plan.groups, threads * unroll));
  table[instance].launch(plan.input[code.a].data, plan.input[code.b].data, plan.output[0].data, code.p,
                         plan.groups, blocks, stream);
  return cudaGetLastError();
}

}  // namespace agon::cuda
