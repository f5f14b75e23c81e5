// The simulated device as a whole: settings, memory, streams, registered programs, and what went wrong.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "cuda/simt/check/memory.h"
#include "cuda/simt/check/report.h"
#include "cuda/simt/count/counters.h"
#include "cuda/simt/device/arch.h"
#include "cuda/simt/device/registry.h"
#include "cuda/simt/device/stream.h"

namespace agon::simt {

struct Settings {
  const Arch* arch = &find_arch("sm_80");
  std::uint64_t memory = 16ull << 30;  // bytes of device memory
  std::uint64_t seed = 0;
  int threads = 0;  // host threads that run blocks; 0: one per processor
  bool checks = true;
  bool count = true;
  bool keep_launches = false;  // counters of every launch beside those by kernel
  std::string reports_file;    // each report is written here as it is found; "-": to stderr; empty: nowhere
  std::string counters_file;   // where the counters go when the program ends; empty: nowhere

  // Sets one by its name ("arch", "memory", "seed", "threads", "checks", "count", "launches", "reports",
  // "counters").
  // Throws agon::Error(usage) naming what is wrong.
  void set(const std::string& name, const std::string& value);
  // From AGON_SIMT_ARCH, AGON_SIMT_MEMORY and so on.
  static Settings from_environment();
};

// One launch as it was executed.
struct LaunchRecord {
  std::string kernel;  // mangled
  Dim3 grid, block;
  std::uint32_t dynamic_shared = 0;  // bytes
  double seconds = 0;                // modelled
  Counters counters;
};

class Device {
 public:
  static Device& instance();

  std::recursive_mutex& mutex() { return mutex_; }
  Registry& registry() { return registry_; }
  Memory& memory() { return *memory_; }
  Scheduler& scheduler() { return *scheduler_; }
  const Settings& settings() const { return settings_; }
  const Arch& arch() const { return *settings_.arch; }
  // What is wrong with the environment's settings; empty: nothing. Every call answers with it.
  const std::string& startup_error() const { return startup_error_; }
  // A changed arch or `checks` starts the device afresh where nothing is allocated on it; throws
  // agon::Error(usage) otherwise.
  void configure(const std::string& name, const std::string& value);

  // As after cudaDeviceReset: no allocation, stream, fault or work is left. Reports and counters stay.
  void reset();

  // The decoded kernel, its module placed in memory. Throws agon::Error.
  const Kernel& load(Function& function);
  const Module& load(Image& image);
  // Where a registered variable lies.
  std::uint64_t address(const RegisteredVariable& variable);

  // The error that every call answers with after a fault that kills a context; 0: none.
  int fault() const { return fault_; }
  // The error that the next wait of the host answers with; taken by the call. 0: none.
  int take_failure();
  void add_reports(std::vector<Report> reports);
  // Of what a call refused: no later wait fails for it.
  void add_refusal(Report report);
  std::vector<Report> take_reports();
  const std::vector<Report>& reports() const { return reports_; }
  // Turns accesses of host code to device memory since the last call into reports.
  void collect_host_faults();

  const std::map<std::string, LaunchRecord>& kernels() const { return kernels_; }  // summed by kernel
  const std::vector<LaunchRecord>& launches() const { return launches_; }
  void clear_counters();
  // Every kernel that was launched, with the most dynamic shared memory; clearing the counters leaves them.
  const std::map<std::string, std::uint32_t>& launched() const { return launched_; }
  // Registered kernels that no launch has executed since the program began, mangled and in order.
  std::vector<std::string> never_launched() const;

 private:
  Device();
  ~Device();
  void start();
  void write_out(const Report& report) const;
  double execute(const Work& work);
  double execute_kernel(const KernelWork& work);
  double execute_copy(const CopyWork& work);
  double execute_fill(const FillWork& work);

  std::recursive_mutex mutex_;
  Settings settings_;
  std::string startup_error_;
  Registry registry_;
  std::unique_ptr<Memory> memory_;
  std::unique_ptr<Scheduler> scheduler_;
  int fault_ = 0, failure_ = 0;
  std::vector<Report> reports_;
  std::map<std::string, LaunchRecord> kernels_;
  std::vector<LaunchRecord> launches_;
  std::map<std::string, std::uint32_t> launched_;
};

// The runtime's error for a fault, and whether it kills the context as on a device (the others fail the next
// wait alone).
int error_of(FaultKind kind);
bool is_deadly(FaultKind kind);

// Modelled seconds of a launch: the longest of its traffic, its instructions and its arithmetic, and a fixed
// share for starting it.
double modelled_seconds(const Arch& arch, const Counters& counters);

}  // namespace agon::simt
