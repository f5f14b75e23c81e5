#pragma once
#include "cuda/kernels/common.h"

/// What convolutions and matrix products have in common: how operands are transformed as they are read
/// (prologue) and results as they are written (epilogue).
namespace agon::cuda {

/// The arithmetic of the main loop. f32: fused multiply-adds. tf32: tensor cores on f32 operands rounded to
/// 10 bits of mantissa. bf16: tensor cores on bf16 operands. Sums are f32 in all three.
enum class Math : int32_t { f32, tf32, bf16 };

enum class PrologueKind : int32_t {
  none,
  forward,   ///< f(scale v + shift): batch norm and activation of the layer in front
  backward,  ///< the gradient through an activation and a batch norm, see Prologue
};

/// Applied to the elements of an activation tensor as they are read; padding is zero *after* it. Per-channel
/// arrays are f32 and have `channels` elements; the channel of an element is its index along the last axis
/// modulo `channels` (0: the extent of that axis).
///
/// forward:   f(scale v + shift)
/// backward:  c0 (v f') + c1 z + c2, where z is a second tensor laid out as the operand and f' the derivative
///            of f at scale z + shift; without `scale`, z is f's *output* and f' is taken by it.
///            c0, c1, c2 are coefficients[0..2][channels]; null: 1, 0, 0. See BatchNormGradArgs.
/// f is identity, relu, or leaky_relu with alpha <= 1 (suits_prologue): max(x, alpha x).
struct Prologue {
  PrologueKind kind = PrologueKind::none;
  Activation activation;
  const float *scale = nullptr, *shift = nullptr;  ///< both null: 1 and 0
  const void* z = nullptr;
  const float* coefficients = nullptr;  ///< [3, channels]
  int channels = 0;
};

constexpr bool suits_prologue(const Activation& f) {
  return f.kind <= ActivationKind::relu || (f.kind == ActivationKind::leaky_relu && f.alpha <= 1);
}

/// result = f(sum + bias) (+ the former result with `accumulate`). Statistics are of f(sum + bias) and feed
/// BatchNormPartialsArgs with `centred`: partial p is the p-th tile of rows. Where a matrix product's columns
/// are several pixels of `stats_channels` channels each, every pixel of a tile is a partial of its own.
struct Epilogue {
  const float* bias = nullptr;  ///< per channel (last axis) of the result
  Activation activation;
  bool accumulate = false;
  float *stats_sums = nullptr, *stats_squares = nullptr;  ///< [partials, stats_channels]; both or neither
  int32_t* stats_counts = nullptr;                        ///< [partials]
  int stats_channels = 0;                                 ///< 0: the extent of the last axis
};

/// Workspaces of this family begin with so many bytes of counters, which every launch leaves zero; what
/// follows needs no initialisation. So launches of one stream may share a workspace.
constexpr size_t contraction_counter_bytes = 16384;

/// A compiled main loop. Tiles are in elements of the result; an `aligned` instance loads 16 bytes at a time
/// and needs extents along the last axes that are multiples of it; only a `fused` one runs prologues.
struct ContractionInstance : Instance {
  Math math;
  int tile_m, tile_n;
  bool aligned, fused;
};

}  // namespace agon::cuda
