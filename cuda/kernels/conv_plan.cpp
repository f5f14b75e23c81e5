#include "cuda/kernels/conv_plan.h"

#include <algorithm>
#include <cmath>

#include "cuda/kernels/shared_memory.h"

namespace agon::cuda {
namespace {

constexpr int max_counters = static_cast<int>(contraction_counter_bytes / sizeof(uint32_t));
/// Blocks that fill a device. Not asked of the device, so that results do not depend on it.
constexpr int64_t blocks_wanted = 132;

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

bool aligned16(const void* p) {
  return reinterpret_cast<uintptr_t>(p) % 16 == 0;
}

bool has_prologue(const Problem& p) {
  return p.a_prologue.kind != PrologueKind::none || p.b_prologue.kind != PrologueKind::none;
}

bool can_transform(const Prologue& prologue) {
  return prologue.kind == PrologueKind::none || suits_prologue(prologue.activation);
}

bool prologue_aligned(const Prologue& prologue, int width) {
  return prologue.kind == PrologueKind::none ||
         (aligned16(prologue.scale) && aligned16(prologue.shift) && aligned16(prologue.z) &&
          aligned16(prologue.coefficients) && prologue.channels % width == 0);
}

/// Whether every copy of `width` elements stays within a row of an operand, at a multiple of its size.
bool can_load(const Problem& p, Form form, int width) {
  if (width == 1) return true;
  const auto fits = [&](int64_t extent) { return extent % width == 0; };
  bool fit = aligned16(p.a) && aligned16(p.b) && fits(p.a_group) && fits(p.b_group) &&
             prologue_aligned(p.a_prologue, width) && prologue_aligned(p.b_prologue, width);
  switch (form) {
    case Form::forward:
      return fit && fits(p.channels) && fits(p.source_row) && fits(p.b_row);
    case Form::input_grad:
      return fit && fits(p.channels) && fits(p.source_row) && fits(p.b_row) && fits(p.n) && fits(p.tap_step);
    case Form::weight_grad:
      return fit && fits(p.m) && fits(p.a_row) && fits(p.channels) && fits(p.source_row);
    case Form::transposed:
      return fit && fits(p.m) && fits(p.a_row) && fits(p.channels) && fits(p.b_row);
  }
  return false;
}

/// Thin kernels load the wide side alone by 16 bytes.
bool can_run_thin(const KernelEntry& kernel, const Problem& p) {
  const auto fits = [&](int64_t extent) { return extent % kernel.width == 0; };
  if (p.groups != 1 || p.epilogue.stats_sums != nullptr) return false;
  switch (kernel.schedule) {
    case Schedule::thin_out:
      return p.n <= 4 && p.taps <= 64 && aligned16(p.a) && fits(p.channels) &&
             prologue_aligned(p.a_prologue, kernel.width);
    case Schedule::thin_x:
      return p.channels <= 4 && aligned16(p.a) && fits(p.m) && prologue_aligned(p.a_prologue, kernel.width);
    case Schedule::thin_y:
      return p.m <= 4 && aligned16(p.b) && fits(p.channels) && prologue_aligned(p.b_prologue, kernel.width);
    default:
      return false;
  }
}

bool can_run(const KernelEntry& kernel, const Contraction& c) {
  if (kernel.form != c.form || (has_prologue(c.problem) && !kernel.instance.fused)) return false;
  if (!can_transform(c.problem.a_prologue) || !can_transform(c.problem.b_prologue)) return false;
  if ((kernel.operands == DType::bf16) != (c.math == Math::bf16)) return false;
  if (kernel.schedule != Schedule::tiles) return c.thin && can_run_thin(kernel, c.problem);
  // Operands that tensor cores cannot load in 16-byte rows are multiplied in f32: more exact, never wrong.
  const bool substitute = kernel.instance.math == Math::f32 && !kernel.instance.aligned;
  return (kernel.instance.math == c.math || substitute) && can_load(c.problem, c.form, kernel.width);
}

/// The share of (pixel, tap) pairs that do not lie in the padding.
double inside_share(const Problem& p, Form form) {
  double share = 1;
  for (int axis = 0; axis < 3; ++axis) {
    const int y = form == Form::forward ? p.pixels[axis] : p.source[axis];
    const int x = form == Form::forward ? p.source[axis] : p.pixels[axis];
    int64_t inside = 0;
    for (int o = 0; o < y; ++o)
      for (int k = 0; k < p.kernel[axis]; ++k) {
        const int64_t i = int64_t{o} * p.stride[axis] - p.pad[axis] + int64_t{k} * p.dilation[axis];
        inside += i >= 0 && i < x;
      }
    share *= static_cast<double>(inside) / (static_cast<double>(y) * p.kernel[axis]);
  }
  return share;
}

/// Where much of a window lies in the padding, a tile takes one pixel of many images, so that whole taps drop
/// out.
int choose_images_inner(const Problem& p, const KernelEntry& kernel) {
  if (!(kernel.form == Form::forward || kernel.form == Form::input_grad) || p.taps == 1 || p.taps > 32)
    return 1;
  if (inside_share(p, kernel.form) > 0.95) return 1;
  int inner = 1;
  for (int i = 1; i <= std::min(p.images, kernel.instance.tile_m); ++i)
    if (p.images % i == 0) inner = i;
  return inner >= 8 ? inner : 1;
}

int64_t k_tiles(const Contraction& c, const KernelEntry& kernel) {
  const Problem& p = c.problem;
  const int64_t k = c.form == Form::weight_grad ? int64_t{p.images} * p.pixels[0] * p.pixels[1] * p.pixels[2]
                                                : ceil_div(int64_t{p.taps} * p.channels, p.classes);
  return std::max<int64_t>(ceil_div(k, kernel.depth), 1);
}

int choose_splits(const Contraction& c, const KernelEntry& kernel, int64_t tiles) {
  if (kernel.schedule == Schedule::thin_out) return 1;  // eight threads share a sum, blocks do not
  const int64_t stages = k_tiles(c, kernel);
  if (tiles > max_counters) return 1;
  if (c.splits > 0) return static_cast<int>(std::min<int64_t>(c.splits, stages));
  if (tiles >= blocks_wanted) return 1;
  // Each split costs a tile written and read again; worth it from 8 stages on.
  return static_cast<int>(
      std::clamp<int64_t>(std::min(ceil_div(2 * blocks_wanted, tiles), stages / 8), 1, 64));
}

/// A rough time: the multiplications, and a quarter of those that a tile's empty rows and columns would be
/// (its idle warps take room); what goes into shared memory for the tiles (prologues above all, which every
/// tile runs for itself); copies element by element; idle processors.
double cost(const KernelEntry& kernel, const Contraction& c) {
  if (kernel.schedule != Schedule::tiles) return 0;
  const Problem& p = c.problem;
  const auto round_up = [](int64_t extent, int64_t unit) {
    return static_cast<double>(ceil_div(extent, unit) * unit);
  };
  const int tile_m = kernel.instance.tile_m, tile_n = kernel.instance.tile_n;
  const double full = round_up(p.m, tile_m) * round_up(p.n, tile_n);
  const double real = round_up(p.m, kernel.halves ? 32 : 64) * round_up(p.n, kernel.halves ? 16 : 32);
  // In units of products, which are dearer without tensor cores.
  const double per_tile = (has_prologue(p) ? 64 : 32) / (kernel.instance.math == Math::f32 ? 2 : 1);
  const double work = 0.75 * real + 0.25 * full + full * (per_tile / tile_m + per_tile / tile_n);
  const int64_t tiles = ceil_div(p.m, tile_m) * ceil_div(p.n, tile_n) * p.classes * p.groups;
  const auto blocks = static_cast<double>(tiles * choose_splits(c, kernel, tiles));
  const double idle = std::max(1.0, 0.5 * static_cast<double>(blocks_wanted) / blocks);
  return work * std::min(idle, 2.0) * (kernel.instance.aligned ? 1 : 4) * (kernel.instance.fused ? 1.1 : 1);
}

}  // namespace

std::span<const KernelEntry> contraction_kernels() {
  static const std::vector<KernelEntry> all = [] {
    std::vector<KernelEntry> kernels;
    for (const auto table : {f32_kernels(), tf32_kernels(), bf16_kernels(), thin_kernels()})
      kernels.insert(kernels.end(), table.begin(), table.end());
    return kernels;
  }();
  return all;
}

std::span<const ContractionInstance> contraction_instances() {
  static const std::vector<ContractionInstance> all = [] {
    std::vector<ContractionInstance> instances;
    for (const KernelEntry& kernel : contraction_kernels()) instances.push_back(kernel.instance);
    return instances;
  }();
  return all;
}

std::optional<ContractionPlan> plan_contraction(const Contraction& contraction) {
  const auto kernels = contraction_kernels();
  ContractionPlan plan;
  double best = INFINITY;
  for (int i = 0; i < static_cast<int>(kernels.size()); ++i) {
    if (contraction.instance >= 0 && contraction.instance != i) continue;
    const KernelEntry& kernel = kernels[static_cast<size_t>(i)];
    if (!can_run(kernel, contraction)) continue;
    const double time = cost(kernel, contraction);
    if (time < best) best = time, plan.instance = i, plan.kernel = &kernel;
  }
  if (plan.kernel == nullptr) return std::nullopt;

  Problem& p = plan.problem = contraction.problem;
  const auto& instance = plan.kernel->instance;
  p.m_tiles = static_cast<int>(ceil_div(p.m, instance.tile_m));
  p.n_tiles = static_cast<int>(ceil_div(p.n, instance.tile_n));
  if (plan.kernel->schedule == Schedule::thin_y) {
    p.m_tiles = static_cast<int>(ceil_div(p.channels, instance.tile_m));
    p.n_tiles = static_cast<int>(ceil_div(int64_t{p.taps} * p.m, instance.tile_n));
  }
  const int64_t in_plane = int64_t{p.m_tiles} * p.n_tiles, planes = int64_t{p.classes} * p.groups;
  p.images_inner = choose_images_inner(p, *plan.kernel);
  p.splits = choose_splits(contraction, *plan.kernel, in_plane * planes);
  if (in_plane > INT32_MAX || planes * p.splits > 65535) return std::nullopt;
  plan.grid_x = static_cast<unsigned>(in_plane);
  plan.grid_y = static_cast<unsigned>(planes * p.splits);
  plan.shared_bytes = plan.kernel->shared_bytes(p);
  if (p.splits > 1)
    plan.workspace_bytes = contraction_counter_bytes +
                           static_cast<size_t>(in_plane * planes * p.splits) *
                               static_cast<size_t>(instance.tile_m * instance.tile_n) * sizeof(float);
  return plan;
}

cudaError_t launch_contraction(const Contraction& contraction, cudaStream_t stream) {
  auto plan = plan_contraction(contraction);
  if (!plan) return cudaErrorInvalidValue;
  if (plan->workspace_bytes > 0) {
    if (contraction.workspace == nullptr) return cudaErrorInvalidValue;
    plan->problem.counters = static_cast<uint32_t*>(contraction.workspace);
    plan->problem.partials =
        reinterpret_cast<float*>(static_cast<char*>(contraction.workspace) + contraction_counter_bytes);
  }
  if (plan->grid_x == 0 || plan->grid_y == 0) return cudaSuccess;
  const auto shared_bytes = static_cast<size_t>(plan->shared_bytes);
  if (const cudaError_t error = allow_shared(plan->kernel->kernel, shared_bytes); error != cudaSuccess)
    return error;
  void* arguments[] = {&plan->problem};
  return cudaLaunchKernel(plan->kernel->kernel, dim3(plan->grid_x, plan->grid_y),
                          dim3(static_cast<unsigned>(plan->kernel->threads)), arguments, shared_bytes,
                          stream);
}

}  // namespace agon::cuda
