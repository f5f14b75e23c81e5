#pragma once
#include "cuda/kernels/conv_kernel.cuh"
#include "cuda/kernels/conv_table.h"

namespace agon::cuda {

template <class K>
KernelEntry kernel_entry(const char* name) {
  return {
      {{name}, K::math, K::tile_m, K::tile_n, K::aligned, K::fused},
      sizeof(typename K::T) == 2 ? DType::bf16 : DType::f32,
      Schedule::tiles,
      K::form,
      K::width,
      K::depth,
      K::threads,
      reinterpret_cast<const void*>(&contraction<K>),
      [](const Problem& p) { return K::shared_bytes(p.taps, p.a_prologue.kind == PrologueKind::backward); },
      K::halves};
}

}  // namespace agon::cuda

/// One row of a table: math, form, tile, elements a copy, stages, fused; and what the name says of the last.
#define AGON_KERNEL(math, form, m, n, width, stages, fused, suffix)                                    \
  agon::cuda::kernel_entry<                                                                            \
      agon::cuda::Kernel<agon::cuda::Math::math, agon::cuda::Form::form, m, n, width, stages, fused>>( \
      #math "_" #form "_" #m "x" #n suffix)

/// The row of operands that lie at any address, an element a copy: `type` is their storage.
#define AGON_UNALIGNED(form, type, suffix)                                                          \
  agon::cuda::kernel_entry<                                                                         \
      agon::cuda::Kernel<agon::cuda::Math::f32, agon::cuda::Form::form, 64, 64, 1, 3, true, type>>( \
      "f32_" #form "_64x64" suffix)
