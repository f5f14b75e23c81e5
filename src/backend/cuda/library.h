#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/cuda/simulator.h"
#include "cuda/runtime/agon_cuda.h"

namespace agon::device {

/// Whose CUDA runtime serves the library: NVIDIA's or the simulator's. A process has one of them.
enum class Runtime { nvidia, simulated };

/// libagon_cuda.so, loaded. It stays loaded: CUDA libraries cannot be unloaded safely.
class Library {
 public:
  /// Throws Error(unsupported), with the cure, where a file is missing or the wrong runtime is in the
  /// process.
  static std::shared_ptr<const Library> load(Runtime runtime);

  const agon_cuda_table& table() const { return *table_; }
  /// Present if the device is a simulated one.
  const Simulator& simulator() const { return simulator_; }

 private:
  Library(const agon_cuda_table* table, Simulator simulator) : table_(table), simulator_(simulator) {}

  const agon_cuda_table* table_;
  Simulator simulator_;
};

/// The folders that are searched for the library, best first: AGON_LIBRARY_DIR, then beside the program and
/// in
/// ../lib from there.
std::vector<std::string> library_folders();

}  // namespace agon::device
