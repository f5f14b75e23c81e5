#include "backend/cuda/prologue.h"

namespace agon::device {

cuda::Activation to_kernel(const Activation& f) {
  return {static_cast<cuda::ActivationKind>(f.kind), static_cast<float>(f.alpha)};
}

cuda::DType to_kernel(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return cuda::DType::f32;
    case DType::bf16:
      return cuda::DType::bf16;
    case DType::i32:
      return cuda::DType::i32;
    case DType::u8:
      return cuda::DType::u8;
    default:
      fail(ErrorKind::unsupported, "cuda: no tensors of {}; use --device cpu", name_of(dtype));
  }
}

cuda::Prologue Operand::at(const Frame& f) const {
  cuda::Prologue prologue;
  prologue.kind = kind;
  prologue.activation = to_kernel(activation);
  prologue.scale = f.at(scale);
  prologue.shift = f.at(shift);
  prologue.z = f.at<void>(z);
  prologue.coefficients = f.at(coefficients);
  prologue.channels = channels;
  return prologue;
}

}  // namespace agon::device
