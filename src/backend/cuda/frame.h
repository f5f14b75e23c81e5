#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/cuda/device.h"
#include "backend/ref.h"

namespace agon::device {

/// What a step sees when it is launched or captured: the address of every buffer.
struct Frame {
  const Device* device = nullptr;
  std::vector<std::byte*> base;

  /// Null for a Ref that is none.
  template <class T = float>
  T* at(Ref ref) const {
    if (!ref.valid()) return nullptr;
    return reinterpret_cast<T*>(base[static_cast<size_t>(ref.buffer)] + ref.offset);
  }
};

/// One or more launches that lower one node. `launch` is called at each capture and when profiling.
struct Step {
  std::string op, name, detail;
  std::function<void(const Frame&)> launch;
  double flops = 0;
  double bytes = 0;  ///< the fewest: each operand and result once
};

/// Functions of the C table.
template <class Args>
using Launch = int (*agon_cuda_table::*)(agon_cuda_context*, const Args*);
template <class Args>
using WorkspaceSize = size_t (*agon_cuda_table::*)(const Args*);

}  // namespace agon::device
