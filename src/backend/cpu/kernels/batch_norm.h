#pragma once
#include <cstddef>

#include "agon/graph.h"

#include "backend/cpu/kernels/channel_layout.h"

/// Batch norm over all axes but the channels, for training. fp32 data, sums in double.
/// All vectors are [channels]. `scratch` holds batch_norm_scratch_bytes(channels), 64-byte aligned.
namespace agon::cpu {

size_t batch_norm_scratch_bytes(int64_t channels);

/// Mean, biased variance and 1 / sqrt(variance + eps) of every channel. Reads x once.
void batch_norm_stats(const ChannelLayout& layout, const float* x, double eps, float* mean, float* variance,
                      float* inv_std, void* scratch);

/// running = (1 - momentum) * running + momentum * batch statistic, the variance unbiased: n / (n - 1) for
/// the layout's n = count(). The results may be the inputs.
void batch_norm_update_running(const ChannelLayout& layout, double momentum, const float* mean,
                               const float* variance, const float* running_mean, const float* running_var,
                               float* new_running_mean, float* new_running_var);

/// y = activation((x - mean) * inv_std * gamma + beta). Reads x and writes y once; y may be x.
void batch_norm_apply(const ChannelLayout& layout, const float* x, const float* mean, const float* inv_std,
                      const float* gamma, const float* beta, const Activation& activation, float* y,
                      void* scratch);

/// The backward of batch_norm_apply with the statistics as functions of x. With g = dy * activation'(y):
///   dbeta = sum g, dgamma = sum g h, dx = gamma * inv_std * (g - dbeta / n - h * dgamma / n), h the
///   normalised x.
/// `y` is the output of the activation; null has it computed again from x and `beta` (two streams less; beta
/// is not read otherwise, nor y for Activation identity). Reads x, dy (and y) twice, writes dx once; dx may
/// be dy.
void batch_norm_grad(const ChannelLayout& layout, const float* x, const float* y, const float* dy,
                     const float* mean, const float* inv_std, const float* gamma, const float* beta,
                     const Activation& activation, float* dx, float* dgamma, float* dbeta, void* scratch);

/// out[c] = sum of x over images and pixels (a bias gradient).
void channel_sum(const ChannelLayout& layout, const float* x, float* out, void* scratch);

/// y = activation(x + bias), per channel; y may be x. `bias` null is zero.
void bias_activation(const ChannelLayout& layout, const float* x, const float* bias,
                     const Activation& activation, float* y, void* scratch);

}  // namespace agon::cpu
