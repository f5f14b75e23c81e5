#pragma once
#include <span>

#include "cuda/kernels/conv_problem.h"

/// The compiled contraction kernels, as the host sees them.
namespace agon::cuda {

/// How a kernel divides its work: into tiles, or as conv_thin_out.cuh and conv_thin_weights.cuh say.
enum class Schedule : int32_t { tiles, thin_out, thin_x, thin_y };

struct KernelEntry {
  ContractionInstance instance;
  DType operands;
  Schedule schedule;
  Form form;
  int width;  ///< elements a copy
  int depth;  ///< elements of k in a stage
  int threads;
  const void* kernel;
  int (*shared_bytes)(const Problem&);
  bool halves = false;  ///< leaves out empty halves of a warp's rows and columns (WarpShare)
};

std::span<const KernelEntry> f32_kernels();
std::span<const KernelEntry> tf32_kernels();
std::span<const KernelEntry> bf16_kernels();
std::span<const KernelEntry> thin_kernels();

}  // namespace agon::cuda
