#include "cuda/kernels/conv_entry.cuh"

namespace agon::cuda {

#define AGON_FORM(form)                                        \
  AGON_KERNEL(bf16, form, 128, 128, 8, 4, false, ""),          \
      AGON_KERNEL(bf16, form, 128, 128, 8, 3, true, "_fused"), \
      AGON_KERNEL(bf16, form, 64, 64, 8, 4, false, ""),        \
      AGON_KERNEL(bf16, form, 64, 64, 8, 3, true, "_fused"),   \
      AGON_UNALIGNED(form, uint16_t, "_bf16_unaligned")

std::span<const KernelEntry> bf16_kernels() {
  static const KernelEntry table[] = {AGON_FORM(forward), AGON_FORM(input_grad), AGON_FORM(weight_grad),
                                      AGON_UNALIGNED(transposed, uint16_t, "_bf16_unaligned")};
  return table;
}

}  // namespace agon::cuda
