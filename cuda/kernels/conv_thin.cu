#include "cuda/kernels/conv_table.h"
#include "cuda/kernels/conv_thin_out.cuh"
#include "cuda/kernels/conv_thin_weights.cuh"

namespace agon::cuda {
namespace {

template <class K>
KernelEntry out_entry(const char* name) {
  return {{{name}, Math::f32, K::tile_m, K::max_channels, true, true},
          K::math == Math::bf16 ? DType::bf16 : DType::f32,
          Schedule::thin_out,
          K::form,
          K::width,
          K::chunk,
          K::threads,
          reinterpret_cast<const void*>(&thin_out<K>),
          [](const Problem& p) { return K::shared_bytes(p.taps, p.n); }};
}

template <class K>
KernelEntry weights_entry(const char* name) {
  return {{{name}, Math::f32, K::dense_tile, K::patch_tile, true, true},
          K::math == Math::bf16 ? DType::bf16 : DType::f32,
          K::x_is_thin ? Schedule::thin_x : Schedule::thin_y,
          Form::weight_grad,
          K::width,
          K::pixels,
          K::threads,
          reinterpret_cast<const void*>(&thin_weights<K>),
          [](const Problem&) { return 0; }};
}

}  // namespace

std::span<const KernelEntry> thin_kernels() {
  static const KernelEntry table[] = {
      out_entry<ThinOut<Math::f32, Form::forward>>("f32_forward_thin"),
      out_entry<ThinOut<Math::bf16, Form::forward>>("bf16_forward_thin"),
      out_entry<ThinOut<Math::f32, Form::input_grad>>("f32_input_grad_thin"),
      out_entry<ThinOut<Math::bf16, Form::input_grad>>("bf16_input_grad_thin"),
      weights_entry<ThinWeights<Math::f32, true>>("f32_weight_grad_thin_x"),
      weights_entry<ThinWeights<Math::bf16, true>>("bf16_weight_grad_thin_x"),
      weights_entry<ThinWeights<Math::f32, false>>("f32_weight_grad_thin_y"),
      weights_entry<ThinWeights<Math::bf16, false>>("bf16_weight_grad_thin_y")};
  return table;
}

}  // namespace agon::cuda
