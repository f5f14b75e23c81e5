#pragma once
#include <cstddef>
#include <type_traits>

#include "backend/cpu/kernels/bf16.h"
#include "backend/cpu/kernels/channel_layout.h"

/// Instance norm and layer norm; see the graph's sample_norm and sample_norm_grad. Sums are in f64 and in an
/// order that depends on the number of threads alone. Few samples are cut into pieces, so that all threads
/// work. y may be x, and dx may be dy. Scratch is 64-byte aligned.
namespace agon::cpu {

/// Each image and channel over the pixels; T = float or bf16. gamma and beta [channels], or null: 1 and 0.
/// mean and inv_std [images, channels]. dgamma and dbeta are null with gamma.
size_t instance_norm_scratch_bytes(const ChannelLayout& layout);
template <class T>
void instance_norm(const ChannelLayout& layout, const T* x, const float* gamma, const float* beta, double eps,
                   std::type_identity_t<T>* y, float* mean, float* inv_std, void* scratch);
template <class T>
void instance_norm_grad(const ChannelLayout& layout, const T* x, const float* mean, const float* inv_std,
                        std::type_identity_t<const T>* dy, const float* gamma, std::type_identity_t<T>* dx,
                        float* dgamma, float* dbeta, void* scratch);

/// Each sample of [samples, size] as a whole. gamma and beta [size], or null; mean and inv_std [samples].
size_t layer_norm_scratch_bytes(int64_t samples);
void layer_norm(int64_t samples, int64_t size, const float* x, const float* gamma, const float* beta,
                double eps, float* y, float* mean, float* inv_std, void* scratch);
void layer_norm_grad(int64_t samples, int64_t size, const float* x, const float* mean, const float* inv_std,
                     const float* dy, const float* gamma, float* dx, float* dgamma, float* dbeta,
                     void* scratch);

}  // namespace agon::cpu
