#pragma once
#include "cuda/kernels/contraction.h"

/// What a contraction kernel is told. Every member of the family is result[m][n] = sum over k of A[m][k]
/// B[k][n], once per group (or batch entry).
namespace agon::cuda {

/// How m, n and k run over tensors. `gathered` is the activation tensor whose pixel depends on the tap.
enum class Form : int32_t {
  forward,     ///< m: pixels of y, n: K, k: (tap, C). A gathers x; B is w, k contiguous
  input_grad,  ///< m: pixels of x of one parity class, n: C, k: (tap of the class, K). A gathers y; B is w, n
               ///< contiguous
  weight_grad,  ///< m: K, n: (tap, C), k: pixels of y. A is y, m contiguous; B gathers x, n contiguous
  transposed,   ///< matrix products alone: A is m contiguous, B is k contiguous
};

struct Problem {
  const void *a = nullptr, *b = nullptr;
  void* result = nullptr;
  DType result_dtype = DType::f32;

  int groups = 1;                                      ///< or batch entries
  int64_t a_group = 0, b_group = 0, result_group = 0;  ///< elements from one group to the next
  int a_channel_group = 0, b_channel_group = 0, result_channel_group = 0;  ///< the same in per-channel arrays

  int m = 0, n = 0;  ///< of one group (and of the largest parity class)
  int m_tiles = 0, n_tiles = 0, splits = 1, classes = 1;

  int images = 1;
  int images_inner = 1;       ///< so many images lie between one pixel's rows and the next one's
  int pixels[3] = {1, 1, 1};  ///< extents of what m (weight_grad: k) runs over
  int source[3] = {1, 1, 1};  ///< extents of the gathered tensor
  int source_row = 1;         ///< elements from one of its pixels to the next
  int kernel[3] = {1, 1, 1}, stride[3] = {1, 1, 1}, pad[3] = {0, 0, 0}, dilation[3] = {1, 1, 1};
  int taps = 1;
  int channels = 1;         ///< per tap: of k (forward, input_grad) or of n (weight_grad)
  int tap_step = 0;         ///< elements of w from one tap to the next
  int b_row = 0;            ///< w: elements from one row to the next (rows are n in forward, k in input_grad)
  int a_row = 0;            ///< weight_grad: elements from one pixel of y to the next
  int result_row = 0;       ///< elements from one row of the result to the next
  int result_channels = 0;  ///< extent of the result's last axis, all groups together
  bool result_vectors = false;  ///< four neighbouring results are aligned to each other

  Prologue a_prologue, b_prologue;
  Epilogue epilogue;
  float* partials = nullptr;     ///< [splits, tiles, tile_m * tile_n]
  uint32_t* counters = nullptr;  ///< [tiles]
};

/// One tap of a window: how far its source pixel and its weights lie from the window's first.
struct alignas(16) Tap {
  int a = 0, b = 0;
  short offset[3] = {0, 0, 0}, unused = 0;
};

/// One row of a tile: the source pixel of a tap with no offset (which may lie in the padding).
struct alignas(16) Row {
  int coordinate[3];
  int source;  ///< elements from the gathered tensor's start
};

}  // namespace agon::cuda
