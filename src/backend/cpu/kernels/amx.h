#pragma once

namespace agon::cpu {

/// True where the processor has matrix registers that multiply bf16 (AMX), the system lets this process use
/// them, and AGON_MAX_ISA does not forbid it.
bool has_amx();

}  // namespace agon::cpu
