#include "cuda/kernels/gemm.h"

#include "cuda/kernels/conv_plan.h"
#include "cuda/kernels/gemm_skinny.h"

namespace agon::cuda {
namespace {

bool valid(const MatmulArgs& args) {
  if (args.batch < 0 || args.m < 0 || args.n < 0 || args.k < 1) return false;
  if (args.math != Math::bf16 && args.y_dtype != DType::f32) return false;
  if (args.y_dtype != DType::f32 && args.y_dtype != DType::bf16) return false;
  if (args.batch > 1 && args.epilogue.stats_sums != nullptr) return false;
  const int64_t m = args.m, n = args.n, k = args.k;
  return m * k <= INT32_MAX && k * n <= INT32_MAX && m * n <= INT32_MAX;
}

bool valid(const Prologue& prologue, int channels) {
  if (prologue.kind == PrologueKind::none) return true;
  return prologue.channels > 0 && channels % prologue.channels == 0 &&
         (prologue.kind != PrologueKind::backward || prologue.z != nullptr) &&
         (prologue.scale == nullptr) == (prologue.shift == nullptr);
}

}  // namespace

/// Each kind of product is a convolution with a window of one pixel.
std::optional<Contraction> matmul_contraction(const MatmulArgs& args) {
  if (!valid(args)) return std::nullopt;
  Contraction contraction{args.math, Form::forward, {}, args.instance, args.splits, false, args.workspace};
  Problem& p = contraction.problem;
  p.a = args.a, p.b = args.b, p.result = args.y;
  p.result_dtype = args.y_dtype;
  p.groups = args.batch;
  p.a_group = int64_t{args.m} * args.k, p.b_group = int64_t{args.k} * args.n;
  p.result_group = int64_t{args.m} * args.n;
  p.m = args.m, p.n = args.n;
  p.result_row = p.result_channels = args.n;
  p.b_row = args.transpose_b ? args.k : args.n;
  if (!args.transpose_a) {
    contraction.form = args.transpose_b ? Form::forward : Form::input_grad;
    p.images = args.m;
    p.source_row = p.channels = args.k;
  } else {
    contraction.form = args.transpose_b ? Form::transposed : Form::weight_grad;
    p.images = args.k;
    p.a_row = args.m;
    p.source_row = args.n;
    p.channels = args.transpose_b ? args.k : args.n;
  }
  p.a_prologue = args.a_prologue, p.b_prologue = args.b_prologue;
  const int a_channels = args.transpose_a ? args.m : args.k, b_channels = args.transpose_b ? args.k : args.n;
  if (p.a_prologue.channels == 0) p.a_prologue.channels = a_channels;
  if (p.b_prologue.channels == 0) p.b_prologue.channels = b_channels;
  if (!valid(p.a_prologue, a_channels) || !valid(p.b_prologue, b_channels)) return std::nullopt;
  const bool b_transforms =
      contraction.form == Form::weight_grad && p.b_prologue.kind == PrologueKind::forward;
  if (p.b_prologue.kind != PrologueKind::none && !b_transforms) return std::nullopt;

  p.epilogue = args.epilogue;
  if (p.epilogue.stats_channels == 0) p.epilogue.stats_channels = args.n;
  const uintptr_t vector = args.y_dtype == DType::f32 ? 16 : 8;
  p.result_vectors = args.n % 4 == 0 && reinterpret_cast<uintptr_t>(p.result) % vector == 0;
  return contraction;
}

namespace {

/// Skinny kernels are numbered behind the tiled ones. The kernel that `args` runs as, or -1.
int skinny(MatmulArgs args) {
  const int tiled = static_cast<int>(contraction_kernels().size());
  if (args.a_prologue.channels == 0) args.a_prologue.channels = args.transpose_a ? args.m : args.k;
  if (args.b_prologue.channels == 0) args.b_prologue.channels = args.transpose_b ? args.k : args.n;
  if (!valid(args) || (args.instance >= 0 && args.instance < tiled)) return -1;
  return skinny_kernel(args, args.instance < 0 ? -1 : args.instance - tiled);
}

std::optional<ContractionPlan> tiled_plan(const MatmulArgs& args) {
  const auto contraction = matmul_contraction(args);
  return contraction ? plan_contraction(*contraction) : std::nullopt;
}

}  // namespace

size_t matmul_workspace(const MatmulArgs& args) {
  if (skinny(args) >= 0) return 0;
  const auto plan = tiled_plan(args);
  return plan ? plan->workspace_bytes : 0;
}

int64_t matmul_stats_partials(const MatmulArgs& args) {
  const auto plan = tiled_plan(args);
  if (!plan) return 0;
  return int64_t{plan->problem.m_tiles} * (args.n / plan->problem.epilogue.stats_channels);
}

int matmul_instance(const MatmulArgs& args) {
  if (const int i = skinny(args); i >= 0) return static_cast<int>(contraction_kernels().size()) + i;
  const auto plan = tiled_plan(args);
  return plan ? plan->instance : -1;
}

cudaError_t launch_matmul(const MatmulArgs& args, cudaStream_t stream) {
  if (const int i = skinny(args); i >= 0) {
    MatmulArgs complete = args;
    if (args.a_prologue.channels == 0) complete.a_prologue.channels = args.transpose_a ? args.m : args.k;
    if (args.b_prologue.channels == 0) complete.b_prologue.channels = args.transpose_b ? args.k : args.n;
    return skinny_kernels()[static_cast<size_t>(i)].launch(complete, stream);
  }
  const auto contraction = matmul_contraction(args);
  return contraction ? launch_contraction(*contraction, stream) : cudaErrorInvalidValue;
}

std::span<const ContractionInstance> matmul_instances() {
  static const std::vector<ContractionInstance> all = [] {
    const auto tiled = contraction_instances();
    std::vector<ContractionInstance> instances(tiled.begin(), tiled.end());
    for (const SkinnyEntry& skinny : skinny_kernels()) instances.push_back(skinny.instance);
    return instances;
  }();
  return all;
}

}  // namespace agon::cuda
