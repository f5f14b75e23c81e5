#include "cuda/kernels/conv_entry.cuh"

namespace agon::cuda {

#define AGON_FORM(form)                                        \
  AGON_KERNEL(tf32, form, 128, 128, 4, 4, false, ""),          \
      AGON_KERNEL(tf32, form, 128, 128, 4, 3, true, "_fused"), \
      AGON_KERNEL(tf32, form, 64, 64, 4, 4, false, ""),        \
      AGON_KERNEL(tf32, form, 64, 64, 4, 3, true, "_fused")

std::span<const KernelEntry> tf32_kernels() {
  static const KernelEntry table[] = {AGON_FORM(forward), AGON_FORM(input_grad), AGON_FORM(weight_grad)};
  return table;
}

}  // namespace agon::cuda
