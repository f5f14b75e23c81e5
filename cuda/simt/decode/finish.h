#pragma once
#include "cuda/simt/decode/draft.h"

namespace agon::simt::ptx {

/// Gives the draft's registers their slots and its branches their points of reconvergence, and moves it into
/// `kernel`.
void finish_kernel(Draft&& draft, Kernel& kernel);

}  // namespace agon::simt::ptx
