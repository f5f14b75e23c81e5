// Who may do an access, and what it counts for.
#pragma once

#include "cuda/simt/machine/worker.h"

namespace agon::simt {

// The lanes of w.exec that may do the access. With checks a bad address is a report and its lane is off;
// without, it stops the launch, as on a device.
std::uint32_t admit_global(Warp& w, const Step* s, const std::uint64_t* address, std::uint32_t bytes,
                           bool write);
std::uint32_t admit_shared(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                           bool write);
std::uint32_t admit_local(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                          bool write);

// The same with the kind of access given.
std::uint32_t admit_global(Warp& w, const Step* s, const std::uint64_t* address, std::uint32_t bytes,
                           Access access);
std::uint32_t admit_shared(Warp& w, const Step* s, const std::uint32_t* offset, std::uint32_t bytes,
                           Access access);

void count_global(Warp& w, const std::uint64_t* address, const AccessPattern& pattern, bool write);

inline void count_shared(Worker& worker, const AccessPattern& pattern) {
  ++worker.counters.shared_requests;
  worker.counters.shared_wavefronts += pattern.wavefronts;
  worker.counters.shared_ideal += pattern.ideal;
}

}  // namespace agon::simt
