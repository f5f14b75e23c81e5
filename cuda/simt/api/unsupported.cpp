#include <string>

#include "cuda/simt/api/support.h"

// Behind every function of the runtime that is not simulated (see api_stubs in the build).
extern "C" cudaError_t agon_simt_unsupported(const char* call) {
  using namespace agon::simt;
  Device& device = Device::instance();
  const std::lock_guard lock(device.mutex());
  Report report;
  report.kind = FaultKind::unknown_instruction;
  report.message = std::string(call) + " is not simulated";
  device.add_refusal(report);
  return api::note(call, cudaErrorNotSupported, "not simulated");
}
