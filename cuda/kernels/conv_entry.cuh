#pragma once
#include "cuda/kernels/conv_kernel.cuh"
#include "cuda/kernels/conv_table.h"

namespace agon::cuda {

template <class K>
KernelEntry kernel_entry(const char* name) {
  const bool aligned = K::width * sizeof(typename K::T) == 16;
  return {
      {{name}, K::math, K::tile_m, K::tile_n, aligned, K::fused},
      Schedule::tiles,
      K::form,
      K::width,
      K::depth,
      K::threads,
      reinterpret_cast<const void*>(&contraction<K>),
      [](const Problem& p) { return K::shared_bytes(p.taps, p.a_prologue.kind == PrologueKind::backward); }};
}

}  // namespace agon::cuda

/// One row of a table: math, form, tile, elements a copy, stages, fused; and what the name says of the last.
#define AGON_KERNEL(math, form, m, n, width, stages, fused, suffix)                                    \
  agon::cuda::kernel_entry<                                                                            \
      agon::cuda::Kernel<agon::cuda::Math::math, agon::cuda::Form::form, m, n, width, stages, fused>>( \
      #math "_" #form "_" #m "x" #n suffix)
