#include "cuda/kernels/conv.h"

#include "cuda/kernels/conv_plan.h"

namespace agon::cuda {
namespace {

bool valid(const ConvArgs& args) {
  const ConvShape& s = args.shape;
  if (s.batch < 0 || s.groups < 1 || s.x_channels < 1 || s.y_channels < 1 || s.x_channels % s.groups != 0 ||
      s.y_channels % s.groups != 0)
    return false;
  if (args.math != Math::bf16 && args.result_dtype != DType::f32) return false;
  if (args.result_dtype != DType::f32 && args.result_dtype != DType::bf16) return false;
  int64_t x = int64_t{s.batch} * s.x_channels, y = int64_t{s.batch} * s.y_channels;
  int64_t w = int64_t{s.x_channels / s.groups} * s.y_channels;
  for (int axis = 0; axis < 3; ++axis) {
    if (s.kernel[axis] < 1 || s.stride[axis] < 1 || s.dilation[axis] < 1) return false;
    if (int64_t{s.kernel[axis]} * s.dilation[axis] + s.pad_lo[axis] + s.stride[axis] > INT16_MAX)
      return false;
    x *= s.x[axis], y *= s.y[axis], w *= s.kernel[axis];
  }
  return x <= INT32_MAX && y <= INT32_MAX && w <= INT32_MAX;
}

Prologue with_channels(Prologue prologue, int channels) {
  if (prologue.channels == 0) prologue.channels = channels;
  return prologue;
}

/// A prologue's channels must repeat within a group.
bool valid(const Prologue& prologue, int channels, int groups) {
  if (prologue.kind == PrologueKind::none) return true;
  return prologue.channels > 0 &&
         (groups > 1 ? prologue.channels == channels : channels % prologue.channels == 0) &&
         (prologue.kind != PrologueKind::backward || prologue.z != nullptr) &&
         (prologue.scale == nullptr) == (prologue.shift == nullptr);
}

}  // namespace

std::optional<Contraction> conv_contraction(const ConvArgs& args) {
  if (!valid(args)) return std::nullopt;
  const ConvShape& s = args.shape;
  const int c = s.x_channels / s.groups, k = s.y_channels / s.groups;
  Contraction contraction{args.math, Form::forward, {}, args.instance, args.splits, true, args.workspace};
  Problem& p = contraction.problem;
  p.result = args.result;
  p.result_dtype = args.result_dtype;
  p.groups = s.groups;
  p.images = s.batch;
  for (int axis = 0; axis < 3; ++axis) {
    p.kernel[axis] = s.kernel[axis], p.stride[axis] = s.stride[axis];
    p.pad[axis] = s.pad_lo[axis], p.dilation[axis] = s.dilation[axis];
    p.taps *= s.kernel[axis];
  }
  const int w_row = p.taps * c;
  p.tap_step = c;
  p.epilogue = args.epilogue;
  const Prologue x_prologue = with_channels(args.x_prologue, s.x_channels);
  const Prologue y_prologue = with_channels(args.y_prologue, s.y_channels);

  const auto copy3 = [](int(&to)[3], const int(&from)[3]) { std::copy(from, from + 3, to); };
  const auto pixels = [](const int(&extent)[3]) { return int64_t{extent[0]} * extent[1] * extent[2]; };
  switch (args.op) {
    case ConvOp::forward:
      p.a = args.x, p.b = args.w;
      p.a_group = c, p.b_group = int64_t{k} * w_row, p.result_group = k;
      p.m = static_cast<int>(s.batch * pixels(s.y)), p.n = k;
      copy3(p.pixels, s.y), copy3(p.source, s.x);
      p.source_row = s.x_channels, p.channels = c, p.b_row = w_row;
      p.result_row = p.result_channels = s.y_channels;
      p.a_prologue = x_prologue;
      break;
    case ConvOp::input_grad: {
      contraction.form = Form::input_grad;
      p.a = args.y, p.b = args.w;
      p.a_group = k, p.b_group = int64_t{k} * w_row, p.result_group = c;
      int64_t m = s.batch;
      for (int axis = 0; axis < 3; ++axis) {
        m *= (s.x[axis] + s.stride[axis] - 1) / s.stride[axis];
        p.classes *= s.stride[axis];
      }
      p.m = static_cast<int>(m), p.n = c;
      copy3(p.pixels, s.x), copy3(p.source, s.y);
      p.source_row = s.y_channels, p.channels = k, p.b_row = w_row;
      p.result_row = p.result_channels = s.x_channels;
      p.a_prologue = y_prologue;
      break;
    }
    case ConvOp::weight_grad:
      contraction.form = Form::weight_grad;
      p.a = args.y, p.b = args.x;
      p.a_group = k, p.b_group = c, p.result_group = int64_t{k} * w_row;
      p.m = k, p.n = w_row;
      copy3(p.pixels, s.y), copy3(p.source, s.x);
      p.source_row = s.x_channels, p.a_row = s.y_channels, p.channels = c;
      p.result_row = p.result_channels = w_row;
      p.a_prologue = y_prologue, p.b_prologue = x_prologue;
      if (p.epilogue.bias || p.epilogue.stats_sums || p.epilogue.activation.kind != ActivationKind::identity)
        return std::nullopt;
      break;
  }
  p.a_channel_group = static_cast<int>(p.a_group);
  p.b_channel_group = args.op == ConvOp::weight_grad ? c : 0;
  p.result_channel_group = static_cast<int>(p.result_group);
  const int a_channels = args.op == ConvOp::forward ? s.x_channels : s.y_channels;
  if (!valid(p.a_prologue, a_channels, s.groups) || !valid(p.b_prologue, s.x_channels, s.groups))
    return std::nullopt;
  if (p.b_prologue.kind == PrologueKind::backward) return std::nullopt;
  if (p.epilogue.stats_channels == 0) p.epilogue.stats_channels = p.result_channels;
  const uintptr_t vector = args.result_dtype == DType::f32 ? 16 : 8;
  p.result_vectors = p.n % 4 == 0 && p.result_row % 4 == 0 && p.result_group % 4 == 0 &&
                     reinterpret_cast<uintptr_t>(p.result) % vector == 0;
  return contraction;
}

size_t conv_workspace(const ConvArgs& args) {
  const auto contraction = conv_contraction(args);
  const auto plan = contraction ? plan_contraction(*contraction) : std::nullopt;
  return plan ? plan->workspace_bytes : 0;
}

int64_t conv_stats_partials(const ConvArgs& args) {
  auto contraction = conv_contraction(args);
  float some = 0;
  if (contraction && contraction->problem.epilogue.stats_sums == nullptr)
    contraction->problem.epilogue.stats_sums = &some;  // chooses a kernel that keeps statistics
  const auto plan = contraction ? plan_contraction(*contraction) : std::nullopt;
  if (!plan) return 0;
  const Problem& p = plan->problem;
  return int64_t{p.m_tiles} * p.classes * (p.result_channels / p.epilogue.stats_channels);
}

int conv_instance(const ConvArgs& args) {
  const auto contraction = conv_contraction(args);
  const auto plan = contraction ? plan_contraction(*contraction) : std::nullopt;
  return plan ? plan->instance : -1;
}

cudaError_t launch_conv(const ConvArgs& args, cudaStream_t stream) {
  const auto contraction = conv_contraction(args);
  return contraction ? launch_contraction(*contraction, stream) : cudaErrorInvalidValue;
}

std::span<const ContractionInstance> conv_instances() {
  return contraction_instances();
}

}  // namespace agon::cuda
