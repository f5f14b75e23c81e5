#pragma once
#include <cstddef>
#include <type_traits>

#include "agon/graph.h"

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/channel_layout.h"

/// Batch norm over all axes but the channels, for training. The data are T = float or bf16, sums are in
/// double. All vectors are [channels]. `scratch` holds batch_norm_scratch_bytes(channels), 64-byte aligned.
namespace agon::cpu {

/// T, but not to be deduced from the argument.
template <class T>
using Same = std::type_identity_t<T>;

size_t batch_norm_scratch_bytes(int64_t channels);

/// Mean, biased variance and 1 / sqrt(variance + eps) of every channel. Reads x once.
template <class T>
void batch_norm_stats(const ChannelLayout& layout, const T* x, double eps, float* mean, float* variance,
                      float* inv_std, void* scratch);

/// running = (1 - momentum) * running + momentum * batch statistic, the variance unbiased: n / (n - 1) for
/// the layout's n = count(). The results may be the inputs.
void batch_norm_update_running(const ChannelLayout& layout, double momentum, const float* mean,
                               const float* variance, const float* running_mean, const float* running_var,
                               float* new_running_mean, float* new_running_var);

/// y = activation((x - mean) * inv_std * gamma + beta). Reads x and writes y once; y may be x.
template <class T>
void batch_norm_apply(const ChannelLayout& layout, const T* x, const float* mean, const float* inv_std,
                      const float* gamma, const float* beta, const Activation& activation, Same<T>* y,
                      void* scratch);

/// The backward of batch_norm_apply with the statistics as functions of x. With g = dy * activation'(y):
///   dbeta = sum g, dgamma = sum g h, dx = gamma * inv_std * (g - dbeta / n - h * dgamma / n), h the
///   normalised x.
/// `y` is the output of the activation; null has it computed again from x and `beta` (two streams less; beta
/// is not read otherwise, nor y for Activation identity). Reads x, dy (and y) twice, writes dx once; dx may
/// be dy.
template <class T>
void batch_norm_grad(const ChannelLayout& layout, const T* x, Same<const T>* y, Same<const T>* dy,
                     const float* mean, const float* inv_std, const float* gamma, const float* beta,
                     const Activation& activation, Same<T>* dx, float* dgamma, float* dbeta, void* scratch);

/// out[c] = sum of x over images and pixels (a bias gradient).
template <class T>
void channel_sum(const ChannelLayout& layout, const T* x, float* out, void* scratch);

/// y = activation(x + bias), per channel; y may be x. `bias` null is zero.
template <class T>
void bias_activation(const ChannelLayout& layout, const T* x, const float* bias, const Activation& activation,
                     Same<T>* y, void* scratch);

}  // namespace agon::cpu
