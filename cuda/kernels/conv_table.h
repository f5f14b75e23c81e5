#pragma once
#include <span>

#include "cuda/kernels/conv_problem.h"

/// The compiled contraction kernels, as the host sees them.
namespace agon::cuda {

struct KernelEntry {
  ContractionInstance instance;
  Form form;
  int width;  ///< elements a copy
  int depth;  ///< elements of k in a stage
  int threads;
  const void* kernel;
  int (*shared_bytes)(int taps, bool second_tensor);
};

std::span<const KernelEntry> f32_kernels();
std::span<const KernelEntry> tf32_kernels();
std::span<const KernelEntry> bf16_kernels();

}  // namespace agon::cuda
