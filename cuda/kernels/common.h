#pragma once
#include <cstddef>
#include <cstdint>
#include <cuda_runtime_api.h>

/// What the kernels' headers share. Each header declares a family: plain structs of device pointers, sizes
/// and strides, and functions that launch. A launch allocates nothing, waits for nothing and may be captured;
/// it returns cudaErrorInvalidValue for arguments outside of the limits its header states.
///
/// `workspace` is scratch of at least the bytes that the family's *_workspace function tells, aligned to 16
/// bytes and zero before the first launch; every launch leaves its counters zero again. Two launches that may
/// overlap must not share one.
///
/// Unless a family says otherwise a tensor has at most 2^31 - 1 elements; byte offsets are 64-bit.
namespace agon::cuda {

/// Element types of device memory. Arithmetic is in f32 whatever the storage.
enum class DType : int32_t { f32, bf16, i32, u8 };

constexpr int max_rank = 6;

constexpr int size_of(DType dtype) {
  return dtype == DType::bf16 ? 2 : dtype == DType::u8 ? 1 : 4;
}

/// The same kinds, in the same order, as agon::ActivationKind.
enum class ActivationKind : int32_t { identity, relu, leaky_relu, elu, tanh, sigmoid };

/// y = f(x); its derivative is had from y. `alpha` is leaky_relu's slope (> 0) or elu's alpha.
struct Activation {
  ActivationKind kind = ActivationKind::identity;
  float alpha = 0;
};

/// A compiled variant of a family. An `int instance` member of the arguments indexes the family's table, for
/// the autotuner and the tests; -1 leaves the choice to the launch function.
struct Instance {
  const char* name;
};

}  // namespace agon::cuda
