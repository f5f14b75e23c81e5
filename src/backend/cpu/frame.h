#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "backend/ref.h"

namespace agon::cpu {

/// What a step sees when it runs: the address of every buffer, and the step block.
struct Frame {
  std::vector<std::byte*> base;
  uint64_t seed = 0, step = 0;

  template <class T = float>
  T* at(Ref ref) const {
    return reinterpret_cast<T*>(base[static_cast<size_t>(ref.buffer)] + ref.offset);
  }
};

/// One prepared kernel. `bind` (if any) is called once when the addresses are known; `run` must not allocate.
struct Step {
  std::string op, name, detail;
  std::function<void(const Frame&)> run;
  std::function<void(const Frame&)> bind;
  double flops = 0;
  double bytes = 0;  ///< the fewest: each operand and result once
};

}  // namespace agon::cpu
