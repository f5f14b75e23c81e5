#pragma once
#include <optional>
#include <vector>

#include "cuda/kernels/conv.h"
#include "cuda/kernels/conv_table.h"
#include "cuda/kernels/gemm.h"

/// From arguments to a launch of a contraction kernel.
namespace agon::cuda {

/// A contraction before a kernel is chosen.
struct Contraction {
  Math math = Math::f32;
  Form form = Form::forward;
  Problem problem;
  int instance = -1, splits = 0;
  bool thin = false;  ///< may run as one of the thin kernels
  void* workspace = nullptr;
};

/// A kernel with its tiles; `problem` is complete but for pointers into the workspace.
struct ContractionPlan {
  int instance = -1;
  const KernelEntry* kernel = nullptr;
  Problem problem;
  unsigned grid_x = 0, grid_y = 0;
  int shared_bytes = 0;
  size_t workspace_bytes = 0;
};

/// All kernels of this family; an instance's number is its index here.
std::span<const KernelEntry> contraction_kernels();
std::span<const ContractionInstance> contraction_instances();

/// Nothing if the arguments are outside of the limits or no kernel (or not the one asked for) fits.
std::optional<ContractionPlan> plan_contraction(const Contraction& contraction);
cudaError_t launch_contraction(const Contraction& contraction, cudaStream_t stream);

/// Nothing for arguments that describe no convolution.
std::optional<Contraction> conv_contraction(const ConvArgs& args);
std::optional<Contraction> matmul_contraction(const MatmulArgs& args);

}  // namespace agon::cuda
