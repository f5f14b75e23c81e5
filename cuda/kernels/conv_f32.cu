#include "cuda/kernels/conv_entry.cuh"

namespace agon::cuda {

#define AGON_FORM(form)                                                                                      \
  AGON_KERNEL(f32, form, 128, 64, 4, 3, false, ""), AGON_KERNEL(f32, form, 128, 64, 4, 3, true, "_fused"),   \
      AGON_KERNEL(f32, form, 64, 64, 4, 3, false, ""), AGON_KERNEL(f32, form, 64, 64, 4, 3, true, "_fused"), \
      AGON_UNALIGNED(form, float, "_unaligned")

std::span<const KernelEntry> f32_kernels() {
  static const KernelEntry table[] = {AGON_FORM(forward), AGON_FORM(input_grad), AGON_FORM(weight_grad),
                                      AGON_UNALIGNED(transposed, float, "_unaligned")};
  return table;
}

}  // namespace agon::cuda
