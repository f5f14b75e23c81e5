#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agon/graph.h"
#include "agon/log.h"
#include "agon/tensor.h"

namespace agon {

enum class Precision : uint8_t { f32, tf32, bf16 };

struct CompileOptions {
  uint64_t seed = 0;  ///< key of every random leaf
  Precision precision = Precision::f32;
  bool fuse = true;
  /// Time the implementations of each contraction and take the fastest (devices only), which differ in their
  /// roundings. Unset: where the device is a real one and a tuning file keeps what was found.
  std::optional<bool> autotune = {};
  /// What autotune measured on this machine, a JSON file; empty: nothing is kept from one compile to the
  /// next.
  std::filesystem::path tuning_file = {};
  /// ProgramInfo::choices of an earlier compile, so that a resumed run computes as it did.
  std::map<std::string, std::string> choices = {};
  LogSink log = {};
};

/// The named tensors that outlive a step: parameters, optimizer slots, statistics. Owned by a backend and
/// shared by the programs compiled against it (train, sample, evaluate), so that they see the same weights.
class Store {
 public:
  virtual ~Store() = default;
  /// Makes `name` if it is new (zero-filled). Throws Error(data) if it exists with another shape or dtype.
  virtual void declare(const std::string& name, DType dtype, const Shape& shape) = 0;
  virtual bool contains(const std::string& name) const = 0;
  virtual std::vector<std::string> names() const = 0;
  /// Copies in; f32 and f64 convert. Throws Error(data) on a shape that differs, Error(usage) on an unknown
  /// name.
  virtual void write(const std::string& name, const Tensor& value) = 0;
  /// Copies out, in the dtype the backend computes with (f64 for `reference`).
  virtual Tensor read(const std::string& name) const = 0;
  virtual size_t bytes() const = 0;
};

/// What one run of a program recorded: the scalar outputs in the order of Program::scalar_names().
struct StepRecord {
  uint64_t step = 0;
  std::vector<double> values;
};

/// Facts about a compiled program, for `--explain`, the preflight line and tests.
struct ProgramInfo {
  size_t arena_bytes = 0;                      ///< activations and temporaries, planned by liveness
  size_t unplanned_bytes = 0;                  ///< what they would take without sharing
  size_t workspace_bytes = 0;                  ///< library scratchpads and cached weight layouts
  int kernels = 0;                             ///< launches per run
  bool asynchronous = false;                   ///< run() returns before its work is done
  std::vector<std::string> lines;              ///< one a kernel: op, scope, shape and layout, implementation
  std::vector<std::string> fusions;            ///< what was fused into what, and why not where it was not
  std::map<std::string, std::string> choices;  ///< autotune's, by problem
};

/// One kernel of a program, averaged over runs: its time, or on a simulated device what it did.
struct KernelTime {
  std::string op, name, detail;
  double seconds = 0;  ///< 0 on a device without a clock worth reading (simt)
  double flops = 0;    ///< useful ones
  double bytes = 0;    ///< the fewest: each operand and result once
  /// simt: counted events by name, in a fixed order ("global sectors", "bank conflicts", "fma", ...).
  std::vector<std::pair<std::string, double>> counters;
};

/// A compiled iteration: a list of prepared kernels over one arena. Not thread-safe; runs allocate nothing.
class Program {
 public:
  virtual ~Program() = default;
  /// Host memory of an input, for the next run; fill it before run(), and ask again for the run after it
  /// (devices alternate between buffers). An input that is not asked for keeps its values.
  virtual std::span<std::byte> input(std::string_view name) = 0;
  /// Copies `value` into an input, converting f32 and f64. Throws Error(usage) on name or shape.
  virtual void write(std::string_view name, const Tensor& value) = 0;
  virtual void set_scalar(std::string_view name, double value) = 0;
  /// Executes one iteration; `step` is the Philox step counter and tags the record.
  virtual void run(uint64_t step) = 0;
  /// Names of the scalar outputs.
  virtual const std::vector<std::string>& scalar_names() const = 0;
  /// Records since the last call, oldest first; waits for pending runs.
  virtual std::vector<StepRecord> drain() = 0;
  /// A named output of the last run, in the dtype the backend computes with.
  virtual Tensor read(std::string_view output) = 0;
  virtual const ProgramInfo& info() const = 0;
  /// Runs `repeats` times and returns the mean time of each kernel. State advances as in run(), on a device
  /// by more steps than that.
  virtual std::vector<KernelTime> profile(int repeats) = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  virtual std::unique_ptr<Store> make_store() = 0;
  /// Simplifies, removes dead work, fuses, plans memory and prepares kernels. Declares the graph's states in
  /// `store`, which must outlive the program. The graph may be dropped afterwards.
  virtual std::unique_ptr<Program> compile(const Graph& graph, Store& store,
                                           const CompileOptions& options) = 0;
};

/// "cpu", "reference", "cuda", "cuda:N" for device N, or "simt". Throws Error(usage) for an unknown name,
/// Error(unsupported) with the cure where this build or machine lacks it.
std::shared_ptr<Backend> open_backend(std::string_view name);
/// The names open_backend knows.
std::vector<std::string> backend_names();

}  // namespace agon
