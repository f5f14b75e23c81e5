#pragma once
#include "cuda/kernels/common.h"

/// Optimizers over a player's flat buffers: one launch updates parameters and slots in place and adds up
/// sum(g^2) (of the gradient as given) and sum(p'^2) in a fixed order. Exact definitions: torch.optim's, as
/// agon::Op::adam, rmsprop and sgd have them.
///
/// Launch: 256 threads a block, four elements a thread at a time, up to 1024 blocks. About 20 flops an
/// element. Fewest bytes an element: adam 28, rmsprop 20 (28 with momentum), sgd 12 (20 with momentum); 8
/// more with an EMA copy, 2 more with a bf16 copy.
namespace agon::cuda {

enum class OptimizerKind : int32_t { adam, rmsprop, sgd };

struct OptimizerArgs {
  OptimizerKind kind = OptimizerKind::adam;
  float* p = nullptr;
  const float* g = nullptr;
  float* first = nullptr;   ///< adam's m, rmsprop's square average, sgd's momentum buffer
  float* second = nullptr;  ///< adam's v, rmsprop's momentum buffer
  int64_t count = 0;
  float beta1 = 0;  ///< adam's beta1; the momentum of the others: with 0 its buffer rests
  float beta2 = 0;  ///< adam's beta2, rmsprop's alpha
  float eps = 0, weight_decay = 0;
  const float* lr = nullptr;                                      ///< on the device
  const float *correction1 = nullptr, *correction2 = nullptr;     ///< adam's 1 - beta^t, on the device
  float *gradient_square = nullptr, *parameter_square = nullptr;  ///< one f32 each, or null
  bool clip = false;  ///< after the update p' = clamp(p', clip_lo, clip_hi); parameter_square is taken before
  float clip_lo = 0, clip_hi = 0;
  float* ema = nullptr;               ///< ema += ema_weight (p' - ema), after clipping; or null
  const float* ema_weight = nullptr;  ///< 1 - decay, on the device
  uint16_t* p_bf16 = nullptr;         ///< p' rounded to bf16 for the next step's products; or null
  void* workspace = nullptr;
};

size_t optimizer_workspace(const OptimizerArgs& args);
cudaError_t launch_optimizer(const OptimizerArgs& args, cudaStream_t stream);

}  // namespace agon::cuda
