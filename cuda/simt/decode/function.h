#pragma once
#include "cuda/simt/decode/draft.h"

namespace agon::simt::ptx {

/// Decodes an entry function with every device function it calls, each call inlined. The module's variables
/// must have their addresses. Throws agon::Error that names the kernel, the source line and what is wrong.
Kernel decode_kernel(const Function& entry, const ModuleText& module);

}  // namespace agon::simt::ptx
